"""Tests how an argument selects a run, and the link to the newest one."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_atomically, write_object
from cifar_lab.run.find import (
    find_folders,
    find_run,
    find_runs,
    find_sweep,
    newest_run,
    point_latest,
    repair_latest,
)
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Summary, ValidationResult
from cifar_lab.run.sweep_folder import SweepFolder
from tests.made import a_provenance, a_status, a_summary


def test_latest_is_a_relative_link_to_the_newest_run(tmp_path):
    outputs = tmp_path / "outputs"
    for name in ("a", "b"):
        point_latest(outputs, run_in(outputs, name).path)
    moved = outputs.rename(tmp_path / "moved")
    assert (moved / "latest").resolve() == moved / "b"
    assert sorted(os.listdir(moved)) == ["a", "b", "latest"]


def test_where_latest_cannot_be_a_link_nothing_happens(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "file").touch()
    point_latest(tmp_path, run_in(tmp_path, "a").path)
    assert sorted(os.listdir(tmp_path)) == ["a", "latest"]
    assert not (tmp_path / "latest").is_symlink()


@pytest.mark.parametrize("kind", ["file", "folder", "LINK"])
def test_what_a_user_calls_latest_is_left_as_it_is(tmp_path, caplog, kind):
    """Also a link of the user's own, which leads out of the folder of runs."""
    outputs, latest = tmp_path / "outputs", tmp_path / "outputs" / "latest"
    run = run_in(outputs, "a")
    (tmp_path / "mine").mkdir()
    if kind == "file":
        latest.write_text("my notes")
    elif kind == "folder":
        latest.mkdir()
    else:
        latest.symlink_to("../mine")
    before = latest.lstat()
    with warned(caplog):
        point_latest(outputs, run.path)
    assert latest.lstat() == before
    assert sorted(os.listdir(outputs)) == ["a", "latest"]
    assert f"{latest} is not a link to a run and was left as it is; rename it" in caplog.text


def test_a_link_to_a_run_that_is_gone_is_replaced(tmp_path):
    point_latest(tmp_path, tmp_path / "gone")
    run = run_in(tmp_path, "a")
    point_latest(tmp_path, run.path)
    assert (tmp_path / "latest").resolve() == run.path


def test_latest_is_switched_and_never_removed(tmp_path, monkeypatch):
    first, second = (run_in(tmp_path, name) for name in ("a", "b"))
    point_latest(tmp_path, first.path)
    monkeypatch.setattr(os, "replace", fail)
    point_latest(tmp_path, second.path)
    assert (tmp_path / "latest").resolve() == tmp_path / "a"
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "latest"]


def test_the_newest_run_is_the_one_that_was_started_last(tmp_path):
    assert newest_run(tmp_path) is None
    for name, started in (
        ("a", "2025-01-01T12:00:00+02:00"),
        ("b", "2025-01-01T11:00:00+00:00"),  # later, by the clock of the world
        ("c", "2024-12-31T23:59:59"),  # by this machine's clock
    ):
        write_object(run_in(tmp_path, name).status, a_status(started=started))
    run_in(tmp_path, "d")  # damaged, and without a configuration
    assert newest_run(tmp_path).folder.path == tmp_path / "b"


def test_a_link_to_what_is_gone_is_repaired_and_any_other_is_left_as_it_is(tmp_path):
    latest, run = tmp_path / "latest", run_in(tmp_path, "a")
    repair_latest(tmp_path)
    assert not os.path.lexists(latest)
    latest.symlink_to("../gone")  # the user's own
    repair_latest(tmp_path)
    assert os.readlink(latest) == "../gone"
    latest.unlink()
    point_latest(tmp_path, tmp_path / "gone")
    repair_latest(tmp_path)
    assert os.readlink(latest) == "a"
    write_object(run_in(tmp_path, "b").status, a_status())  # newer, but `a` is still there
    repair_latest(tmp_path)
    assert os.readlink(latest) == "a"
    assert run.exists()


def test_a_sweep_is_named_by_its_path_or_the_end_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs = Path("outputs")
    folders = {name: sweep_in(outputs, name) for name in ("a/one", "b/one", "b/two")}
    for text, found in (
        ("outputs/a/one", "a/one"),
        (str(tmp_path / "outputs" / "a" / "one"), "a/one"),
        ("a/one/", "a/one"),
        ("two", "b/two"),
        ("one", None),  # two of them
        ("wo", None),  # the names are whole
        ("b", None),
        ("outputs/a/one/0", None),  # a job, which is a run
        ("latest", None),
    ):
        assert find_sweep(outputs, text) == (folders[found] if found else None), text
    assert [each.path.as_posix() for each in find_folders(outputs / "a")] == [
        "outputs/a/one",
        "outputs/a/one/0",
    ]
    (outputs / "latest").symlink_to("b/two")
    assert find_sweep(outputs, "latest") == folders["b/two"]


def test_runs_are_found_once_and_in_the_order_of_their_paths(tmp_path):
    names = ["digits/2025-01-02/10-00-00-000000", "digits/2025-01-02/09-00-00-000000", "a/b/c"]
    runs = [run_in(tmp_path, name) for name in names]
    (tmp_path / "empty" / "folder").mkdir(parents=True)
    point_latest(tmp_path, runs[0].path)
    assert [run.folder for run in find_runs(tmp_path)] == [runs[2], runs[1], runs[0]]


def test_there_are_no_runs_where_there_is_no_folder(tmp_path):
    assert list(find_runs(tmp_path / "outputs")) == []


@pytest.mark.parametrize("file", ["status", "config"])
def test_a_run_is_found_as_long_as_one_of_its_first_files_is_there(tmp_path, file):
    run = RunFolder(tmp_path / "digits" / "1")
    write_atomically(getattr(run, file), "{}")
    assert [found.folder for found in find_runs(tmp_path)] == [run]
    assert find_run(tmp_path, "digits") == Run(run)


def test_a_run_below_a_link_is_not_found_there(tmp_path):
    run_in(tmp_path / "elsewhere", "1")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "link").symlink_to(tmp_path / "elsewhere")
    assert list(find_runs(tmp_path / "outputs")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("outputs/rem", "rem/1"),
        ("./outputs/rem/", "rem/1"),
        ("rem", "rem/1"),
        ("em1/1", "rem1/1"),
        ("rem1", "rem1/1"),
        ("b/2", "a/b/2"),
        ("lr=0.1,seed=2", "sweep/lr=0.1,seed=2"),
        ("outputs/sweep/lr=0.1,seed=2", "sweep/lr=0.1,seed=2"),
    ],
)
def test_whole_names_come_before_parts_of_names(tmp_path, monkeypatch, text, found):
    monkeypatch.chdir(tmp_path)
    for name in ("rem/1", "rem1/1", "a/b/2", "a/bb/2", "a/b/22", "sweep/lr=0.1,seed=2"):
        run_in(Path("outputs"), name)
    assert find_run(Path("outputs"), text).folder.path == Path("outputs", found)


def test_several_runs_with_such_a_name_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("rem/1", "rem/2", "rem1/1"):
        run_in(Path("outputs"), name)
    with pytest.raises(Refusal, match="RUN=rem matches 2 runs: outputs/rem/1, outputs/rem/2;"):
        find_run(Path("outputs"), "rem")


@pytest.mark.parametrize("text", ["PATH", "latest", "best", "digits"])
def test_a_run_with_a_link_inside_is_refused_however_it_is_named(tmp_path, text):
    run = run_in(tmp_path, "digits/1")
    write_object(run.summary, a_summary())
    point_latest(tmp_path, run.path)
    (tmp_path / "secret").touch()
    run.log.symlink_to(tmp_path / "secret")
    with pytest.raises(Refusal, match=f"{run.log} is a link to {tmp_path}/secret, and nothing is"):
        find_run(tmp_path, str(run.path) if text == "PATH" else text)


@pytest.mark.parametrize("text", ["PATH", "latest", "12-00", "2025-01-01/12", "noon"])
def test_a_run_is_found_by_its_path_or_a_unique_part_of_it(tmp_path, text):
    outputs = tmp_path / "outputs"
    run = run_in(outputs, "noon/2025-01-01/12-00-00-000000")
    run_in(outputs, "night/2025-01-01/00-10-00-000000")
    point_latest(outputs, run.path)
    assert find_run(outputs, str(run.path) if text == "PATH" else text) == Run(run)


def test_a_path_may_be_anywhere(tmp_path):
    elsewhere = run_in(tmp_path, "elsewhere")
    assert find_run(tmp_path / "outputs", str(elsewhere.path)) == Run(elsewhere)


@pytest.mark.parametrize("text", ["outputs/latest", "outputs/digits/../digits/1", "LINK"])
def test_links_and_dots_do_not_become_the_name_of_a_run(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    run = run_in(Path("outputs"), "digits/1")
    point_latest(Path("outputs"), run.path)
    (tmp_path / "LINK").symlink_to("outputs/digits/1")
    assert find_run(Path("outputs"), text).folder.path == Path("outputs/digits/1")


def test_the_current_folder_may_be_a_run(tmp_path, monkeypatch):
    run = run_in(tmp_path, "digits/1")
    monkeypatch.chdir(run.path)
    assert find_run(Path("outputs"), ".").folder.path.absolute() == run.path


def test_a_part_of_several_paths_is_refused_with_all_of_them(tmp_path):
    runs = [run_in(tmp_path, name) for name in ("digits/1", "digits/2", "other/3")]
    shown = f"{runs[0].path}, {runs[1].path}"
    message = rf"RUN=digits matches 2 runs: {shown}; give a longer part of the path"
    with pytest.raises(Refusal, match=message):
        find_run(tmp_path, "digits")


@pytest.mark.parametrize("text", ["nonsense", "latest"])
def test_what_matches_no_run_is_refused_with_what_to_do(tmp_path, text):
    run_in(tmp_path, "digits/1")
    message = (
        rf"RUN={text} is not a run below {tmp_path}/ \(1 run there\); give a path, 'latest', "
        "'best' or a part of a path; `cifar-lab ls` lists the runs"
    )
    with pytest.raises(Refusal, match=message):
        find_run(tmp_path, text)


def test_of_equal_accuracies_best_is_the_lowest_loss_and_then_the_earlier_run(tmp_path):
    for name, loss in (("z/1/1", 0.2), ("a/1/2", 0.2), ("b/0/3", 0.3), ("c/2/1", float("nan"))):
        summary = validated(0.9, loss=loss)
        write_object(run_in(tmp_path, name).summary, summary)
    assert find_run(tmp_path, "best").folder.path == tmp_path / "z/1/1"


def test_best_is_the_finished_run_of_highest_validation_accuracy(tmp_path):
    for name, accuracy in (("a", 0.5), ("b", 0.9), ("c", 0.7)):
        summary = validated(accuracy, loss=1.0)
        write_object(run_in(tmp_path, name).summary, summary)
    write_object(run_in(tmp_path, "without_validation").summary, a_summary(validation=None))
    run_in(tmp_path, "unfinished")
    write_atomically(run_in(tmp_path, "damaged").summary, "{")
    assert find_run(tmp_path, "best").folder.path == tmp_path / "b"


def test_best_among_runs_in_different_precisions_says_so(tmp_path, capsys):
    for name, accuracy, precision in (("a", 0.5, "float32"), ("b", 0.9, "bfloat16")):
        run = run_in(tmp_path, name)
        summary = validated(accuracy, loss=1.0)
        write_object(run.summary, summary)
        write_object(run.provenance, a_provenance(precision=precision))
    find_run(tmp_path, "best")
    assert capsys.readouterr().err == (
        "best: chosen among runs in different precisions (bfloat16, float32); "
        f"{tmp_path}/b ran in bfloat16\n"
    )
    write_object(RunFolder(tmp_path / "a").provenance, a_provenance(precision="bfloat16"))
    find_run(tmp_path, "best")
    assert capsys.readouterr().err == ""


def test_a_failed_run_is_not_the_best(tmp_path):
    for name, accuracy, state in (("a", 0.5, "done"), ("b", 0.9, "failed")):
        folder = run_in(tmp_path, name)
        write_object(folder.status, a_status(state=state))
        write_object(folder.summary, validated(accuracy, loss=1.0))
    assert find_run(tmp_path, "best").folder.path == tmp_path / "a"


def test_without_validation_there_is_no_best(tmp_path):
    write_object(run_in(tmp_path, "a").summary, a_summary(validation=None))
    message = f"RUN=best: no finished run below {tmp_path}/ has a validation accuracy to rank it by"
    with pytest.raises(Refusal, match=message):
        find_run(tmp_path, "best")


def validated(accuracy: float, loss: float) -> Summary:
    return a_summary(validation=ValidationResult(accuracy, loss, count=10, wrong=1))


def run_in(outputs: Path, name: str) -> RunFolder:
    run = RunFolder(outputs / name)
    write_atomically(run.status, "{}")
    return run


def sweep_in(outputs: Path, name: str) -> SweepFolder:
    run_in(outputs, f"{name}/0")
    sweep = SweepFolder(outputs / name)
    write_atomically(sweep.plan, "{}")
    return sweep


@contextlib.contextmanager
def warned(caplog) -> Iterator[None]:
    """Captures the package's log, whether or not it propagates to the root logger."""
    log = logging.getLogger("cifar_lab")
    before, log.propagate = log.propagate, True
    yield
    log.propagate = before


def fail(*_):
    raise OSError("disk full")
