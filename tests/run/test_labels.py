"""Tests which tags and notes a run may have, and that they are kept with its other files."""

from __future__ import annotations

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import object_text, write_json
from cifar_lab.run.labels import LONGEST_NOTE, Labels
from cifar_lab.run.record import Run
from tests.made import a_run


def test_tags_are_sorted_and_each_is_there_once():
    labels = Labels.none().tagged("b").tagged("a").tagged("b")
    assert labels.tags == ("a", "b")
    assert labels.untagged("a") == Labels(("b",), "")
    assert labels.noted("why").tagged("c") == Labels(("a", "b", "c"), "why")


@pytest.mark.parametrize("tag", ["", "two words", "a,b", "ü", "a\n", "x" * 51, "\x1b[2J"])
def test_a_tag_is_one_plain_word(tag):
    with pytest.raises(Refusal, match=r"must be one word of at most 50 letters, digits, '_', '.'"):
        Labels.none().tagged(tag)


def test_a_word_of_every_allowed_character_is_a_tag():
    word = "Az09_.-" + "x" * 43
    assert len(word) == 50
    assert Labels.none().tagged(word).tags == (word,)


def test_a_tag_that_is_not_there_cannot_be_removed():
    with pytest.raises(Refusal, match=r"^the run has no tag 'c'; its tags are: a, b$"):
        Labels(("a", "b"), "").untagged("c")
    with pytest.raises(Refusal, match=r"^the run has no tag 'c'; it has no tags$"):
        Labels.none().untagged("c")


def test_a_note_has_an_end():
    assert Labels.none().noted("x" * LONGEST_NOTE).note == "x" * LONGEST_NOTE
    with pytest.raises(Refusal, match="at most 10,000 characters, got 10,001; keep longer text in"):
        Labels.none().noted("x" * (LONGEST_NOTE + 1))


def test_labels_are_kept_in_the_manifest_and_read_back(tmp_path):
    folder = a_run(tmp_path / "run")
    run = Run(folder)
    assert run.labels == Labels.none()
    labels = Labels(("a",), "ünï\ncode")
    run.files.write({folder.labels: object_text(labels)})
    assert Run(folder).labels == labels
    assert "labels.json" in run.files.manifest.files
    folder.labels.write_text(folder.labels.read_text().replace("code", "cope"))
    with pytest.raises(Refusal, match=r"labels\.json was refused: its SHA-256 is not the one"):
        assert Run(folder).labels


@pytest.mark.parametrize(
    ("tags", "note", "key"), [(["a b"], "", "tags.0"), (["\x1b[2J"], "", "tags.0"), ([], 3, "note")]
)
def test_labels_of_a_stranger_are_checked(tmp_path, tags, note, key):
    folder = a_run(tmp_path / "run")
    folder.manifest.unlink()
    write_json(folder.labels, {"format": 4, "tags": tags, "note": note})
    with pytest.raises(Refusal, match=rf"labels\.json: {key}: must"):
        assert Run(folder).labels
