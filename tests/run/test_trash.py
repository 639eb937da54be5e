"""Tests that runs are moved to the trash and back as they are, and that nothing is overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.find import find_runs, point_latest
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.status import locked
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.run.trash import remove, removed, restore, size_bytes
from tests.made import a_run

OUTPUTS = Path("outputs")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(name: str, hour: int = 0) -> RunFolder:
    return a_run(OUTPUTS / name, started=f"2025-01-01T{hour:02}:00:00+00:00")


def sweep(name: str, jobs: int = 2) -> SweepFolder:
    for number in range(jobs):
        run(f"{name}/{number}")
    folder = SweepFolder(OUTPUTS / name)
    folder.plan.write_text("{}")
    return folder


def listed(top: Path = OUTPUTS) -> list[str]:
    return [run.folder.path.relative_to(top).as_posix() for run in find_runs(top)]


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_run_goes_to_the_same_place_in_the_trash_and_comes_back_as_it_was():
    folder = run("digits/day/one")
    run("digits/day/two")
    before = contents(folder.path)
    there = OUTPUTS / ".trash" / "digits" / "day" / "one"
    assert remove(OUTPUTS, [folder]) == {folder.path: there}
    assert contents(there) == before
    assert listed() == ["digits/day/two"]
    assert restore(OUTPUTS, ["one"]) == [folder.path]
    assert contents(folder.path) == before
    assert listed() == ["digits/day/one", "digits/day/two"]
    assert os.listdir(OUTPUTS / ".trash") == []


def test_folders_that_are_left_empty_are_removed():
    folder = run("digits/day/one")
    (OUTPUTS / "notes.txt").touch()
    remove(OUTPUTS, [folder])
    assert sorted(os.listdir(OUTPUTS)) == [".trash", "notes.txt"]


def test_a_sweep_is_moved_whole_and_is_one_thing_in_the_trash():
    folder, alone = sweep("digits/sweep"), run("digits/alone")
    assert len(remove(OUTPUTS, [alone, folder])) == 2
    assert listed() == []
    assert [each.path.name for each in removed(OUTPUTS)] == ["alone", "sweep"]
    restore(OUTPUTS, ["sweep"])
    assert listed() == ["digits/sweep/0", "digits/sweep/1"]
    assert folder.exists()


def test_a_job_that_is_named_beside_its_sweep_is_moved_once():
    folder = sweep("sweep")
    moved = remove(OUTPUTS, [RunFolder(folder.path / "1"), folder])
    assert list(moved) == [folder.path]
    assert len(list((OUTPUTS / ".trash" / "sweep").glob("*/status.json"))) == 2


def test_one_job_of_a_sweep_comes_back_into_it():
    folder = sweep("sweep")
    remove(OUTPUTS, [RunFolder(folder.path / "1")])
    assert listed() == ["sweep/0"]
    restore(OUTPUTS, ["sweep/1"])
    assert listed() == ["sweep/0", "sweep/1"]


def test_what_is_running_is_refused_and_nothing_is_moved():
    one, two, of_sweep = run("one"), run("two"), sweep("sweep")
    with locked(two), locked(RunFolder(of_sweep.path / "1")), locked(of_sweep):
        with pytest.raises(Refusal) as refusal:
            remove(OUTPUTS, [one, two, of_sweep])
    assert refusal.value.problems == [
        f"outputs/{name} is still running in another process; stop it first"
        for name in ("two", "sweep", "sweep/1")
    ]
    assert listed() == ["one", "sweep/0", "sweep/1", "two"]
    assert removed(OUTPUTS) == []


def test_a_run_elsewhere_is_refused(tmp_path):
    folder = a_run(tmp_path / "elsewhere")
    with pytest.raises(Refusal, match="is not in outputs/, which alone has a trash; delete it"):
        remove(OUTPUTS, [folder])
    remove(OUTPUTS, [run("one")])
    with pytest.raises(Refusal, match="is in the trash already; delete it for good with `rm -r"):
        remove(OUTPUTS, [RunFolder(OUTPUTS / ".trash" / "one")])


def test_nothing_in_the_trash_is_overwritten():
    remove(OUTPUTS, [run("one")])
    first = contents(OUTPUTS / ".trash" / "one")
    again = run("one")
    with pytest.raises(
        Refusal,
        match=r"^outputs/one cannot be moved to the trash, as outputs/\.trash/one already exists; "
        r"restore that, or delete it for good with `rm -r outputs/\.trash/one`$",
    ):
        remove(OUTPUTS, [again])
    assert contents(OUTPUTS / ".trash" / "one") == first


def test_nothing_is_overwritten_by_what_comes_back():
    remove(OUTPUTS, [run("one"), run("two")])
    again = run("one")
    before = contents(again.path)
    with pytest.raises(
        Refusal, match=r"^outputs/one is taken; move or remove what lies there first$"
    ):
        restore(OUTPUTS, ["one", "two"])
    assert contents(again.path) == before
    assert [each.path.name for each in removed(OUTPUTS)] == ["one", "two"]


@pytest.mark.parametrize(
    "text", ["a/one", "outputs/a/one", "outputs/.trash/a/one", "./outputs/a/one", "a/on"]
)
def test_what_to_restore_is_named_by_any_of_its_paths_or_a_part(text):
    remove(OUTPUTS, [run("a/one"), run("a/two"), run("b/one")])
    assert restore(OUTPUTS, [text]) == [OUTPUTS / "a" / "one"]


def test_what_to_restore_must_be_clear_and_all_that_is_not_is_told_at_once():
    remove(OUTPUTS, [run("a/one"), run("a/two"), run("b/one"), run("one")])
    with pytest.raises(Refusal) as refusal:
        restore(OUTPUTS, ["a", "three", "b/one"])
    assert refusal.value.problems == [
        "a matches 2 in outputs/.trash: a/one, a/two; give a longer part of the path",
        "three is not in outputs/.trash (4 there); `cifar-lab restore` lists what can be restored",
    ]
    assert listed() == []
    assert restore(OUTPUTS, ["one"]) == [OUTPUTS / "one"]  # its whole path, not a part of others


def test_latest_points_to_the_newest_run_that_is_left():
    folders = [run(f"z{9 - hour}", hour) for hour in range(3)]  # the newest is the first by name
    point_latest(OUTPUTS, folders[2].path)
    latest = OUTPUTS / "latest"
    remove(OUTPUTS, [folders[0]])
    assert os.readlink(latest) == "z7"
    remove(OUTPUTS, [folders[2]])
    assert os.readlink(latest) == "z8"
    remove(OUTPUTS, [folders[1]])
    assert not os.path.lexists(latest)
    restore(OUTPUTS, ["z8"])
    assert os.readlink(latest) == "z8"
    restore(OUTPUTS, ["z9"])
    assert os.readlink(latest) == "z8"
    restore(OUTPUTS, ["z7"])
    assert os.readlink(latest) == "z7"


def test_sizes_count_every_file(tmp_path):
    (tmp_path / "f" / "g").mkdir(parents=True)
    (tmp_path / "f" / "a").write_bytes(b"12345")
    (tmp_path / "f" / "g" / "b").write_bytes(b"123")
    assert size_bytes(tmp_path / "f") == 8
