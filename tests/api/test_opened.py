"""A run gives what it recorded, and a network that computes it again."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

import cifar_lab
from cifar_lab.own_code import Given
from tests.made import a_run


def test_what_it_recorded_is_typed(run):
    assert run.status == "done"
    assert run.path.parts[:2] == ("outputs", "digits")
    assert run.id == json.loads((run.path / "manifest.json").read_text())["id"]
    assert run.tags == ()
    assert run.config["model"]["_target_"] == "cifar_lab.models.CustomResNet"
    assert (run.config["model"]["width"], run.config["seed"]) == (4, 1)
    accuracy = json.loads((run.path / "summary.json").read_text())["test"]["accuracy"]
    assert run.summary.test.accuracy == accuracy
    right = run.predictions.test.logits.argmax(1) == run.predictions.test.labels
    assert right.mean() == pytest.approx(accuracy)
    assert run.predictions.logits is run.predictions.test.logits
    assert run.predictions.labels is run.predictions.test.labels
    assert run.predictions.sample_ids is run.predictions.test.sample_ids
    assert f"test accuracy {100 * accuracy:.2f} %" in repr(run)


def test_metrics_are_arrays_by_column(run):
    with (run.path / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(run.metrics) == list(row)
    assert run.metrics["epoch"].dtype == np.int64
    assert run.metrics["val_loss"].tolist() == [float(row["val_loss"])]


def test_each_part_is_read_once(run):
    first = run.predictions
    (run.path / "predictions.npz").rename(run.path / "moved.npz")
    try:
        assert run.predictions is first
        assert run.metrics is run.metrics
    finally:
        (run.path / "moved.npz").rename(run.path / "predictions.npz")


def test_a_run_is_opened_by_its_path_a_part_of_it_or_a_word(run):
    for name in ("latest", "best", run.path, str(run.path.absolute()), run.path.name):
        assert cifar_lab.open_run(name).id == run.id
    with pytest.raises(cifar_lab.Refusal, match=r"RUN=nothing is not a run below outputs/"):
        cifar_lab.open_run("nothing")


def test_its_model_is_ready_for_use(run, test_images):
    model = run.model()
    assert isinstance(model, torch.nn.Module)
    assert not any(module.training for module in model.modules())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    mean, std = np.asarray(run.recorded.data.mean), np.asarray(run.recorded.data.std)
    pixels = torch.from_numpy((test_images / 255 - mean) / std).float().permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = model(pixels).numpy()
    np.testing.assert_allclose(logits, run.predictions.test.logits, atol=1e-4)
    assert run.model() is not model


def test_predicting_the_test_images_gives_the_recorded_predictions(run, test_images):
    found = run.predict(test_images)
    np.testing.assert_allclose(found.logits, run.predictions.test.logits, atol=1e-4)


def test_files_pictures_and_arrays_are_the_same(run, test_images, tmp_path):
    path = tmp_path / "digit.png"
    picture = Image.fromarray(test_images[3])
    picture.save(path)
    several = [path, str(path), picture, test_images[3], test_images[3, :, :, 0]]
    found = run.predict(several).logits
    assert found.shape == (5, 10)
    np.testing.assert_allclose(found, np.tile(run.predict(path).logits, (5, 1)), atol=1e-5)


def test_a_run_that_is_not_finished_has_no_network(elsewhere):
    a_run(elsewhere / "outputs" / "a" / "b" / "c", state="interrupted")
    run = cifar_lab.open_run("latest" if (elsewhere / "outputs/latest").exists() else "c")
    for ask in (run.model, run.report, lambda: run.predict(np.zeros((8, 8, 3), np.uint8))):
        with pytest.raises(cifar_lab.Refusal, match="is this a finished run"):
            ask()
    assert repr(run) == "Run(outputs/a/b/c, interrupted)"


def test_a_run_that_is_done_is_not_resumed(run):
    with pytest.raises(cifar_lab.Refusal, match="is done; use `cifar-lab rerun`"):
        run.resume()


def test_another_persons_python_files_are_imported_only_if_trusted(run, monkeypatch):
    """The flags reach what decides about it."""
    asked = []
    monkeypatch.setattr("cifar_lab.api.opened.own_code", lambda _, given: asked.append(given))
    monkeypatch.setattr("cifar_lab.recipe.open.network", lambda *_: None)
    cifar_lab.open_run("latest", config_dir="conf", trust=True).model()
    cifar_lab.open_run("latest").model()
    assert asked == [Given("conf", True), Given()]
