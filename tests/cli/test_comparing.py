"""``compare`` from the command line, with two networks that were really trained."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from cifar_lab.cli.main import main
from tests.results.compared_runs import a_grid, a_run

WORDS = [
    "experiments=digits", "model.width=4", "trainer.limit_epochs=1", "trainer.precision=float32",
    "report.enabled=false",
]  # fmt: skip
T, F = True, False


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with ``outputs/a`` and ``outputs/b``, which differ in their learning rate."""
    here = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(here)
    try:
        for name, rate in (("a", 0.05), ("b", 0.02)):
            torch.set_num_threads(2)
            words = [f"scheduler.max_lr={rate}", f"hydra.run.dir=outputs/{name}"]
            assert main(["train", *WORDS, *words]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(capsys) -> Path:
    """The page that the last line names."""
    return Path(capsys.readouterr().out.splitlines()[-1].removeprefix("page: "))


def test_two_networks_are_compared_with_pictures_and_maps(trained, here, capsys):
    shutil.copytree(trained / "outputs", here / "outputs", symlinks=True)
    assert main(["compare", "outputs/a", "latest", "--metric", "val_accuracy"]) == 0
    page = written(capsys)
    assert page.match("outputs/compare/*/*/compare.html")
    text = page.with_suffix(".md").read_text()
    assert "McNemar" in text
    assert "HiResCAM of the class that each predicts" in " ".join(text.split())
    assert "not shown" not in text
    assert list((page.parent / "figures").glob("*-to-*.png"))


def test_without_weights_the_pictures_have_no_maps(trained, here, capsys):
    shutil.copytree(trained / "outputs", here / "outputs", symlinks=True)
    for name in ("a", "b"):
        (here / "outputs" / name / "checkpoints" / "best.pt").unlink()
    assert main(["compare", "outputs/a", "outputs/b"]) == 0
    page = written(capsys)
    text = page.with_suffix(".md").read_text()
    assert "No maps of outputs/a: " in text
    assert "No maps of outputs/b: " in text
    assert "HiResCAM" not in text
    assert list((page.parent / "figures").glob("*-to-*.png"))


def test_without_its_data_set_the_page_lacks_pictures_only(here, capsys):
    for name, right in (("a", [T, F, F]), ("b", [T, T, F])):
        a_run(here / "outputs" / name, right, config={"optimizer.lr": sum(right)})
    assert main(["compare", "outputs/a", "outputs/b"]) == 0
    assert "The images are not shown: " in written(capsys).with_suffix(".md").read_text()


@pytest.mark.parametrize("kind", ["csv", "latex", "json"])
def test_a_format_is_printed_or_written_to_a_file(here, capsys, kind):
    a_grid(here / "outputs")
    assert main(["compare", "outputs", "--format", kind]) == 0
    printed = capsys.readouterr().out
    assert main(["compare", "outputs", "--format", kind, "-o", "x/table"]) == 0
    assert capsys.readouterr().out == f"{kind}: x/table\n"
    assert Path("x/table").read_text().rstrip("\n") == printed.rstrip("\n")
    assert not Path("outputs/compare").exists()


def test_the_baseline_may_be_any_run(here, capsys):
    a_grid(here / "outputs")
    words = ["compare", "outputs/made/lr=0.1*/*", "--baseline", "lr=0.5,seed=1", "--format", "json"]
    assert main(words) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["baseline"] == "lr=0.5"
    assert [each["runs"] for each in value["configurations"]] == [1, 3]


def test_text_is_only_printed(here, capsys):
    a_grid(here / "outputs")
    assert main(["compare", "outputs", "--format", "text"]) == 0
    assert "page:" not in capsys.readouterr().out
    assert not Path("outputs/compare").exists()


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        ([], ["`cifar-lab compare` needs runs"]),
        (
            ["x", "--format", "pdf", "--metric", "f1"],
            ["--format pdf: must be", "--metric f1: "],
        ),
        (["x", "-o", "file"], ["-o file belongs to --format csv, latex, json"]),
        (["x", "--format", "csv", "-o", "."], ["-o . is a directory"]),
        (["x", "--color"], ["unrecognized arguments: --color; usage: `cifar-lab compare"]),
        (["x", "y", "--baseline", "z"], ["RUN=x is not", "RUN=y is not", "--baseline: RUN=z"]),
        (["one"], ["comparing needs at least two runs, got 1"]),
        (["one", "failed"], ["comparing needs at least two", "outputs/failed: it is not finished"]),
    ],
)
def test_bad_input_is_told_at_once(here, capsys, words, problems):
    a_run(here / "outputs" / "one", [T])
    a_run(here / "outputs" / "failed", [T], state="failed")
    assert main(["compare", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(problems)
    for line, problem in zip(lines, problems, strict=True):
        assert line.startswith(f"error: {problem}")
