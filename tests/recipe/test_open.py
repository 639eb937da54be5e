"""A network is opened from its run folder alone; whatever is missing is named."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.recipe.open import network
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from tests.conftest import write_image_folder
from tests.data.sources import folder_source
from tests.made import entered


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A run of an image folder, and its test images, both of which are then taken away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    root = write_image_folder(tmp_path / "images", classes=("ant", "bee", "cat"), side=16)
    quick = ["model.width=4", "trainer.batch_size=4", "trainer.epochs=1", "report.enabled=false"]
    words = ["dataset=image_folder", f"dataset.root={root}", "dataset.validation_fraction=0.25"]
    assert main(["train", *words, *quick, "trainer.precision=float32", "augmentation=none"]) == 0
    images = np.array(folder_source(root, tmp_path).load().source.test.images)
    shutil.rmtree(root)
    shutil.rmtree(tmp_path / "cache")
    return Run(RunFolder((tmp_path / "outputs" / "latest").resolve())), images


def test_a_network_is_opened_from_its_folder_alone_and_predicts_what_was_recorded(trained):
    run, images = trained
    assert run.data.class_names == ("ant", "bee", "cat")
    assert run.data.split_sizes == {"train": 9, "val": 3, "test": 6}
    pixels = (images / 255 - np.asarray(run.data.mean)) / np.asarray(run.data.std)
    model = network(run)
    assert not model.training
    with torch.no_grad():
        logits = model(torch.from_numpy(pixels).float().permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(logits, run.predictions.test.logits, atol=1e-5)
    assert run.predictions.validation is not None
    assert run.predictions.validation.logits.shape == (3, 3)


def test_validation_predictions_give_the_reported_validation_accuracy(trained):
    run, _ = trained
    found, reported = run.predictions.validation, run.summary.validation
    accuracy = float((found.logits.argmax(1) == found.labels).mean())
    assert accuracy == pytest.approx(reported.accuracy)
    assert len(set(found.sample_ids)) == 3


def test_what_an_older_run_lacks_is_named(trained):
    run, _ = trained
    run.folder.data.unlink()
    entered(run.folder)
    with pytest.raises(Refusal, match=r"data\.json could not be read"):
        network(Run(run.folder))


def test_a_run_that_is_not_finished_has_no_network_to_open(trained):
    run, _ = trained
    run.folder.summary.unlink()
    entered(run.folder)
    with pytest.raises(Refusal, match=r"summary\.json could not be read: .*is this a finished run"):
        network(Run(run.folder))


def test_another_networks_checkpoint_is_refused(trained):
    run, _ = trained
    data = json.loads(run.folder.data.read_text())
    data["class_names"].append("dog")
    run.folder.data.write_text(json.dumps(data))
    entered(run.folder)
    with pytest.raises(Refusal, match="belongs to a different model"):
        network(Run(run.folder))
