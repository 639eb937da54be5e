"""Tests that the names of a run's files do not change, and how its folder is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder, file_name
from cifar_lab.run.sweep_folder import SweepFolder


def test_file_names_are_those_that_people_and_tools_rely_on():
    run = RunFolder(Path("run"))
    paths = {
        run.config: ".hydra/config.yaml",
        run.overrides: ".hydra/overrides.yaml",
        run.status: "status.json",
        run.provenance: "provenance.json",
        run.log: "run.log",
        run.metrics: "metrics.csv",
        run.summary: "summary.json",
        run.model_table: "model.txt",
        run.last_checkpoint: "checkpoints/last.pt",
        run.best_checkpoint: "checkpoints/best.pt",
        run.predictions: "predictions.npz",
        run.gallery_maps: "attributions/gallery.npz",
        run.averaged_maps: "attributions/averages.npz",
        run.trust: "attributions/trust.json",
        run.drawn_figures: "attributions/figures.json",
        run.lr_finder: "lr_finder.json",
        run.lr_finder_figure: "lr_finder.png",
        run.figure("curves"): "figures/curves.png",
        run.report: "report.html",
        run.report_markdown: "report.md",
    }
    for path, name in paths.items():
        assert path.relative_to("run").as_posix() == name


def test_naming_a_folder_touches_nothing(tmp_path):
    run = RunFolder(tmp_path / "run")
    assert not run.exists()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["run.log", "checkpoints", "figures/curves.png"])
def test_links_inside_are_refused_whether_or_not_they_lead_anywhere(tmp_path, name):
    run = RunFolder(tmp_path / "run")
    (run.path / "figures").mkdir(parents=True)
    run.refuse_links()
    (run.path / name).symlink_to("../nowhere")
    with pytest.raises(Refusal, match=f"{run.path / name} is a link to ../nowhere, and nothing"):
        run.refuse_links()


def test_pipes_are_refused_and_all_at_once(tmp_path):
    run = RunFolder(tmp_path)
    os.mkfifo(run.summary)
    run.log.symlink_to("elsewhere")
    with pytest.raises(Refusal) as refused:
        run.refuse_links()
    assert [line.split(",")[0] for line in refused.value.problems] == [
        f"{run.log} is a link to elsewhere",
        f"{run.summary} is a pipe",
    ]


def test_the_path_of_a_folder_may_lead_through_links(tmp_path):
    (tmp_path / "disk" / "run").mkdir(parents=True)
    (tmp_path / "outputs").symlink_to("disk")
    RunFolder(tmp_path / "outputs" / "run").refuse_links()


def test_a_folder_below_the_current_one_is_written_relative_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RunFolder.below_current(str(tmp_path / "outputs" / "a")).path == Path("outputs/a")
    assert RunFolder.below_current("outputs/a").path == Path("outputs/a")
    elsewhere = tmp_path.parent / "elsewhere"
    assert RunFolder.below_current(str(elsewhere)).path == elsewhere


def test_plain_parts_are_joined_as_they_are():
    assert file_name("gradcam", "layer1.sum", "predicted") == "gradcam-layer1.sum-predicted"
    assert file_name("occlusion", "", "true") == "occlusion-true"


def test_names_of_files_are_short_whatever_they_are_made_of():
    layers = [f"features.{number}.block.conv" for number in range(22)]
    name = file_name("explain", "gradcam", *layers, "predicted")
    assert len(name) == 100
    assert name.startswith("explain-gradcam-features.0.block.conv-features.1.")
    assert len(file_name("a" * 99, "ü" * 500).encode()) <= 100


def test_different_parts_have_different_names():
    layers = [f"features.{number}.block.conv" for number in range(22)]
    names = [
        file_name("explain", *layers),
        file_name("explain", *layers[:-1]),
        file_name("explain", *layers[::-1]),
        file_name("a b"),
        file_name("a/b"),
        file_name("a_b"),
        file_name("a", "b"),
        file_name("a-b"),
    ]
    assert len(set(names)) == len(names)
    assert all("/" not in name for name in names)


def test_a_folder_with_a_plan_is_a_sweeps(tmp_path):
    sweep = SweepFolder(tmp_path)
    assert not sweep.exists()
    sweep.plan.write_text("{}")
    assert sweep.exists()
    assert not RunFolder(tmp_path).exists()
    files = [value for value in vars(SweepFolder).values() if isinstance(value, property)]
    paths = {part.fget(sweep) for part in files}
    assert len(paths) == len(files)
    assert {path.parent for path in paths} == {tmp_path, tmp_path / "frozen"}
