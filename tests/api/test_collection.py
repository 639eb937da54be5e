"""Runs are chosen, sorted and made a table of, from what they recorded."""

from __future__ import annotations

import pandas
import pytest

import cifar_lab
from cifar_lab.run.files import object_text
from cifar_lab.run.labels import Labels
from cifar_lab.run.record import Run as Recorded
from tests.made import CONFIG, a_provenance, a_run, a_summary, made_run

#: Of each run: its name, seed, learning rate, state and test accuracy.
RUNS = [
    ("first", 0, 0.1, "done", 0.9),
    ("second", 1, 0.1, "done", 0.8),
    ("third", 0, 0.2, "done", 0.95),
    ("fourth", 1, 0.2, "failed", None),
]


@pytest.fixture
def outputs(elsewhere):
    for name, seed, rate, state, accuracy in RUNS:
        config = {**CONFIG, "seed": seed, "optimizer": {**CONFIG["optimizer"], "lr": rate}}
        made_run(
            elsewhere / "outputs" / "digits" / "day" / name,
            state=state,
            summary=None if accuracy is None else a_summary(accuracy),
            config=config,
            choices={"model": "resnet18"},
            provenance=a_provenance(seed=seed),
        )
    return elsewhere / "outputs"


def names(found) -> list[str]:
    return [run.path.name for run in found]


def test_nothing_is_read_before_it_is_needed(elsewhere):
    found = cifar_lab.runs("outputs/nothing*")
    with pytest.raises(cifar_lab.Refusal, match=r"RUN=outputs/nothing\* matches nothing"):
        len(found)


def test_without_runs_there_are_none(elsewhere):
    assert list(cifar_lab.runs()) == list(cifar_lab.runs("outputs/**")) == []
    assert cifar_lab.runs().to_frame(frame=None) == []
    assert "(no rows)" in cifar_lab.runs()._repr_html_()


@pytest.mark.parametrize(
    "patterns", [(), ("outputs/**",), ("outputs",), ("outputs/*/*/*",), ("first", "outputs/digits")]
)
def test_each_run_is_found_once(outputs, patterns):
    assert sorted(names(cifar_lab.runs(*patterns))) == ["first", "fourth", "second", "third"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "done"}, ["first", "second", "third"]),
        ({"state": "failed"}, ["fourth"]),
        ({"optimizer.lr": 0.1}, ["first", "second"]),
        ({"lr": 0.1}, ["first", "second"]),
        ({"lr": "0.1"}, ["first", "second"]),
        ({"model": "resnet18", "seed": 1}, ["fourth", "second"]),
        ({"model": "ResNet18"}, ["first", "fourth", "second", "third"]),
        ({"nesterov": True}, ["first", "fourth", "second", "third"]),
        ({"nesterov": False}, []),
        ({"test_accuracy": 0.8}, ["second"]),
        ({"test_accuracy": lambda share: share > 0.85}, ["first", "third"]),
        ({"lr": lambda rate: rate > 0.1, "status": lambda s: s != "done"}, ["fourth"]),
        ({"tag": "good"}, ["third"]),
    ],
)
def test_runs_are_chosen_by_values(outputs, values, expected):
    third = Recorded(cifar_lab.open_run("third").recorded.folder)
    third.files.write({third.folder.labels: object_text(Labels(("good", "late"), ""))})
    assert names(cifar_lab.runs().where(**values)) == expected


def test_runs_are_chosen_by_functions_of_a_run(outputs):
    found = cifar_lab.runs().where(lambda run: run.config["seed"] == 1, status="done")
    assert names(found) == ["second"]


def test_every_key_that_no_run_has_is_refused(outputs):
    with pytest.raises(cifar_lab.Refusal) as refused:
        cifar_lab.runs().where(optimiser=1, **{"optimizer.lrr": 0.1}, status="finished")
    first, second, third = refused.value.problems
    assert first.startswith("optimiser: no run has such a key")
    assert "did you mean 'optimizer.lr'?" in second
    assert "status=finished: there is no such status; they are: running, done" in third


def test_an_ambiguous_end_of_a_key_is_refused_with_the_keys(elsewhere):
    config = {**CONFIG, "scheduler": {"_target_": "cifar_lab.optim.Constant", "lr": 1}}
    a_run(elsewhere / "outputs" / "a" / "b" / "c", config=config)
    with pytest.raises(cifar_lab.Refusal, match=r"lr: several keys end in it: optimizer.lr, sched"):
        cifar_lab.runs().where(lr=1)


def test_runs_are_sorted_as_the_list_sorts_them(outputs):
    found = cifar_lab.runs()
    assert names(found.sort("test_accuracy")) == ["third", "first", "second", "fourth"]
    backwards = found.sort("test_accuracy", reverse=True)
    assert names(backwards) == ["second", "first", "third", "fourth"]
    assert names(found.sort("lr").sort("seed"))[:2] == ["first", "third"]
    with pytest.raises(cifar_lab.Refusal, match="did you mean 'test_accuracy'"):
        found.sort("test_acuracy")


def test_a_slice_is_runs_and_a_number_a_run(outputs):
    found = cifar_lab.runs()
    assert isinstance(found[0], cifar_lab.Run)
    assert isinstance(found[1:], cifar_lab.Runs)
    assert names(found[1:]) == names(found)[1:]
    assert found[-1].path == list(found)[-1].path
    assert len(found) == 4


def test_a_table_has_what_differs_and_what_came_out(outputs):
    frame = cifar_lab.runs().to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame) == [
        "run", "status", "optimizer.lr", "seed", "val_accuracy", "test_accuracy", "val_loss",
        "epochs_trained", "parameters", "training_seconds",
    ]  # fmt: skip
    assert frame["optimizer.lr"].tolist() == [0.1, 0.2, 0.1, 0.2]
    assert frame["test_accuracy"].dropna().tolist() == [0.9, 0.8, 0.95]
    assert [str(frame[name].dtype) for name in ("seed", "parameters")] == ["int64", "Int64"]


def test_columns_may_be_named_by_the_end_of_a_key(outputs):
    done = cifar_lab.runs().where(status="done")
    rows = done.to_frame(["model", "lr", "nesterov", "test_accuracy"], frame=None)
    assert rows[0] == {"model": "resnet18", "lr": 0.1, "nesterov": True, "test_accuracy": 0.9}
    with pytest.raises(cifar_lab.Refusal) as refused:
        done.to_frame(["lrr", "test_acc"])
    assert len(refused.value.problems) == 2


def test_a_damaged_run_has_a_row_and_fits_no_filter(outputs):
    (outputs / "digits" / "day" / "first" / ".hydra" / "config.yaml").write_text("a: [")
    found = cifar_lab.runs()
    rows = {row["run"].rpartition("/")[2]: row for row in found.to_frame(frame=None)}
    assert rows["first"]["optimizer.lr"] is None
    assert rows["first"]["test_accuracy"] == 0.9
    assert names(found.where(lr=0.1)) == ["second"]


def test_a_notebook_shows_a_table(outputs):
    page = cifar_lab.runs()._repr_html_()
    assert page.count("<tr>") == 5
    assert "<th>optimizer.lr</th>" in page
    assert repr(cifar_lab.runs()).startswith("4 runs\nrun")
