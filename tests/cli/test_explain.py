"""``explain`` typed as people type it, on a small finished run."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab.cli.main import main
from cifar_lab.explain.layers import map_sizes
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.report.figures.image_grid import BAR_WIDTH
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.store import Store
from tests.cli.test_runs import finished, run
from tests.conftest import BESIDE

pytestmark = pytest.mark.slow

__all__ = ["finished", "run"]


def test_the_gallerys_images_are_explained_for_each_target(run, capsys):
    assert main(["explain", "latest"]) == 0
    said = capsys.readouterr().out
    assert said.count("predicted as") == 10
    with np.load(run.gallery_maps) as file:
        gallery = dict(file)
    assert gallery["layer2/agreement"] < 0.99  # under the max pool: both methods are shown
    for method in ("hirescam", "gradcam"):
        assert f"{method} at layer2, predicted: maps add up to" in said
        for number, target in enumerate(("predicted", "true", "difference")):
            with np.load(run.attributions(f"{method}-layer2-{target}")) as file:
                assert file["sample_ids"].tolist() == gallery["sample_ids"].tolist()
                expected = gallery[f"layer2/{method}"][:, number]
                np.testing.assert_allclose(file["maps"], expected, atol=1e-6)
                assert file["maps"].shape == (10, 8, 8)
    figure = re.search(r"figure: (\S+)", said)[1]
    with Image.open(figure) as image:
        assert image.width == 4 * (192 + 16) + BAR_WIDTH + 16


def test_the_predictions_that_are_explained_are_the_recorded_ones(run, capsys):
    """As with flips or in bfloat16: what was recorded may differ from a new prediction."""
    with np.load(run.predictions) as file:
        arrays = dict(file)
    first, second = np.argsort(-arrays["logits"], axis=1)[:, :2].T
    close = np.argsort(arrays["logits"].max(1) - np.sort(arrays["logits"], axis=1)[:, -2])[:5]
    recorded = arrays["logits"].copy()
    recorded[close, first[close]], recorded[close, second[close]] = (
        arrays["logits"][close, second[close]],
        arrays["logits"][close, first[close]],
    )
    changed = io.BytesIO()
    np.savez(changed, **{**arrays, "logits": recorded})
    files = Store(run)
    files.write({run.predictions: changed.getvalue()})
    ids = [str(name) for name in arrays["sample_ids"][close]]
    assert main(["explain", "latest", "--ids", ",".join(ids), "--target", "predicted"]) == 0
    with np.load(run.attributions("hirescam-layer2-predicted")) as file:
        assert file["first"].tolist() == second[close].tolist()
    files.remove([run.averaged_maps])
    assert main(["report", "latest"]) == 0
    with np.load(run.averaged_maps) as file:  # of all 360 test images
        assert len(file["right"]) == (recorded.argmax(1) == arrays["labels"]).sum()
        assert (
            file["class_counts"].tolist() == np.bincount(recorded.argmax(1), minlength=10).tolist()
        )


def test_as_many_layers_as_there_are_can_be_explained_and_reach_the_report(run, capsys):
    model = CustomResNet(num_classes=10, width=4)
    names = [name for name, _ in model.named_modules() if name]
    layers = [name for name, size in map_sizes(model, names, (32, 32)).items() if size][:22]
    assert len(layers) == 22
    with np.load(run.predictions) as file:
        ids = ",".join(file["sample_ids"][:3].tolist())
    words = ["--layer", ",".join(layers), "--ids", ids, "--method", "hirescam"]
    assert main(["explain", "latest", *words]) == 0
    drawn = [Path(path) for path in re.findall(r"figure: (\S+)", capsys.readouterr().out)]
    assert len(drawn) == 3  # 22 rows for each image
    assert all(path.is_file() and len(path.name) < 110 for path in drawn)
    assert main(["explain", "latest", "--method", "hirescam", "--target", "true"]) == 0
    drawn.append(Path(re.search(r"figure: (\S+)", capsys.readouterr().out)[1]))
    assert main(["report", "latest"]) == 0
    page, markdown = run.report.read_text(), run.report_markdown.read_text()
    assert len(page) < 5_000_000
    on_page = [base64.b64encode(path.read_bytes()).decode() in page for path in drawn]
    assert on_page[-1]  # the latest; there is no room for all the others
    assert not all(on_page)
    for path, shown in zip(drawn, on_page, strict=True):
        assert path.is_file()
        assert (f"(figures/{path.name})" in markdown) == shown
        assert (f"Not on this page, to keep it small: figures/{path.name}." in page) != shown
    assert "Part 3 of 3." in " ".join(markdown.split())


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
        # the image, two layers and one occlusion, each with a colour bar of its own
        assert image.width == 4 * (192 + 16) + 3 * BAR_WIDTH + 16
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
    said = capsys.readouterr().out
    assert "deletion" in said
    verdict = re.search(r"^verdict: (.*)$", said, re.MULTILINE)[1]
    found = json.loads(run.trust.read_text())
    assert found["images"] == 360
    assert [row["order"] for row in found["orders"]] == [
        *("hirescam", "gradcam", "random", "centre", "edges")
    ]
    assert all(0 <= row["deletion"] <= 1 for row in found["orders"])
    assert "explain RUN --trust" in run.report.read_text()
    assert main(["report", "latest"]) == 0
    page = run.report.read_text()
    assert "insertion (higher is better)" in run.report_markdown.read_text()
    assert f"Verdict: {verdict}" in html.unescape(page)
    assert page.index("Can these maps be trusted?") < page.index("Verdict: ")
    assert f"{found['orders'][0]['deletion']:.3f}" in page


def test_a_model_without_a_layer_to_explain_is_trained_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["experiments=digits", "model._target_=tests.cli.nets.Flat", "~model.width", *BESIDE]
    words += ["trainer.limit_batches=2", "trainer.epochs=1"]
    assert main(["train", *words]) == 0
    here = RunFolder((tmp_path / "outputs" / "latest").resolve())
    assert "No GradCAM map can be shown" in here.report.read_text()
    assert here.figure("gallery").is_file()
    assert not here.gallery_maps.exists()
    assert main(["check", *words]) == 0
    assert "none: the model has no layer whose output is a feature map" in capsys.readouterr().out
    assert main(["explain", "latest"]) == 2
    assert (
        "Flat has no layer whose output is a feature map; use --method " in capsys.readouterr().err
    )
    assert main(["explain", "latest", "--method", "occlusion", "--target", "true"]) == 0
    assert here.attributions("occlusion-true").is_file()
