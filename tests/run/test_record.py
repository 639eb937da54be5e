"""Tests that runs of any version are read as typed objects, and that errors name file and key."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_json, write_object
from cifar_lab.run.folder import RecordedFolder, RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Result
from tests.made import CONFIG, a_provenance, a_run, a_status, a_summary

RESULTS = Path(__file__).parents[2] / "experiments" / "results"


@pytest.fixture
def run(tmp_path) -> Run:
    folder = RunFolder(tmp_path / "run")
    write_object(folder.summary, a_summary())
    write_object(folder.provenance, a_provenance())
    write_object(folder.status, a_status())
    return Run(folder)


def test_creating_a_run_reads_nothing(tmp_path):
    run = Run(RunFolder(tmp_path / "nowhere"))
    assert not run.began
    assert not run.finished


def test_a_part_is_read_once(run):
    assert run.summary.test.accuracy == 0.75
    run.folder.summary.unlink()
    assert run.summary is run.summary
    with pytest.raises(Refusal, match=r"summary\.json could not be read"):
        assert Run(run.folder).summary


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"parameters": "many"},
            r"summary.json: parameters: must be a valid integer, got \"many\"",
        ),
        ({"parameters": 1.5}, "summary.json: parameters: must be a valid integer"),
        ({"test": [1]}, "summary.json: test: must be an object, got a list"),
        ({"test": {"accuracy": 0.5, "loss": 1.0, "count": 2}}, "test.wrong: is missing"),
        ({"per_class": None}, "summary.json: per_class: .*got null"),
        ({"name": 3}, "summary.json: name: must be a valid string, got 3"),
    ],
)
def test_a_wrong_value_is_reported_with_file_and_key(run, change, told):
    plain = json.loads(run.folder.summary.read_text())
    write_json(run.folder.summary, plain | change)
    with pytest.raises(Refusal, match=told) as refusal:
        assert Run(run.folder).summary
    assert len(refusal.value.problems) == 1


@pytest.mark.parametrize("key", ["name", "test", "per_class", "training_seconds", "work"])
def test_a_missing_key_is_reported(run, key):
    plain = json.loads(run.folder.summary.read_text())
    del plain[key]
    write_json(run.folder.summary, plain)
    with pytest.raises(Refusal, match=rf"summary\.json: {key}: is missing; restore a copy"):
        assert Run(run.folder).summary


def test_a_list_instead_of_an_object_is_reported(run):
    run.folder.summary.write_text("[1, 2]")
    with pytest.raises(Refusal, match=r"summary\.json must contain a JSON object, got a list"):
        assert Run(run.folder).summary


def test_a_file_of_a_newer_version_is_refused(run):
    plain = json.loads(run.folder.provenance.read_text())
    write_json(run.folder.provenance, plain | {"format": 99})
    with pytest.raises(Refusal, match=r"provenance\.json has format 99, but this version reads"):
        assert Run(run.folder).provenance


def test_unknown_keys_are_ignored(run):
    plain = json.loads(run.folder.summary.read_text())
    write_json(run.folder.summary, plain | {"mood": "good"})
    assert Run(run.folder).summary == run.summary


def test_numbers_that_are_not_finite_are_null_in_strict_json_and_read_back(tmp_path):
    folder = RunFolder(tmp_path)
    result = Result(accuracy=0.1, loss=math.nan, count=10, wrong=9)
    write_object(folder.summary, a_summary(test=result, final={"val_loss": math.inf}))

    def refuse(word):
        raise AssertionError(f"{word} is not valid JSON")

    plain = json.loads(folder.summary.read_text(), parse_constant=refuse)
    assert plain["test"]["loss"] is plain["final"]["val_loss"] is None
    assert math.isnan(Run(folder).summary.test.loss)
    older = {key: value for key, value in plain.items() if key != "format"}
    older["test"] = plain["test"] | {"loss": math.nan}
    folder.summary.write_text(json.dumps(older))  # as Python writes it by default
    assert math.isnan(Run(folder).summary.test.loss)


def test_what_older_files_lack_is_added(run):
    plain = json.loads(run.folder.provenance.read_text())
    for key in ("format", "processes", "environment", "fast_path", "differences"):
        del plain[key]
    write_json(run.folder.provenance, plain)
    found = Run(run.folder).provenance
    assert (found.processes, found.environment, found.fast_path) == (1, {}, {})
    assert found.differences is None
    assert found.origin.differences == []


def test_every_recorded_run_can_be_read():
    folders = sorted(path.parent for path in RESULTS.glob("*/*/config.json"))
    assert len(folders) > 15
    for folder in folders:
        run = Run(RecordedFolder(folder))
        plain = json.loads((folder / "summary.json").read_text())
        assert run.summary.test.accuracy == plain["test"]["accuracy"]
        assert [each.name for each in run.summary.per_class] == [
            row["class"] for row in plain["per_class"]
        ]
        assert run.provenance.command.startswith("cifar-lab")
        assert len(run.metrics) == run.summary.epochs_trained
        assert run.config["mixing"]["_target_"].startswith("cifar_lab.data.")


def test_a_recorded_run_and_its_folder_are_read_alike(run, tmp_path):
    folder = RecordedFolder(tmp_path / "recorded")
    folder.path.mkdir()
    for file in (run.folder.summary, run.folder.provenance):
        shutil.copy(file, folder.path)
    write_json(folder.config, {"seed": 0, "dataset": {"_target_": "cifar_lab.data.sources.Digits"}})
    recorded = Run(folder)
    assert (recorded.summary, recorded.provenance) == (run.summary, run.provenance)
    assert recorded.config["dataset"]["_target_"] == "cifar_lab.data.Digits"


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [1", "\x00"])
def test_what_is_not_a_configuration_is_refused_by_its_name(run, text):
    run.folder.config.parent.mkdir()
    run.folder.config.write_text(text)
    with pytest.raises(Refusal, match=r"config\.yaml"):
        assert run.config


def test_interpolations_are_resolved_and_a_configuration_without_any_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "/somewhere")
    sampling = {"sampling": "shuffled"}
    here = {"root": "${oc.env:PLACE}/images", "other": "${oc.env:NOWHERE,'x'}", **sampling}
    assert Run(a_run(tmp_path / "plain")).config["optimizer"] == CONFIG["optimizer"]
    alone = Run(a_run(tmp_path / "alone", config={**CONFIG, "dataset": here}))
    assert alone.config["dataset"] == {"root": "/somewhere/images", "other": "x", **sampling}
    assert alone.config["optimizer"] == CONFIG["optimizer"]
    assert alone.config_saved["dataset"] == here
    other = {"root": "${oc.env:PLACE}/${name}", "seeds": ["${seed}", 1], **sampling}
    together = Run(a_run(tmp_path / "together", config={**CONFIG, "dataset": other}))
    expected = {"root": "/somewhere/digits", "seeds": [0, 1], **sampling}
    assert together.config["dataset"] == expected


@pytest.mark.parametrize("text", ["${a", "${oc.env:}}${", "${nothing}"])
def test_an_interpolation_that_leads_nowhere_is_refused_with_the_file(tmp_path, text):
    run = Run(a_run(tmp_path / "run", config={**CONFIG, "name": text}))
    with pytest.raises(Refusal, match=r"config\.yaml could not be read"):
        assert run.config


def test_the_chosen_options_are_read_from_hydras_settings(tmp_path):
    choices = {"debug": None, "model": "resnet18", "hydra/launcher": "basic"}
    run = Run(a_run(tmp_path / "run", choices=choices))
    assert run.choices == {"debug": None, "model": "resnet18"}
    assert Run(a_run(tmp_path / "without")).choices == {}
    kept = RESULTS.parents[1] / "tests" / "kept_runs" / "validated"
    assert Run(RunFolder(kept)).choices["augmentation"] == "crop_cutout16"
    run.folder.manifest.unlink()
    run.folder.hydra.write_text("hydra: {}\n")
    with pytest.raises(Refusal, match=r"hydra\.yaml must contain hydra\.runtime\.choices; restore"):
        assert Run(run.folder).choices
