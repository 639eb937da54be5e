"""``eval RUN --on``: what it records, prints and draws, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.predictions import softmax
from cifar_lab.cli.main import main
from cifar_lab.data import robustness_files
from cifar_lab.data.corruptions import suite as lab
from cifar_lab.data.corruptions.suite import corrupted
from cifar_lab.data.robustness_files import CLASSES, EXTRA
from cifar_lab.recipe import robustness as recipe
from cifar_lab.recipe.open import experiment, restore
from cifar_lab.recipe.verify import faults
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from tests.conftest import write_image_folder
from tests.data.test_robustness_files import EACH, write_cifar10_1, write_cifar10_c

WORDS = [
    "experiments=digits", "model.width=4", "trainer.epochs=1", "trainer.precision=float32",
]  # fmt: skip
#: Corruptions that the tests use of the fifteen.
FEW = ("gaussian_noise", "defocus_blur", "fog", "contrast")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with ``outputs/closed`` on digits and ``outputs/named`` with CIFAR-10's classes."""
    here = tmp_path_factory.mktemp("robustness")
    write_image_folder(here / "images", classes=CLASSES, side=32)
    before = Path.cwd()
    os.chdir(here)
    torch.set_num_threads(2)
    named = ["dataset=image_folder", "dataset.root=images", "dataset.validation_fraction=0"]
    named += ["trainer.batch_size=20", "trainer.test_time_flips=true"]
    try:
        for name, words in (("closed", ["evaluate_test=false"]), ("named", named)):
            assert main(["train", *WORDS, *words, f"hydra.run.dir=outputs/{name}"]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def runs(place, tmp_path, monkeypatch) -> dict[str, Run]:
    shutil.copytree(place, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab, "CORRUPTIONS", {name: lab.CORRUPTIONS[name] for name in FEW})
    monkeypatch.setattr(robustness_files, "IMAGES", EACH)
    monkeypatch.setattr(robustness_files, "VERSIONS", {"v4": 5, "v6": 3})
    return {name: Run(RunFolder(Path("outputs") / name)) for name in ("closed", "named")}


def hashes(run: Run) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in run.folder.path.rglob("*") if p.is_file()}


def logits_of(run: Run, images: np.ndarray) -> np.ndarray:
    """By the network alone: normalised, flipped and averaged here."""
    opened = experiment(run, ["evaluate_test=true"])
    restore(opened, run)
    model = opened.learner.model.eval()
    mean, std = (np.asarray(v, np.float32) for v in (run.data.mean, run.data.std))
    pixels = torch.from_numpy(((images / 255 - mean) / std).transpose(0, 3, 1, 2)).float()
    with torch.no_grad():
        return ((model(pixels) + model(pixels.flip(3))) / 2).numpy()


def test_a_closed_test_set_is_refused_until_eval_opened_it(runs, capsys):
    closed = runs["closed"]
    before = hashes(closed)
    assert main(["eval", "outputs/closed", "--on", "corruptions"]) == 2
    said = capsys.readouterr().err
    assert "evaluate the test images first with `cifar-lab eval outputs/closed`" in said
    assert hashes(closed) == before
    assert main(["eval", "outputs/closed"]) == 0
    assert main(["eval", "outputs/closed", "--on", "corruptions"]) == 0
    (found,) = Run(closed.folder).robustness.suites
    test = Run(closed.folder).predictions.test
    assert found.clean.accuracy == (test.logits.argmax(axis=1) == test.labels).mean()
    assert faults(Run(closed.folder)) == []


def test_the_corruptions_are_scored_as_by_hand(runs, capsys):
    run = runs["named"]
    before = hashes(run)
    assert main(["eval", "outputs/named", "--on", "corruptions"]) == 0
    said = capsys.readouterr().out
    run = Run(run.folder)
    (found,) = run.robustness.suites
    assert (found.suite, found.version, found.seed) == ("corruptions@lab", 1, 0)
    assert (found.precision, found.flips, found.files) == ("float32", True, {})
    assert [c.name for c in found.conditions] == [name for name in FEW for _ in range(5)]
    opened = experiment(run, ["evaluate_test=true"])
    test = opened.dataset.source.test
    for condition in found.conditions:
        images = corrupted(test.images, condition.name, condition.severity)
        logits = logits_of(run, images)
        right, shares = logits.argmax(axis=1) == test.labels, softmax(logits)
        scores = condition.scores
        assert scores.count == 20
        assert scores.accuracy == right.mean()
        loss = -np.log(shares[np.arange(20), test.labels]).mean()
        assert scores.loss == pytest.approx(loss, rel=1e-4)
        expected = calibration(shares.max(axis=1), right).error
        assert scores.calibration_error == pytest.approx(expected, abs=1e-4)
        assert condition.averaged
    accuracies = [c.scores.accuracy for c in found.conditions]
    assert found.mean.accuracy == pytest.approx(np.mean(accuracies))
    lines = [line.split("  ")[0] for line in said.splitlines()]
    assert {name.replace("_", " ") for name in FEW} | {"test images", "mean"} <= set(lines)
    changed = {path for path, content in hashes(run).items() if before.get(path) != content}
    redrawn = ("report.", "figures/", "manifest.json", "robustness.json", ".lock")
    assert all(any(word in path for word in redrawn) for path in changed), changed
    assert "## Robustness" in run.folder.report_markdown.read_text()
    assert "made by this lab" in run.folder.report.read_text()
    first = run.folder.robustness.read_bytes()
    assert main(["eval", "outputs/named", "--on", "corruptions"]) == 0
    assert run.folder.robustness.read_bytes() == first


def test_official_files_are_evaluated_beside_them(runs, capsys):
    run = runs["named"]
    write_cifar10_c(Path("c"), EXTRA[:1])
    write_cifar10_1(Path("one"), "v4", "v6")
    for on in ("c", "one"):
        assert main(["eval", "outputs/named", "--on", on]) == 0
    run = Run(run.folder)
    c, four, six = run.robustness.suites
    assert [each.suite for each in (c, four, six)] == [
        "CIFAR-10-C", "CIFAR-10.1 v4", "CIFAR-10.1 v6",
    ]  # fmt: skip
    fog, labels = np.load("c/fog.npy"), np.load("c/labels.npy")
    right = logits_of(run, fog).argmax(axis=1) == labels  # the folder's classes are sorted alike
    for severity, found in enumerate(c.by_name["fog"]):
        assert found.scores.accuracy == right[EACH * severity : EACH * (severity + 1)].mean()
    averaged = [x.scores.accuracy for x in c.conditions if x.name != EXTRA[0]]
    assert c.mean.accuracy == pytest.approx(np.mean(averaged))
    assert (six.mean, six.conditions[0].severity) == (None, None)
    right = logits_of(run, np.load("one/cifar10.1_v6_data.npy")).argmax(axis=1) == [0, 1, 2]
    assert six.conditions[0].scores.accuracy == right.mean()
    page = " ".join(run.folder.report_markdown.read_text().split())
    assert "speckle noise (not in the mean)" in page
    assert "CIFAR-10.1 v6" in page
    assert "not divided by the error of AlexNet" in page
    assert json.loads(run.folder.robustness.read_text())["format"]


@pytest.mark.parametrize(("words", "message"), [
    (["--on", "nowhere"], "--on nowhere is not a directory; write `--on corruptions`"),
    (["--on"], "--on needs a value"),
    (["--on", "a", "--on", "b"], "--on accepts one value, got a, b"),
    (["--on", "images"], "images has none of the official files"),
])  # fmt: skip
def test_a_bad_value_is_refused(runs, capsys, words, message):
    before = hashes(runs["named"])
    assert main(["eval", "outputs/named", *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert hashes(runs["named"]) == before


def test_an_interrupted_evaluation_leaves_the_run_as_it_was(runs, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = hashes(runs["named"])
    monkeypatch.setattr(recipe, "_logits", interrupted)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        raise SystemExit(main(["eval", "outputs/named", "--on", "corruptions"]))
    assert hashes(runs["named"]) == before
