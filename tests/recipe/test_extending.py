"""A finished run is trained for more epochs, as a new run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from cifar_lab.cli.main import main
from cifar_lab.engine.fit import Fit
from cifar_lab.recipe.extending import may_change
from cifar_lab.results.recorded import experiment_hash
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run

QUICK = [
    "experiments=digits", "model.width=4", "trainer.limit_batches=2", "report.enabled=false",
    "trainer.precision=float32", "trainer.ema_decay=0.9", "scheduler=constant",
    "scheduler.max_lr=0.05", "dataset.limit_train_images=100", "trainer.batch_size=16",
]  # fmt: skip
#: Words that extend a run of these to four epochs at the same learning rate.
ON = ["trainer.epochs=4", "scheduler=constant", "scheduler.max_lr=0.05"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Two epochs in ``outputs/parent``, four in ``outputs/whole``."""
    here = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(here)
    try:
        for name, epochs in (("parent", 2), ("whole", 4)):
            words = [f"trainer.epochs={epochs}", f"hydra.run.dir=outputs/{name}"]
            assert main(["train", *QUICK, *words]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def here(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained / "outputs", tmp_path / "outputs", symlinks=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def extended(*words: str) -> Run:
    assert main(["extend", "outputs/parent", *(words or ON), "hydra.run.dir=outputs/child"]) == 0
    return Run(RunFolder(Path("outputs/child")))


def state(name: str) -> dict:
    return torch.load(f"outputs/{name}/checkpoints/last.pt", weights_only=True)


def assert_equal_training(one: dict, other: dict) -> None:
    for part in ("model", "ema"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(value, other[part][k]) for k, value in one[part].items()), part
    moments = [each["optimizer"]["state"] for each in (one, other)]
    assert all(torch.equal(moments[0][n][k], moments[1][n][k])
               for n in moments[0] for k in moments[0][n])  # fmt: skip
    assert torch.equal(one["random_states"]["torch"], other["random_states"]["torch"])


def test_an_extended_run_ends_bit_for_bit_as_one_that_was_as_long_at_once(here, capsys):
    child = extended()
    assert "extending outputs/parent after epoch 2" in capsys.readouterr().out
    assert_equal_training(state("child"), state("whole"))
    whole = Run(RunFolder(Path("outputs/whole")))
    timeless = ("epoch", "step", "lr", "train_loss", "val_loss", "val_accuracy")
    rows = [[row[key] for key in timeless] for row in child.metrics]
    assert rows == [[row[key] for key in timeless] for row in whole.metrics[2:]]

    assert child.summary.epochs_trained == child.summary.epochs_planned == 4
    assert child.summary.reported_epoch in (3, 4)
    parent, recorded = Run(RunFolder(Path("outputs/parent"))), child.provenance.parent
    assert (recorded.run, recorded.id, recorded.epochs) == ("outputs/parent", parent.id, 2)
    assert child.config["extends"]["recipe"] == experiment_hash(parent.config)
    assert child.provenance.command.startswith("cifar-lab extend outputs/parent trainer.epochs=4")

    shutil.rmtree("outputs/parent")  # from now on, nothing but a repetition needs it
    assert main(["eval", "child"]) == 0
    assert main(["report", "child"]) == 0
    page = Path("outputs/child/report.md").read_text()
    assert "extends outputs/parent from epoch 2 on, where its curves begin" in " ".join(
        page.split()
    )
    assert main(["ls"]) == 0
    assert "4/4" in capsys.readouterr().out
    assert main(["rerun", "child"]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "outputs/parent, which the run extends from epoch 2, does not exist" in told


@pytest.mark.slow
def test_an_interrupted_extension_is_resumed_without_its_parent(here, monkeypatch):
    end_epoch = Fit.end_epoch

    def stopped(fit: Fit) -> None:
        end_epoch(fit)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Fit, "epoch_batches", lambda fit: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(["extend", "outputs/parent", *ON, "hydra.run.dir=outputs/child"]) == 130
    shutil.rmtree("outputs/parent")
    with monkeypatch.context() as patch:
        patch.setattr(Fit, "end_epoch", stopped)
        assert main(["resume", "outputs/child"]) == 130
    assert main(["resume", "outputs/child"]) == 0
    assert_equal_training(state("child"), state("whole"))


@pytest.mark.slow
def test_a_repeated_extension_starts_from_the_same_parent(here):
    extended()
    words = ["hydra.run.dir=outputs/again"]
    assert main(["rerun", "child", *words]) == 0
    assert_equal_training(state("again"), state("whole"))


@pytest.mark.slow
def test_the_schedule_spans_the_added_epochs_and_weight_decay_may_change(here):
    child = extended(
        "trainer.epochs=4", "scheduler=cosine", "scheduler.max_lr=0.01",
        "scheduler.warmup_epochs=0", "scheduler.end_fraction=0", "optimizer.weight_decay=0.125",
    )  # fmt: skip
    steps = state("whole")["rows"][0]["step"]  # of an epoch, cut to two batches
    assert child.metrics[0]["epoch"] == 3
    assert 0.005 < child.metrics[0]["lr"] <= 0.01  # the cosine's beginning, not its middle
    assert child.metrics[0]["step"] == 2 * (child.metrics[1]["step"] - child.metrics[0]["step"]) + 2
    assert steps == 2
    decays = {group["weight_decay"] for group in state("child")["optimizer"]["param_groups"]}
    assert 0.125 in decays


@pytest.mark.slow
def test_an_extension_is_extended(here):
    extended("trainer.epochs=3", *ON[1:])
    words = [*ON, "hydra.run.dir=outputs/grandchild"]
    assert main(["extend", "outputs/child", *words]) == 0
    assert_equal_training(state("grandchild"), state("whole"))


def refused(capsys, *words: str) -> list[str]:
    before = {file: file.read_bytes() for file in Path("outputs").rglob("*") if file.is_file()}
    assert main(["extend", *words]) == 2
    after = {file: file.read_bytes() for file in Path("outputs").rglob("*") if file.is_file()}
    assert before == after
    return [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()]


def test_what_cannot_be_extended_is_refused_with_all_reasons(here, capsys):
    told = refused(capsys, "parent", "model.width=8", "dataset=cifar10", "seed=1")
    assert [line.split(":")[0] for line in told[:3]] == ["model.width", "dataset", "seed"]
    assert "`cifar-lab train … model.weights=outputs/parent`" in told[0]
    assert told[3].startswith("trainer.epochs must be given: the total, including the 2 epochs")
    assert "extend outputs/parent trainer.epochs=4 scheduler=cosine" in told[3]
    assert told[4].startswith("scheduler must be given, since the learning rate")
    (told,) = refused(capsys, "parent", "trainer.epochs=2", "scheduler=constant")
    assert "trainer.epochs=2: outputs/parent has completed 2 epochs; choose more" in told
    (told,) = refused(capsys, "parent", "trainer.epochs=x", "scheduler=constant")
    assert told.startswith("trainer.epochs=x: must be")


def test_a_run_without_its_last_checkpoint_is_refused(here, capsys):
    assert main(["prune", "parent", "--yes"]) == 0
    capsys.readouterr()
    (told,) = refused(capsys, "parent", *ON)
    assert "no longer has its last checkpoint" in told
    assert "model.weights=outputs/parent" in told


def test_a_run_that_is_not_done_is_to_be_finished_first(here, capsys):
    path = Path("outputs/parent/status.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "interrupted"}))
    (told,) = refused(capsys, "parent", *ON)
    assert "is not done yet; finish it first with `cifar-lab resume outputs/parent`" in told
    assert main(["resume", "parent", "trainer.epochs=40"]) == 2
    told = capsys.readouterr().err
    assert "finish it first with `cifar-lab resume outputs/parent`, then train on with" in told
    assert "`cifar-lab extend outputs/parent trainer.epochs=40 scheduler=cosine`" in told


def test_resume_with_other_values_is_answered_with_what_works(here, capsys):
    assert main(["resume", "parent", "trainer.epochs=40"]) == 2
    told = capsys.readouterr().err
    assert (
        "train on with `cifar-lab extend outputs/parent trainer.epochs=40 scheduler=cosine`" in told
    )
    assert main(["resume", "parent", "model.width=8"]) == 2
    told = capsys.readouterr().err
    assert "run it again with `cifar-lab rerun outputs/parent model.width=8`" in told
    assert "extend" not in told


def test_parents_that_differ_in_the_seed_give_one_experiment(here):
    config = yaml.safe_load(Path("outputs/parent/.hydra/config.yaml").read_text())
    parent = {"run": "a", "id": "1", "epochs": 2, "checkpoint": "x", "recipe": "r"}
    other = {**parent, "run": "b", "id": "2", "checkpoint": "y"}
    hashes = [experiment_hash({**config, "extends": each}) for each in (parent, other)]
    assert hashes[0] == hashes[1]
    assert hashes[0] != experiment_hash(config)
    assert hashes[0] != experiment_hash({**config, "extends": {**parent, "recipe": "s"}})


@pytest.mark.parametrize(
    ("key", "may"),
    [
        ("scheduler", True), ("scheduler.max_lr", True), ("optimizer.lr", True),
        ("augmentation.train.crop.p", True), ("device", True), ("optimizer", False),
        ("optimizer.momentum", False), ("model.weights", False), ("trainer.ema_decay", False),
        ("trainer", False), ("schedulers", False), ("seed", False), ("dataset.split_seed", False),
    ],
)  # fmt: skip
def test_what_may_change_is_listed(key, may):
    assert may_change(key) is may
