"""A run starts from the weights of another run or of a file."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.engine.fit import Fit
from cifar_lab.models.three_block import ThreeBlockConvNet
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from tests.conftest import BESIDE, write_image_folder

QUICK = [
    "experiments=digits", "model.width=4", "trainer.limit_batches=1", "trainer.epochs=1",
    "report.enabled=false", "trainer.precision=float32", "dataset.limit_train_images=100",
    "trainer.batch_size=16",
]  # fmt: skip
#: A learning rate at which nothing moves.
STILL = ["scheduler=constant", "scheduler.max_lr=1e-30", "optimizer.weight_decay=0"]
TO = "hydra.run.dir=outputs/{}".format


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    here = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(here)
    try:
        assert main(["train", *QUICK, "trainer.ema_decay=0.5", TO("first")]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def here(trained, tmp_path, monkeypatch) -> Path:
    shutil.copytree(trained / "outputs", tmp_path / "outputs", symlinks=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name: str) -> Run:
    return Run(RunFolder(Path("outputs") / name))


def checkpoint(name: str, which: str = "best") -> dict:
    return torch.load(f"outputs/{name}/checkpoints/{which}.pt", weights_only=True)


def test_a_run_starts_from_what_another_one_reports(here, capsys):
    """Its average; the word is resolved once, so that a later run changes nothing."""
    words = [*QUICK, *STILL, "model.weights=best", "seed=5"]
    assert main(["train", *words, TO("second")]) == 0
    assert "weights: 49 of 49 tensors from outputs/first" in capsys.readouterr().out
    reported, started = checkpoint("first")["ema"], checkpoint("second")["model"]
    moved = [k for k, v in reported.items() if not torch.equal(v, started[k])]
    assert all("running" in name or "tracked" in name for name in moved)
    record = run("second").provenance.weights
    content = Path("outputs/first/checkpoints/best.pt").read_bytes()
    assert record.path == "outputs/first"
    assert record.run == run("first").id
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    assert run("second").config["model"]["weights"] == "outputs/first"
    assert run("second").summary.model == "CustomResNet(width=4)"
    assert main(["rerun", "second", TO("third")]) == 0
    assert run("third").provenance.weights == record
    assert main(["rerun", "second", "model.weights=null", TO("fourth")]) == 0
    assert run("fourth").provenance.weights is None


@pytest.mark.slow
def test_a_run_needs_the_weights_no_more_once_it_has_begun(here, monkeypatch):
    words = [*QUICK, "model.weights=first"]
    with monkeypatch.context() as patch:
        patch.setattr(Fit, "epoch_batches", lambda fit: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(["train", *words, TO("second")]) == 130
    assert main(["train", *words, TO("whole")]) == 0
    shutil.rmtree("outputs/first")
    assert main(["resume", "outputs/second"]) == 0
    states = [checkpoint(name)["model"] for name in ("second", "whole")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert main(["eval", "outputs/whole"]) == 0


@pytest.mark.slow
def test_a_file_that_has_changed_is_told_by_rerun(here, caplog, capsys):
    weights = checkpoint("first")["ema"]
    torch.save({"state_dict": weights}, "w.pth")
    assert main(["train", *QUICK, "model.weights=w.pth", TO("second")]) == 0
    assert main(["rerun", "second", TO("third")]) == 0
    assert "has changed since" not in capsys.readouterr().out
    torch.save({"state_dict": {k: v + 1 for k, v in weights.items()}}, "w.pth")
    assert main(["rerun", "second", TO("fourth")]) == 0
    said = capsys.readouterr()
    assert "model.weights=w.pth has changed since outputs/second" in said.out + said.err


def test_other_classes_get_a_new_head_which_the_seed_draws(here, capsys):
    write_image_folder(here / "images", ("ant", "bee", "cow"), side=32)
    words = [
        "dataset=image_folder", "dataset.root=images", "dataset.validation_fraction=0",
        "augmentation=none", "model.width=4", "trainer.batch_size=8", "trainer.epochs=1",
        "report.enabled=false", *STILL,
    ]  # fmt: skip
    assert main(["train", *words, TO("plain")]) == 0
    assert main(["train", *words, "model.weights=first", TO("second")]) == 0
    assert "(10 → 3 classes)" in capsys.readouterr().out
    plain, tuned, first = (
        checkpoint("plain")["model"],
        checkpoint("second")["model"],
        checkpoint("first")["ema"],
    )
    (head,) = run("second").provenance.weights.new
    assert torch.equal(tuned[head], plain[head])
    assert torch.equal(tuned["stem.0.weight"], first["stem.0.weight"])


def test_all_mistakes_are_told_at_once_and_nothing_is_written(here, capsys):
    before = sorted(Path("outputs").rglob("*"))
    words = [
        "model.width=8",
        "model.weights=first",
        "optimizer.momentum=0",
        "mixing=cutmix",
        "seed=-1",
    ]
    assert main(["train", *QUICK, *words]) == 2
    told = capsys.readouterr().err
    assert "seed=-1" in told
    assert "nesterov=true needs momentum > 0" in told
    assert "tensors have a different shape: stem.0.weight is 4×3×3×3 there and 8×3×3×3 here" in told
    assert sorted(Path("outputs").rglob("*")) == before
    assert main(["check", *QUICK, "model.weights=nothing"]) == 2
    assert "model.weights: RUN=nothing is not a run below outputs" in capsys.readouterr().err
    assert main(["check", *QUICK, "model.weights=3"]) == 2
    assert "model.weights=3: must be a valid string" in capsys.readouterr().err
    assert main(["check", *QUICK, "model.weights=first"]) == 0
    assert "weights:   49 of 49 tensors from outputs/first" in capsys.readouterr().out


@pytest.mark.slow
def test_a_model_of_the_users_own_takes_them_too(here):
    """Its constructor has no such argument."""
    words = [w for w in QUICK if not w.startswith("model.")]
    own = [
        *words, "model._target_=tests.cli.nets.Plain", "~model.width", *BESIDE
    ]  # fmt: skip
    assert main(["train", *own, TO("own")]) == 0
    assert main(["train", *own, *STILL, "model.weights=own", TO("tuned")]) == 0
    states = [checkpoint(name)["model"] for name in ("own", "tuned")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.slow
def test_what_a_model_computes_from_images_does_not_replace_them(here):
    words = [w for w in QUICK if not w.startswith("model.")]
    model = ThreeBlockConvNet(10, (8, 8, 8), "relu", 0.4, None)
    torch.nn.init.constant_(model.whitening.weight, 0.25)
    torch.save(model.state_dict(), "w.pt")
    small = ["model=three_block", "model.widths=[8,8,8]", "model.activation=relu", "~model.width"]
    assert main(["train", *words, *small, *STILL, "model.weights=w.pt", TO("second")]) == 0
    assert (checkpoint("second")["model"]["whitening.weight"] == 0.25).all()


@pytest.mark.slow
def test_the_jobs_of_a_sweep_start_from_them(here):
    words = [*QUICK, *STILL, "model.weights=first", "seed=1,2", "hydra.sweep.dir=outputs/sweep"]
    assert main(["train", "-m", *words, "--no-timing"]) == 0
    for seed in (1, 2):
        (folder,) = Path("outputs/sweep").glob(f"*{seed}*/checkpoints")
        record = Run(RunFolder(folder.parent)).provenance.weights
        assert record.path == "outputs/first"


def test_frozen_from_the_start_only_the_rest_is_trained(here, capsys):
    words = [
        "model.weights=first",
        *(f"+trainer.freeze_after_epochs.{n}=0" for n in ("stem", "layer")),
    ]
    assert main(["train", *QUICK, *words, "trainer.ema_decay=0.5", TO("second")]) == 0
    first, last = checkpoint("first")["ema"], checkpoint("second", "last")
    head = sum(v.numel() for k, v in first.items() if k.startswith("head"))
    assert f"frozen from the start: stem, layer; {head:,} of 26,340" in capsys.readouterr().out
    names = [name for name in first if "running" not in name and "tracked" not in name]
    for part in ("model", "ema"):
        still = [name for name in names if torch.equal(last[part][name], first[name])]
        assert still == [name for name in names if not name.startswith("head")], part
    statistics = [name for name in first if "running" in name]
    assert not any(torch.equal(last["model"][name], first[name]) for name in statistics)
    words = [f"+trainer.freeze_after_epochs.{name}=0" for name in ("stem", "layer", "head")]
    assert main(["train", *QUICK, *words]) == 2
    assert "freezes every parameter after 0 epochs" in capsys.readouterr().err
