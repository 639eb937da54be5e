"""``explain`` typed as people type it, on a small finished run."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from cifar_lab.cli.main import main
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.run.folder import RunFolder
from tests.cli.test_runs import finished, run

pytestmark = pytest.mark.slow

__all__ = ["finished", "run"]


def test_the_gallerys_images_are_explained_for_each_target(run, capsys):
    assert main(["explain", "latest"]) == 0
    said = capsys.readouterr().out
    assert said.count("predicted as") == 10
    assert "gradcam at layer2, predicted: maps add up to" in said
    with np.load(run.gallery_maps) as file:
        gallery = dict(file)
    for number, target in enumerate(("predicted", "true", "difference")):
        with np.load(run.attributions(f"gradcam-layer2-{target}")) as file:
            assert file["sample_ids"].tolist() == gallery["sample_ids"].tolist()
            np.testing.assert_allclose(file["maps"], gallery["layer2/maps"][:, number], atol=1e-6)
            assert file["maps"].shape == (10, 8, 8)
    figure = re.search(r"figure: (\S+)", said)[1]
    with Image.open(figure) as image:
        assert image.width == 4 * (192 + 16) + 16


def test_named_images_layers_methods_and_targets_stand_side_by_side(run, capsys):
    words = ["--ids", "digits/0003,digits/0001", "--layer", "layer1.sum,layer3.sum"]
    words += ["--method", "hirescam,occlusion", "--target", "true"]
    with np.load(run.predictions) as file:
        ids = file["sample_ids"].tolist()
    if "digits/0003" not in ids:
        words[1] = f"{ids[4]},{ids[2]}"
    assert main(["explain", *words, str(run.path)]) == 0
    said = capsys.readouterr().out
    with Image.open(re.search(r"figure: (\S+)", said)[1]) as image:
        assert image.width == 4 * (192 + 16) + 16  # the image, two layers, one occlusion
    with np.load(run.attributions("hirescam-layer1.sum-true")) as file:
        assert file["maps"].shape == (2, 16, 16)
        assert file["sample_ids"].tolist() == words[1].split(",")
    assert run.attributions("occlusion-true").is_file()


def test_every_mistake_is_told_at_once(run, capsys):
    words = ["--ids", "digits/99999", "--layer", "layer9,head", "--method", "lime"]
    assert main(["explain", "latest", *words, "--target", "false"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert "--method lime: must be one of gradcam, hirescam, guided_gradcam" in lines[0]
    assert "--target false: must be one of predicted, true, difference" in lines[1]
    assert "--layer layer9: CustomResNet has no such module; it declares stem" in lines[2]
    assert "--layer head: its output is not a map" in lines[3]
    assert "--ids digits/99999: no test image has this sample id" in lines[4]
    assert not list((run.path / "figures").glob("explain*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "needs exactly one RUN, got 0"),
        (["latest", "--colour", "red"], "unrecognized arguments: --colour"),
        (["latest", "--trust", "--ids", "a"], "--trust chooses its own images"),
        (["latest", "--trust", "--method", "gradcam,hirescam"], "accepts only one --method"),
        (["latest", "trainer.epochs=2"], "accepts only report., device="),
    ],
)
def test_words_that_mean_nothing_are_refused(words, message, run, capsys):
    assert main(["explain", *words]) == 2
    assert message in capsys.readouterr().err


def test_trust_is_measured_kept_and_shown_by_the_report(run, capsys):
    assert main(["explain", "latest", "--trust"]) == 0
    assert "deletion" in capsys.readouterr().out
    found = json.loads(run.trust.read_text())
    assert found["images"] == 360
    assert [row["order"] for row in found["orders"]] == ["gradcam", "random", "centre", "edges"]
    assert all(0 <= row["deletion"] <= 1 for row in found["orders"])
    assert "explain RUN --trust" in run.report.read_text()
    assert main(["report", "latest"]) == 0
    page = run.report.read_text()
    assert "insertion (higher is better)" in page
    assert f"{found['orders'][0]['deletion']:.3f}" in page


def test_a_model_without_a_layer_to_explain_is_trained_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(CustomResNet, "explainable_layers", ())
    words = ["experiments=digits", "model.width=4", "trainer.limit_batches=2", "trainer.epochs=1"]
    assert main(["train", *words]) == 0
    here = RunFolder((tmp_path / "outputs" / "latest").resolve())
    assert "No GradCAM map can be shown" in here.report.read_text()
    assert here.figure("gallery").is_file()
    assert not here.gallery_maps.exists()
    assert main(["check", *words]) == 0
    assert (
        "none: the model declares no layer whose output is a feature map" in capsys.readouterr().out
    )
    assert main(["explain", "latest"]) == 2
    assert "--layer (none declared): CustomResNet has no such module" in capsys.readouterr().err
    assert main(["explain", "latest", "--method", "occlusion", "--target", "true"]) == 0
    assert here.attributions("occlusion-true").is_file()
