"""A user's own data: a class with two methods, and files, from training to the report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder

#: Grey images of 28×28 pixels whose brighter half is their class.
HALVES = """
import numpy as np


class Halves:
    class_names = ("left", "right")

    def __init__(self, count: int) -> None:
        self.count = count

    def train(self):
        return self._drawn(0)

    def test(self):
        return self._drawn(1)

    def _drawn(self, seed):
        images = np.random.default_rng(seed).integers(0, 100, (self.count, 28, 28), dtype=np.uint8)
        labels = np.arange(self.count) % 2
        images[labels == 0, :, :14] += 100
        images[labels == 1, :, 14:] += 100
        return images, labels


class Wrong(Halves):
    def train(self):
        images, labels = self._drawn(0)
        return images / 255, labels + 1

    def test(self):
        return "images"
"""
QUICK = [
    "model=custom_resnet", "model.width=4", "scheduler=constant", "optimizer.lr=0.01",
    "trainer.batch_size=8", "trainer.precision=float32", "device=cpu", "trainer.epochs=1",
    "augmentation=none", "trainer.limit_batches=2",
]  # fmt: skip
OWN = ["dataset=own", "dataset._target_=halves.Halves", "+dataset.count=40"]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with ``halves.py``; one stands in it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "halves.py").write_text(HALVES)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    forget()


def forget() -> None:
    """What a new process would not know."""
    sys.modules.pop("halves", None)


def latest(place: Path) -> RunFolder:
    return RunFolder((place / "outputs" / "latest").resolve())


def test_a_class_with_two_methods_is_checked_and_shown(place, capsys):
    assert main(["check", *QUICK, *OWN]) == 0
    assert "36 training, 4 validation, 40 test images of 28×28 in 2 classes" in "".join(
        capsys.readouterr()
    )
    assert main(["show", "data", *QUICK, *OWN]) == 0
    shown = capsys.readouterr().out
    assert "note: all images are grey" in shown
    assert "left" in shown


def test_wrong_returns_are_refused_together_with_all_other_mistakes(place, capsys):
    words = ["dataset=own", "dataset._target_=halves.Wrong", "+dataset.count=40"]
    assert main(["check", *QUICK, *words, "report.gradcam_layer=nowhere"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    assert sum("dataset: Wrong: " in line for line in lines) == 3
    assert any("nowhere" in line for line in lines)
    assert not (place / "outputs").exists()


def test_unknown_and_missing_arguments_of_the_class_are_refused(place, capsys):
    words = ["dataset=own", "dataset._target_=halves.Halves", "+dataset.size=3"]
    assert main(["check", *QUICK, *words]) == 2
    error = capsys.readouterr().err
    assert "dataset.size: Halves has no argument 'size'" in error
    assert "dataset.count is missing; Halves needs it" in error


@pytest.mark.slow
def test_a_run_with_own_data_is_evaluated_reported_and_swept(place):
    workers = ["augmentation=crop_flip", "trainer.workers=1", "trainer.lowered_augmentation=false"]
    assert main(["train", *QUICK, *OWN, *workers]) == 0
    run = latest(place)
    data = json.loads(run.data.read_text())
    assert data["class_names"] == ["left", "right"]
    assert data["image_size"] == [28, 28]
    assert json.loads(run.summary.read_text())["dataset"] == "Halves"
    assert "halves.py" in run.code.read_text()
    forget()
    assert main(["eval", str(run.path)]) == 0
    forget()
    assert main(["report", str(run.path)]) == 0
    assert "All images are grey" in run.report.read_text()
    forget()
    quick = [*QUICK, "report.enabled=false", "seed=0,1"]
    assert main(["train", "-m", *quick, *OWN]) == 0
    assert len(list(latest(place).path.glob("*/summary.json"))) == 2


@pytest.mark.slow
def test_grey_files_train_and_are_named_in_the_summary(place):
    """FashionMNIST's own format, at its own size."""
    from tests.data.torchvision_files import mnist

    mnist(place, "FashionMNIST")
    words = ["dataset=torchvision", "dataset.name=FashionMNIST", f"dataset.root={place}"]
    words += ["dataset.validation_fraction=0", f"dataset.cache_dir={place}/cache"]
    assert main(["train", *QUICK, *words]) == 0
    run = latest(place)
    assert json.loads(run.summary.read_text())["dataset"] == "FashionMNIST"
    page = run.report.read_text()
    assert "All images are grey" in page
    assert "GradCAM" in page


@pytest.mark.parametrize(
    "option", ["arrays", pytest.param("parquet", marks=pytest.mark.extra("parquet"))]
)
def test_files_are_shown(place, option, capsys):
    images = np.random.default_rng(0).integers(0, 256, (24, 64, 64, 3), dtype=np.uint8)
    labels = np.arange(24) % 2
    words = [f"dataset={option}"]
    if option == "arrays":
        np.savez("x.npz", x_train=images, y_train=labels, x_test=images[:4], y_test=labels[:4])
        words += ["dataset.file=x.npz"]
    else:
        write_parquet(place, images, labels)
        words += [f"dataset.root={place}/set", f"dataset.cache_dir={place}/cache"]
    assert main(["show", "data", *QUICK, *words, "augmentation=crop_flip"]) == 0
    assert "image size: 64×64 pixels" in capsys.readouterr().out


def write_parquet(place, images, labels):
    import datasets

    datasets.disable_progress_bars()
    (place / "set" / "data").mkdir(parents=True)
    names = datasets.ClassLabel(names=["a", "b"])
    features = datasets.Features({"image": datasets.Image(), "label": names})
    for split, count in (("train", 24), ("test", 4)):
        columns = {"image": list(images[:count]), "label": labels[:count]}
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(str(place / "set" / "data" / f"{split}-00000-of-00001.parquet"))
