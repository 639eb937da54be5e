"""Tests that the names of a run's files do not change, and how its folder is shown."""

from __future__ import annotations

from pathlib import Path

from cifar_lab.run.folder import RunFolder


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


def test_a_folder_below_the_current_one_is_written_relative_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RunFolder.below_current(str(tmp_path / "outputs" / "a")).path == Path("outputs/a")
    assert RunFolder.below_current("outputs/a").path == Path("outputs/a")
    elsewhere = tmp_path.parent / "elsewhere"
    assert RunFolder.below_current(str(elsewhere)).path == elsewhere
