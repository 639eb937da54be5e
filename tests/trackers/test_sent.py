from dataclasses import replace

from cifar_lab.trackers.sent import hashed, nothing_sent, read_sent, write_sent

WHERE = {"tracking_uri": "sqlite:///a.db", "entity": None}


def test_what_was_sent_is_remembered_for_the_same_settings_only(tmp_path):
    assert read_sent(tmp_path, WHERE) == nothing_sent(WHERE)
    sent = replace(nothing_sent(WHERE), id="the run", epochs=3, files={"report.html": "abc"})
    write_sent(tmp_path, sent)
    assert read_sent(tmp_path, WHERE) == sent
    elsewhere = {**WHERE, "tracking_uri": "http://127.0.0.1"}
    assert read_sent(tmp_path, elsewhere) == nothing_sent(elsewhere)


def test_the_hash_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashed({"a": tmp_path / "file"}) == {"a": expected}
