"""``predict`` typed as people type it; a bundle is used like a run."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_lab.analysis.predictions import energies, softmax
from cifar_lab.cli import classifiers
from cifar_lab.cli.classifiers import classifier_of, named
from cifar_lab.cli.main import main
from cifar_lab.own_code import Given
from cifar_lab.recipe.open import experiment
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from tests.cli.test_runs import QUICK
from tests.deploy.bundles import USAGE, a_bundle, network

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def bundle(tmp_path, monkeypatch) -> str:
    """Beside it, ``images/`` with five images, of which a batch has three."""
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(f"images/{number}.png")
    return str(a_bundle(tmp_path / "bundle").relative_to(tmp_path))


def expected_logits(pixels: np.ndarray) -> np.ndarray:
    mean, std = (np.asarray(each, np.float32) for each in (USAGE.mean, USAGE.std))
    images = torch.from_numpy((pixels / np.float32(255) - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        return network()(images).numpy()


def rows_of(capsys) -> list[dict]:
    return json.loads(capsys.readouterr().out)


def test_a_bundle_is_named_by_its_folder(tmp_path):
    subject = named(str(a_bundle(tmp_path / "bundle")))
    assert classifier_of(subject, Given()).usage == USAGE
    assert classifier_of(subject, Given(), precision="bfloat16").usage.precision == "bfloat16"


def test_a_bundle_has_files_of_its_own(tmp_path):
    subject = named(str(a_bundle(tmp_path / "bundle")))
    with pytest.raises(Refusal, match="--as-recorded belongs to a run"):
        classifier_of(subject, Given(as_recorded=True))


@pytest.mark.parametrize("evaluated", [1, 2, 3])
def test_no_more_threads_are_used_than_there_are_cores(evaluated, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(classifiers, "cores", lambda: 2)
    usage = dataclasses.replace(USAGE, threads=evaluated)
    classifier_of(named(str(a_bundle(tmp_path / "bundle", usage=usage))), Given())
    assert torch.get_num_threads() == min(evaluated, 2)
    said = capsys.readouterr().err
    assert said == "" if evaluated < 3 else "computing with 2 of the 3 threads" in said


def test_images_are_classified_in_order(bundle, capsys):
    command = ["predict", bundle, "images", "--format", "json", "--logits", "--top", "2"]
    assert main(command) == 0
    rows = rows_of(capsys)
    logits = expected_logits(PIXELS)
    assert [row["image"] for row in rows] == [f"images/{n}.png" for n in range(5)]
    np.testing.assert_allclose([row["logits"] for row in rows], logits, atol=1e-4)
    for row, shares, far in zip(rows, softmax(logits), energies(logits) > -1, strict=True):
        best = np.argsort(-shares)[:2]
        assert list(row["probabilities"]) == [USAGE.class_names[k] for k in best]
        assert row["predicted"] == USAGE.class_names[best[0]]
        assert list(row["probabilities"].values()) == pytest.approx(shares[best], abs=1e-4)
        assert row["far"] == far


def test_a_file_holds_what_standard_output_would(bundle, capsys):
    for kind in ("json", "csv", "table"):
        assert main(["predict", bundle, "images", "--format", kind]) == 0
        printed = capsys.readouterr().out
        assert main(["predict", bundle, "images", "--format", kind, "-o", f"new/{kind}"]) == 0
        captured = capsys.readouterr()
        assert Path("new", kind).read_text() == printed
        assert (captured.out, captured.err) == ("", f"{kind}: new/{kind}\n")
    assert len(list(csv.reader(Path("new/csv").read_text().splitlines()))) == 6


def test_what_cannot_be_read_is_named_and_the_rest_is_classified(bundle, capsys):
    Path("images/2.png").write_text("no image")
    Path("images/two\nlines.png").touch()
    Path(os.fsdecode(b"images/\xff.png")).write_bytes(Path("images/0.png").read_bytes())
    os.mkfifo("images/pipe")
    assert main(["predict", bundle, "images", "nowhere.png", "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "error: images/pipe: a pipe, socket or device, not a file",
        "error: nowhere.png: does not exist",
        "error: images/2.png: could not be read: not an image in a known format",
        r"error: images/two\nlines.png: could not be read: the file is empty",
        "classified 5 images, 4 failed",
    ]
    rows = json.loads(captured.out)
    assert [os.fsencode(row["image"])[7:] for row in rows] == [
        b"0.png", b"1.png", b"3.png", b"4.png", b"\xff.png"
    ]  # fmt: skip


def test_nothing_is_written_if_nothing_could_be_read(bundle, capsys):
    Path("text.png").write_text("no image")
    Path("rows.json").write_text("earlier")
    assert main(["predict", bundle, "text.png", "--format", "json", "-o", "rows.json"]) == 2
    assert "error: text.png: could not be read" in capsys.readouterr().err
    assert Path("rows.json").read_text() == "earlier"
    assert main(["predict", bundle, "text.png", "--format", "json"]) == 2
    assert capsys.readouterr().out == ""
    assert main(["predict", "no such run", "nowhere.png", "neither.png"]) == 2  # opens no run
    assert capsys.readouterr().err.splitlines() == [
        "error: nowhere.png: does not exist",
        "error: neither.png: does not exist",
    ]


def test_a_file_is_as_it_was_if_writing_stops(bundle, monkeypatch):
    Path("rows.csv").write_text("earlier")

    def interrupted(self, pixels):
        if Path("rows.csv").read_text() == "earlier" and len(pixels) == 2:  # the second batch
            raise KeyboardInterrupt
        return np.zeros((len(pixels), 3), np.float32)

    monkeypatch.setattr("cifar_lab.deploy.classifier.Classifier.logits", interrupted)
    assert main(["predict", bundle, "images", "--format", "csv", "-o", "rows.csv"]) == 130
    assert Path("rows.csv").read_text() == "earlier"
    assert not list(Path().glob(".*.tmp"))


def test_maps_are_written_as_pictures(bundle, capsys):
    command = ["predict", bundle, "images", "--explain", "maps", "--method", "hirescam"]
    assert main([*command, "--target", "2", "--layer", "layer1"]) == 0
    assert "maps: maps" in capsys.readouterr().err
    names = sorted(each.name for each in Path("maps").iterdir())
    shares = 100 * softmax(expected_logits(PIXELS))[:, 2]
    assert [name.rpartition("-")[0] for name in names] == [f"0000{n + 1}-{n}-cat" for n in range(5)]
    for name, share in zip(names, shares, strict=True):
        assert float(name.rpartition("-")[2].removesuffix(".png")) == pytest.approx(share, abs=0.1)
    with Image.open(Path("maps", names[0])) as image:
        assert image.size == (520, 256)
    assert main([*command, "--top", "1"]) == 2
    assert "--explain maps is not empty; name a new directory" in capsys.readouterr().err


def test_rows_alone_go_to_standard_output(bundle, monkeypatch, capsys):
    """Whatever a network of the user's own prints."""

    def talking(self, pixels):
        print("hello")
        return np.zeros((len(pixels), 3), np.float32)

    monkeypatch.setattr("cifar_lab.deploy.classifier.Classifier.logits", talking)
    assert main(["predict", bundle, "images", "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert len(json.loads(captured.out)) == 5
    assert "hello" in captured.err


def test_without_validation_images_nothing_is_marked(tmp_path, bundle, capsys):
    usage = dataclasses.replace(USAGE, energy_limit=None, energy_images=0)
    a_bundle(tmp_path / "other", usage=usage)
    assert main(["predict", "other", "images", "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert [row["far"] for row in json.loads(captured.out)] == [None] * 5
    assert captured.err.count("are not marked") == 1


def test_words_after_dashes_are_images(bundle, capsys):
    Path("images/0.png").rename("--top")
    assert main(["predict", bundle, "--format", "json", "--", "--top"]) == 0
    assert [row["image"] for row in rows_of(capsys)] == ["--top"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs a RUN or a bundle, and then images"),
        (["bundle"], "needs a RUN or a bundle, and then images"),
        (["bundle", "images", "--top", "0"], "--top 0: must be at least 1"),
        (["bundle", "images", "--top", "x"], "invalid int value: 'x'"),
        (["bundle", "images", "--format", "xml"], "--format xml: must be one of table, json, csv"),
        (["bundle", "images", "--logits"], "--logits belongs to --format json or csv"),
        (["bundle", "-", "--from", "-"], "which can be read once only"),
        (["bundle", "images", "--precision", "half"], "--precision half: must be one of float32"),
        (["bundle", "images", "--layer", "layer1"], "--layer belongs to --explain DIR"),
        (["bundle", "images", "-o", "images"], "-o images is not a file"),
        (["bundle", "images", "-o", "/dev/null"], "-o /dev/null is not a file"),
        (["bundle", "images", "-o", "images/1.png"], "-o images/1.png is one of the images"),
        (["bundle", "images", "--explain", "images/1.png"], "is not a directory; name a new one"),
        (["bundle", "images", "--device", "tpu"], "device=tpu: must be auto, cpu, cuda"),
        (["bundle", "images", "--explain", "new", "--method", "x"], "method=x: must be one of"),
        (["bundle", "images", "--as-recorded"], "--as-recorded belongs to a run"),
        (["nowhere", "images"], "nowhere"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(bundle, words, said, capsys):
    before = sorted(Path().rglob("*"))
    assert main(["predict", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert (captured.out, captured.err.count("Traceback")) == ("", 0)
    assert sorted(Path().rglob("*")) == before


def test_all_mistakes_are_told_at_once(bundle, capsys):
    assert main(["predict", bundle, "images", "--top", "0", "--format", "xml"]) == 2
    assert capsys.readouterr().err.count("error: ") == 2


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """A finished run whose 360 test images were evaluated in four batches."""
    monkeypatch.chdir(tmp_path)
    assert main(["train", *QUICK, "trainer.eval_batch_size=100", "report.enabled=false"]) == 0
    return Run(RunFolder(Path("outputs/latest").resolve()))


@pytest.mark.slow
def test_the_recorded_predictions_are_made_again(run, capsys):
    """Exactly, if order, batches, threads and precision are those of the evaluation."""
    recorded = run.predictions.logits
    test = experiment(run).dataset.source.test
    Path("images").mkdir()
    for number, pixels in enumerate(test.images):
        Image.fromarray(pixels).save(f"images/{number:04}.png")
    capsys.readouterr()
    command = ["predict", "latest", "images", "--format", "json", "--logits", "--top", "10"]
    assert main(command) == 0
    rows = rows_of(capsys)
    found = np.asarray([row["logits"] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(found, recorded)
    for row, shares in zip(rows, softmax(recorded), strict=True):
        assert sorted(row["probabilities"].values()) == sorted(shares)
    assert main([*command, "--precision", "bfloat16", "--device", "cpu"]) == 0
    other = np.asarray([row["logits"] for row in rows_of(capsys)], dtype=np.float32)
    assert 0 < np.abs(other - found).max() < 0.1
