"""Tests what ``ls`` prints: columns, filters, order, sweeps on a line, and strict JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.files import object_text
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.labels import Labels
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Result, ValidationResult
from tests.made import CONFIG, a_run, a_summary

DAY = Path("outputs/digits/2025-01-01")
SWEEP = DAY / "12-30-00-123456"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(path: Path, validation: float, state: str = "done", lr: float = 0.1, model="resnet18"):
    summary = a_summary(
        validation=ValidationResult(validation, 1 - validation, 100, 10),
        test=Result(validation - 0.01, 0.5, 100, 10),
        parameters=round(1000 * validation),
    )
    config = {**CONFIG, "optimizer": {**CONFIG["optimizer"], "lr": lr}}
    return a_run(path, state, summary, config, choices={"model": model})


@pytest.fixture
def runs() -> list[RunFolder]:
    """Two runs of their own, a sweep of four jobs, and a run that was interrupted."""
    folders = [
        made(DAY / "09-00-00-000000", 0.9, lr=0.2),
        made(DAY / "10-00-00-000000", 0.8, model="resnet18_8x8"),
        made(SWEEP / "0", 0.85, lr=0.01),
        made(SWEEP / "1", 0.912, lr=0.02),
        made(SWEEP / "2", 0.5, "failed", lr=0.03),
        made(SWEEP / "3", 0.5, "interrupted", lr=0.04),
        made(DAY / "13-00-00-000000", 0.5, "interrupted"),
    ]
    (SWEEP / "sweep.json").write_text("{}")
    return folders


def ls(capsys, *words: str) -> list[str]:
    assert main(["ls", *words]) == 0
    return capsys.readouterr().out.splitlines()


def names(lines: list[str]) -> list[str]:
    """The ends of the paths of a list's lines, its headings left out."""
    return [line.split()[0].rpartition("/")[2] for line in lines if line.startswith("outputs/")]


def refused(capsys, *words: str) -> list[str]:
    assert main(["ls", *words]) == 2
    return [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()]


def test_a_sweep_is_one_line_among_the_runs(runs, capsys):
    width = len(str(SWEEP))
    assert ls(capsys) == [
        f"{'run':{width}}  state        epochs  validation  test    precision",
        f"{DAY}/09-00-00-000000  done         20/20   90.00%      89.00%  bf16",
        f"{DAY}/10-00-00-000000  done         20/20   80.00%      79.00%  bf16",
        f"{SWEEP}  sweep: 2 of 4 done, 1 failed, 1 interrupted  best validation 91.20 %",
        f"{DAY}/13-00-00-000000  interrupted                              bf16",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["12-30-00"],
        [str(SWEEP)],
        [f"{SWEEP}/"],
        ["./" + str(SWEEP)],
        ["--all", "12-30"],
        ["digits", "12-30-00-123456"],
    ],
)
def test_the_jobs_of_a_sweep_that_is_named_are_listed(runs, capsys, words):
    assert names(ls(capsys, *words)) == ["0", "1", "2", "3"]


def test_a_part_of_the_path_above_a_sweep_does_not_open_it(runs, capsys):
    folded = ["09-00-00-000000", "10-00-00-000000", "12-30-00-123456", "13-00-00-000000"]
    for part in ("digits", "outputs", "2025-01-01", str(DAY)):
        assert names(ls(capsys, part)) == folded
    assert len(names(ls(capsys, "--all"))) == 7
    assert len(names(ls(capsys, "digits", "--all"))) == 7


def test_filters_all_hold(runs, capsys):
    assert names(ls(capsys, "model=resnet18_8x8")) == ["10-00-00-000000"]
    assert names(ls(capsys, "state=interrupted", "--all")) == ["3", "13-00-00-000000"]
    assert names(ls(capsys, "state=done", "optimizer.lr=0.2")) == ["09-00-00-000000"]
    assert ls(capsys, "state=done", "optimizer.lr=0.3") == [
        "no run fits state=done optimizer.lr=0.3; `cifar-lab ls` lists all runs in outputs/ (7)"
    ]
    assert names(ls(capsys, "state=done", "12-30")) == ["0", "1"]


def test_a_filtered_sweep_says_how_many_of_its_jobs_match(runs, capsys):
    assert ls(capsys, "state=failed") == [
        f"{SWEEP}  sweep: 1 of 4 jobs match, 0 of 1 done, 1 failed"
    ]


def test_runs_are_sorted_with_a_sweep_at_the_place_of_its_best_job(runs, capsys):
    by_accuracy = ["12-30-00-123456", "09-00-00-000000", "10-00-00-000000", "13-00-00-000000"]
    for column in ("val_accuracy", "validation", "test_accuracy", "test", "val_loss"):
        assert names(ls(capsys, "--sort", column)) == by_accuracy, column
    assert names(ls(capsys, "--sort", "val_accuracy", "--all", "state=done")) == [
        "1", "09-00-00-000000", "0", "10-00-00-000000",
    ]  # fmt: skip
    assert names(ls(capsys, "--sort", "val_accuracy", "--reverse", "--all", "state=done")) == [
        "10-00-00-000000", "0", "09-00-00-000000", "1",
    ]  # fmt: skip
    assert names(ls(capsys, "--reverse")) == [
        "13-00-00-000000", "12-30-00-123456", "10-00-00-000000", "09-00-00-000000",
    ]  # fmt: skip


def test_a_column_that_runs_are_sorted_by_is_shown(runs, capsys):
    lines = ls(capsys, "--sort", "optimizer.lr", "--all", "state=done")
    assert lines[0].split()[-1] == "optimizer.lr"
    assert [line.split()[-1] for line in lines[1:]] == ["0.01", "0.02", "0.1", "0.2"]
    lines = ls(capsys, "--sort", "parameters", "2025-01-01/")
    assert [line.split()[-1] for line in lines if line.split()[1] == "done"] == ["800", "900"]
    assert "parameters" not in ls(capsys, "--sort", "validation")[0]


def test_tags_and_the_beginning_of_the_note_are_shown_where_there_are_any(runs, capsys):
    assert "tags" not in ls(capsys)[0]
    note = "The first\x1b[2J line\nand " + "much " * 10
    Run(runs[0]).files.write({runs[0].labels: object_text(Labels(("a", "b"), note))})
    lines = ls(capsys)
    assert lines[0].split()[-2:] == ["tags", "note"]
    assert lines[1].endswith("bf16       a, b  The first [2J line and much much much m…")
    assert names(ls(capsys, "tag=b")) == ["09-00-00-000000"]
    assert ls(capsys, "tag=c")[0].startswith("no run fits tag=c;")


def test_json_is_strict_and_has_everything(runs, capsys):
    Run(runs[0]).files.write({runs[0].labels: object_text(Labels(("a",), "b\nc"))})
    assert main(["ls", "--json", "--sort", "optimizer.lr"]) == 0

    def refuse(word):
        raise AssertionError(f"{word} is not valid JSON")

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert [each["optimizer.lr"] for each in found] == [0.01, 0.02, 0.03, 0.04, 0.1, 0.1, 0.2]
    assert [each["sweep"] for each in found] == [str(SWEEP)] * 4 + [None] * 3
    assert (found[-1]["tags"], found[-1]["note"]) == (["a"], "b\nc")
    assert found[-1]["val_accuracy"] == 0.9
    assert found[2]["val_accuracy"] is None
    assert main(["ls", "--json", "nothing"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_damaged_run_is_shown_as_damaged(runs, capsys):
    runs[0].summary.write_text("{}")
    assert ls(capsys)[1].split()[1:] == ["done", "damaged", "bf16"]
    runs[1].config.write_text("name: x\n")
    assert main(["ls", "name=x"]) == 0
    said = capsys.readouterr()
    assert said.err == f"note: not listed, as their configuration is damaged: {runs[1].path}\n"
    assert said.out.startswith("no run fits name=x;")


def test_latest_is_a_part_of_a_path_as_well(runs, capsys):
    Path("outputs/latest").symlink_to(DAY.relative_to("outputs") / "10-00-00-000000")
    assert names(ls(capsys, "latest")) == ["10-00-00-000000"]


def test_a_folder_is_not_the_beginning_of_anothers_name(capsys):
    for name in ("a", "ab"):
        made(Path("outputs") / name, 0.5)
    assert names(ls(capsys, "outputs/a")) == ["a"]
    assert names(ls(capsys, "a")) == ["a", "ab"]


def test_what_is_unknown_is_refused_with_what_is_allowed(runs, capsys):
    (sort,) = refused(capsys, "--sort", "val_acc")
    assert sort.startswith("--sort val_acc: there is no such column; the columns are: path, sweep,")
    assert sort.endswith(
        "run, epochs, validation, test, and each key of the configuration, e.g. optimizer.lr; did "
        "you mean 'val_accuracy'?"
    )
    state, key = refused(capsys, "state=ended", "optimizer.rl=1")
    assert state.startswith("state=ended: there is no such state; the states are: running, done,")
    assert key.startswith("optimizer.rl: no run has such a key with a single value; a filter is")
    usage = (
        "; usage: `cifar-lab ls [PART…] [KEY=VALUE…] [--sort COLUMN] [--reverse] [--all] [--json]`"
    )
    assert refused(capsys, "--sort") == [f"argument --sort: expected one argument{usage}"]
    assert refused(capsys, "--rev") == [f"unrecognized arguments: --rev{usage}"]


def test_where_there_are_no_runs_any_filter_is_answered(capsys):
    expected = ["no runs in outputs/; start one with `cifar-lab train experiments=digits`"]
    assert ls(capsys, "optimizer.lr=1", "--sort", "optimizer.lr") == expected


def test_a_list_does_not_read_what_it_does_not_need(runs, capsys, monkeypatch):
    """So that a thousand runs are listed in seconds; the benchmark measures them."""
    opened = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read(path))
    ls(capsys)
    assert set(opened) == {"manifest.json", "summary.json", "provenance.json"}
    ls(capsys, "optimizer.lr=0.1")
    assert "config.yaml" in opened
    assert "hydra.yaml" not in opened
