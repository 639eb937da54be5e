"""A run whose test set stays closed, and the same once it is opened, against an ordinary run."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.recipe.verify import faults
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.predictions import Predictions, packed_predictions
from cifar_lab.run.record import Run
from tests.made import interrupted, without_its_time

WORDS = [
    "experiments=digits", "model.width=4", "trainer.epochs=2", "trainer.precision=float32",
    "trainer.test_every_epoch=true", "trainer.test_time_flips=true",
]  # fmt: skip
#: A test figure as the log, the report and the console write them.
FIGURE = re.compile(
    r"test[_ ](accuracy|loss)\W+\d|test images? (is|are) mis|on all [\d,]+ test", re.I
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Path:
    """A folder with ``outputs/open`` and ``outputs/closed``."""
    here = tmp_path_factory.mktemp("pair")
    before = Path.cwd()
    os.chdir(here)
    try:
        for name, evaluate in (("open", "true"), ("closed", "false")):
            torch.set_num_threads(2)
            words = [f"evaluate_test={evaluate}", f"hydra.run.dir=outputs/{name}"]
            assert main(["train", *WORDS, *words]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def runs(pair, tmp_path, monkeypatch) -> dict[str, Run]:
    shutil.copytree(pair / "outputs", tmp_path / "outputs", symlinks=True)
    monkeypatch.chdir(tmp_path)
    return {name: Run(RunFolder(Path("outputs") / name)) for name in ("open", "closed")}


def texts(folder: RunFolder) -> str:
    """Everything readable in a run's folder."""
    kinds = {".json", ".csv", ".log", ".md", ".html", ".txt", ".yaml"}
    files = [path for path in folder.path.rglob("*") if path.suffix in kinds]
    assert {folder.summary, folder.metrics, folder.report, folder.log} <= set(files)
    return "\n".join(path.read_text() for path in files)


def test_no_test_figure_is_anywhere(runs, capsys):
    assert FIGURE.search(texts(runs["open"].folder))  # the search finds them where they are
    closed = runs["closed"]
    assert not FIGURE.search(texts(closed.folder))
    summary = json.loads(closed.folder.summary.read_text())
    assert {key: value for key, value in summary.items() if key.startswith("test")} == {
        "test": None, "test_without_flips": None, "test_without_copies": None,
    }  # fmt: skip
    assert not any("test" in column for row in closed.metrics for column in row)
    with np.load(closed.folder.predictions) as file:
        assert all(name.startswith("validation_") for name in file.files)
    assert main(["ls"]) == 0
    accuracy = f"{runs['open'].summary.opened.accuracy:.2%}"
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert accuracy in lines["outputs/open"]
    assert len(lines["outputs/open"].split()) == len(lines["outputs/closed"].split()) + 1


def test_it_is_the_open_run_to_the_last_bit(runs):
    weights = [
        torch.load(run.folder.best_checkpoint, weights_only=True)["model"] for run in runs.values()
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    whole, closed = runs["open"], runs["closed"]
    assert closed.summary.validation == whole.summary.validation
    for name, array in vars(closed.predictions.validation).items():
        np.testing.assert_array_equal(array, getattr(whole.predictions.validation, name))
    shared = [key for key in closed.metrics[0] if key.startswith(("train", "val", "lr", "step"))]
    for row, other in zip(closed.metrics, whole.metrics, strict=True):
        assert {key: row[key] for key in shared} == {key: other[key] for key in shared}


def test_the_log_says_what_is_off_and_what_to_do(runs):
    log = runs["closed"].folder.log.read_text()
    assert "trainer.test_every_epoch is off, as evaluate_test=false" in log
    assert "the test set stays closed: it was not evaluated; `cifar-lab eval outputs/closed`" in log
    assert "validation accuracy" in log
    assert "is off, as" not in runs["open"].folder.log.read_text()


def test_the_report_is_of_the_validation_images(runs):
    page = " ".join(runs["closed"].folder.report_markdown.read_text().split())
    assert "The test set stays closed: it was not evaluated; `cifar-lab eval RUN` adds it." in page
    for words in (
        "Validation accuracy with test-time flip averaging",
        "Misclassified validation images",
        "Validation images by true class",
        "the misclassified validation images with the highest probability",
        "144 validation images sampled",
        "in the whole validation set",
    ):
        assert words in page, words
    ordinary = " ".join(runs["open"].folder.report_markdown.read_text().split())
    assert "stays closed" not in ordinary
    assert "360 test images sampled" in ordinary
    with np.load(runs["closed"].folder.gallery_maps) as file:
        assert set(file["sample_ids"]) <= set(runs["closed"].predictions.validation.sample_ids)


def test_eval_adds_what_the_open_run_has_and_redraws_the_report(runs, capsys):
    assert main(["eval", "outputs/closed"]) == 0
    said = capsys.readouterr().out
    whole, opened = runs["open"], Run(runs["closed"].folder)
    assert f"test accuracy {whole.summary.opened.accuracy:.2%}" in said
    for key in ("test", "test_without_flips", "test_without_copies", "per_class", "evaluated"):
        assert getattr(opened.summary, key) == getattr(whole.summary, key), key
    for split in ("test", "validation"):
        for name, array in vars(getattr(opened.predictions, split)).items():
            expected = getattr(getattr(whole.predictions, split), name)
            np.testing.assert_array_equal(array, expected)
    page = " ".join(opened.folder.report_markdown.read_text().split())
    assert "stays closed" not in page
    assert "360 test images sampled" in page
    for path in ("gallery_maps", "averaged_maps"):
        with np.load(getattr(opened.folder, path)) as file:
            with np.load(getattr(whole.folder, path)) as other:
                for name in file.files:
                    np.testing.assert_array_equal(file[name], other[name])
    assert opened.config["evaluate_test"] is False
    assert main(["eval", "outputs/closed"]) == 0
    assert "difference +0.00 points" in capsys.readouterr().out


def test_a_closed_run_is_verified_like_any_other(runs):
    closed = runs["closed"]
    assert faults(closed) == []
    validation = closed.predictions.validation
    wrong = dataclasses.replace(validation, logits=-validation.logits)
    closed.files.write({closed.folder.predictions: packed_predictions(Predictions(None, wrong))})
    (problem,) = faults(Run(closed.folder))
    assert "of 144 validation images are wrong by summary.json, but" in problem
    of_test = Predictions(runs["open"].predictions.test, None)
    closed.files.write({closed.folder.predictions: packed_predictions(of_test)})
    (problem,) = faults(Run(closed.folder))
    assert "has a result for the validation images, but predictions.npz has none" in problem


def test_eval_opens_nothing_with_another_checkpoint(runs, capsys):
    closed = runs["closed"]
    validation = closed.predictions.validation
    other = dataclasses.replace(validation, logits=validation.logits[::-1])
    closed.files.write({closed.folder.predictions: packed_predictions(Predictions(None, other))})
    before = closed.folder.summary.read_bytes()
    assert main(["eval", "outputs/closed"]) == 2
    said = capsys.readouterr()
    assert "does not reproduce the recorded logits of 100 validation images" in said.err
    assert "test accuracy" not in said.out
    assert closed.folder.summary.read_bytes() == before


def test_eval_draws_no_report_where_there_was_none(runs):
    runs["closed"].files.remove([runs["closed"].folder.report])
    assert main(["eval", "outputs/closed"]) == 0
    assert not runs["closed"].folder.report.exists()


@pytest.mark.slow
def test_record_wants_the_test_result_first(runs, capsys):
    Path("experiments").mkdir()
    assert main(["record", "outputs/closed"]) == 2
    assert "outputs/closed has no test result, as evaluate_test=false; add it with `cifar-lab" in (
        capsys.readouterr().err
    )
    assert not (Path("experiments") / "results").exists()
    assert main(["eval", "outputs/closed"]) == 0
    assert main(["record", "outputs/closed", "outputs/open"]) == 0
    assert "| digits | CustomResNet(width=4) | 2 |" in Path("experiments/README.md").read_text()


def test_explain_knows_the_validation_images_only(runs, capsys):
    closed = runs["closed"]
    inside = str(closed.predictions.validation.sample_ids[5])
    outside = str(runs["open"].predictions.test.sample_ids[0])
    assert main(["explain", "outputs/closed", "--ids", outside]) == 2
    assert f"--ids {outside}: no validation image has this sample id" in capsys.readouterr().err
    assert main(["explain", "outputs/closed", "--ids", inside, "--target", "predicted"]) == 0
    assert f"{inside}: " in capsys.readouterr().out


@pytest.mark.slow
def test_report_and_rerun_keep_it_closed(runs):
    before = without_its_time(runs["closed"].folder.report)
    runs["closed"].folder.report.unlink()
    assert main(["report", "outputs/closed"]) == 0
    assert without_its_time(runs["closed"].folder.report) == before
    words = ["report.enabled=false", "hydra.run.dir=outputs/again"]
    assert main(["rerun", "outputs/closed", *words]) == 0
    again = Run(RunFolder(Path("outputs/again")))
    assert again.summary.test is None
    assert again.summary.validation == runs["closed"].summary.validation


@pytest.mark.slow
def test_resume_keeps_it_closed(runs):
    before = runs["closed"].summary
    interrupted(runs["closed"].folder)
    assert main(["resume", "outputs/closed"]) == 0
    assert Run(runs["closed"].folder).summary.per_class == before.per_class
    assert Run(runs["closed"].folder).summary.test is None


def test_without_validation_images_it_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["evaluate_test=false", "dataset.validation_fraction=0"]
    for verb, more in (("train", []), ("check", []), ("train", ["-m", "seed=0,1"])):
        assert main([verb, *WORDS, *words, *more]) == 2
        error = capsys.readouterr().err
        assert error.count("error: ") == 1
        assert "error: evaluate_test=false needs validation images" in error
        assert "dataset.validation_fraction=0.1" in error
    assert main(["train", *WORDS, "evaluate_test=never"]) == 2
    assert "evaluate_test=never: must be a valid boolean" in capsys.readouterr().err
    assert not Path("outputs").exists()
