"""What a run keeps of a user's own Python files, and how its copies are used instead of these."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.record import Run
from tests.cli.own_files import QUICK, forget, train
from tests.cli.test_own_code import own_hash
from tests.made import entered

#: A file that cannot be imported: whoever imports it fails.
BROKEN = "raise OSError('the file itself was imported')\n"


@pytest.fixture
def name(place) -> str:
    (name,) = (file.stem for file in place.glob("net_*.py"))
    return name


def stranger(monkeypatch, tmp_path) -> None:
    """From now on, this is another user's machine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))


def test_every_file_of_ones_own_is_copied_and_the_manifest_knows_it(place, name):
    folder = train(place)
    run = Run(folder)
    for module in (name, f"blocks_{name}"):
        copy = folder.path / "code" / f"{module}.py"
        assert copy.read_bytes() == (place / f"{module}.py").read_bytes()
        assert run.files.manifest.files[f"code/{module}.py"].sha256 == own_hash(copy)
    said = json.loads(folder.provenance.read_text())["own_code"]
    hashes = {each["name"]: each["sha256"] for each in said["modules"]}
    assert hashes == {m: own_hash(place / f"{m}.py") for m in (name, f"blocks_{name}")}
    assert said["taken_from"] is None
    assert str(place) not in json.dumps(said)


def test_a_run_of_the_package_alone_records_no_code(place, name):
    words = [w for w in QUICK if w != "model=own"] + ["model=three_block", "model.widths=[4,4,4]"]
    assert main(["train", *words]) == 0
    run = Run(RunFolder((place / "outputs" / "latest").resolve()))
    assert run.provenance.own_code is None
    assert not (run.folder.path / "code").exists()
    assert main(["eval", "latest", "--as-recorded"]) == 2


def test_the_copies_are_used_where_the_files_have_changed(place, name, capsys):
    folder = train(place)
    (place / f"blocks_{name}.py").write_text(BROKEN)
    assert main(["eval", "latest"]) == 2
    forget(place)
    told = capsys.readouterr()
    assert f"{place / f'blocks_{name}.py'} has changed since the run\n" in told.out
    assert "the file itself was imported" in told.err
    before = sorted(folder.path.rglob("*"))
    assert main(["eval", "latest", "--as-recorded"]) == 0
    assert "has changed" not in capsys.readouterr().out
    assert sorted(folder.path.rglob("*")) == before  # no compiled files either


def test_files_and_copies_are_never_mixed_in_one_process(place, name):
    train(place)
    blocks = f"blocks_{name}"
    (place / f"{blocks}.py").write_text("WIDTH = 1\nMARK = 'now'\n")
    for words, marked in ([], True), (["--as-recorded"], False), ([], True):
        assert main(["eval", "latest", *words]) == 0
        assert hasattr(sys.modules[blocks], "MARK") is marked
    assert not any("cifar-lab-" in entry for entry in sys.path)


def test_a_rerun_from_the_copies_is_as_the_run_and_says_where_from(place, name, capsys):
    first = Run(train(place))
    (place / f"{name}.py").write_text(BROKEN)
    assert main(["rerun", "latest", "--as-recorded", "seed=3"]) == 0
    forget(place)
    again = Run(RunFolder((place / "outputs" / "latest").resolve()))
    assert again.id != first.id
    assert again.provenance.command.endswith("seed=3 --as-recorded")
    assert again.provenance.own_code.taken_from == first.id
    assert again.provenance.own_code.modules == first.provenance.own_code.modules
    copies = [folder.path / "code" / f"{name}.py" for folder in (first.folder, again.folder)]
    assert copies[0].read_bytes() == copies[1].read_bytes()
    # It knows the files by where they lie, and it has copies of its own.
    capsys.readouterr()
    assert main(["eval", "latest"]) == 2
    assert f"{place / f'{name}.py'} has changed since the run" in capsys.readouterr().out
    forget(place)
    shutil.rmtree(first.folder.path)
    assert main(["eval", "latest", "--as-recorded"]) == 0


@pytest.mark.parametrize("with_hashes", [False, True])
def test_a_copy_that_was_tampered_with_is_not_imported(place, name, with_hashes, capsys):
    folder = train(place)
    copy = folder.path / "code" / f"blocks_{name}.py"
    copy.write_text("raise SystemExit('it ran')\n")
    if with_hashes:  # a forger changes all that the run says
        code = json.loads(folder.code.read_text())
        code["modules"][0]["sha256"] = own_hash(copy)
        folder.code.write_text(json.dumps(code))
    assert main(["eval", "latest", "--as-recorded"]) == 2
    entered(folder)
    assert main(["eval", "latest", "--as-recorded"]) == 2
    changed = f"{copy.relative_to(place)} is not what the run was made with"
    assert ("not made by you" if with_hashes else changed) in capsys.readouterr().err
    assert f"blocks_{name}" not in sys.modules


def test_what_lies_beside_the_copies_is_not_imported(place, name):
    (place / f"blocks_{name}.py").write_text(
        "WIDTH = 1\ntry:\n    import planted_net\nexcept ImportError:\n    pass\n"
    )
    folder = train(place)
    (folder.path / "code" / "planted_net.py").write_text("raise SystemExit('it ran')\n")
    assert main(["eval", "latest", "--as-recorded"]) == 0


def test_a_run_from_another_machine_works_from_its_copies(
    place, name, tmp_path, monkeypatch, capsys
):
    folder = train(place)
    moved = shutil.move(folder.path, tmp_path / "moved")
    shutil.rmtree(place / "conf")
    for file in place.glob("*.py"):
        file.unlink()
    stranger(monkeypatch, tmp_path)
    assert main(["eval", str(moved), "--as-recorded"]) == 2
    assert "add --trust" in capsys.readouterr().err
    assert main(["eval", str(moved), "--trust"]) == 2
    assert "add --as-recorded" in capsys.readouterr().err
    assert main(["eval", str(moved), "--trust", "--as-recorded"]) == 0
    assert main(["explain", str(moved), "--trust-code", "--as-recorded", "--layer", "0"]) == 0
    assert main(["rerun", str(moved), "--trust", "--as-recorded"]) == 0
    forget(place)
    # The new run is one's own, but where a stranger kept files means nothing here.
    assert main(["eval", "latest"]) == 2
    assert "made with the copies of another run" in capsys.readouterr().err
    assert main(["eval", "latest", "--as-recorded"]) == 0


def test_missing_and_moved_files_are_told(place, name, tmp_path, capsys):
    train(place)
    (tmp_path / "new" / "conf").mkdir(parents=True)
    shutil.move(place / f"{name}.py", tmp_path / "new")
    assert main(["eval", "latest"]) == 2
    told = capsys.readouterr()
    assert f"{place / f'{name}.py'} is missing; the run used it" in told.out
    assert f"missing: {place / f'{name}.py'}; pass the folder" in told.err
    shutil.copy(place / f"blocks_{name}.py", tmp_path / "new")
    (tmp_path / "new" / f"blocks_{name}.py").write_text("WIDTH = 1 + 0\n")
    forget(place)
    assert main(["eval", "latest", "--config-dir", str(tmp_path / "new" / "conf")]) == 0
    told = capsys.readouterr()
    there = tmp_path / "new" / f"{name}.py"
    assert f"{place / f'{name}.py'} has moved to {there}, unchanged since the run" in told.out
    blocks = tmp_path / "new" / f"blocks_{name}.py"
    assert f"{blocks} is used instead of {place / f'blocks_{name}.py'}" in told.out


def test_a_resumed_run_says_that_its_model_has_changed(place, name, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cifar_lab.recipe.train._evaluate", interrupted)
        assert main(["train", *QUICK, "--config-dir", "conf"]) == 130
    forget(place)
    blocks = place / f"blocks_{name}.py"
    blocks.write_text("WIDTH = 1  # the same\n")
    assert main(["resume", "latest"]) == 0
    log = Path("outputs/latest/run.log").read_text()
    assert f"{blocks} has changed since the run\nthe run continues with the files" in log


def test_a_run_from_before_copies_is_ones_own_and_has_none(place, name, capsys):
    """As version 5 of the format wrote it; the private list holds the hash of the file."""
    from cifar_lab.run.mine import remember

    folder = train(place)
    code = json.loads(folder.code.read_text())
    text = json.dumps({"format": 5, **{k: code[k] for k in ("config_dir", "folders", "modules")}})
    folder.code.write_text(text)
    shutil.rmtree(folder.path / "code")
    made = json.loads(folder.provenance.read_text())
    del made["own_code"]
    folder.provenance.write_text(json.dumps({**made, "format": 5}))
    entered(folder)
    remember(Run(folder).id, text)
    assert isinstance(Run(folder).provenance, Provenance)
    assert main(["eval", "latest"]) == 0
    forget(place)
    capsys.readouterr()
    assert main(["eval", "latest", "--as-recorded"]) == 2
    assert f"has no copy of {place / f'{name}.py'}, only its SHA-256" in capsys.readouterr().err
