"""A word such as ``latest`` is replaced by the path that it means now."""

from __future__ import annotations

import pytest

from cifar_lab.config.compose import Composer, hydra_files
from cifar_lab.config.preflight import preflight
from cifar_lab.config.weights import pin_weights
from cifar_lab.run.find import point_latest
from tests.made import a_run

COMPOSER = Composer()


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        a_run(tmp_path / "outputs" / name)
    point_latest(tmp_path / "outputs", tmp_path / "outputs" / "one")
    return tmp_path


@pytest.mark.parametrize(("word", "path"), [("latest", "outputs/one"), ("two", "outputs/two")])
def test_the_path_is_what_a_run_keeps(word, path, runs):
    found = preflight(COMPOSER, [f"model.weights={word}"])
    assert pin_weights(found) == path
    assert found.job()["model"]["weights"] == path
    point_latest(runs / "outputs", runs / "outputs" / "two")
    assert pin_weights(found) == path
    for text in hydra_files(found.config).values():
        assert "weights: latest" not in text
    assert f"weights: {path}" in hydra_files(found.config)["config.yaml"]


def test_a_file_is_named_by_its_own_path(runs):
    (runs / "w.pth").touch()
    assert pin_weights(preflight(COMPOSER, ["model.weights=w.pth"])) == "w.pth"


@pytest.mark.parametrize("model", ["custom_resnet", "resnet18", "three_block"])
def test_every_model_has_the_key_and_starts_from_its_own_weights(model):
    found = preflight(COMPOSER, [f"model={model}"])
    assert found.job()["model"]["weights"] is None
    assert pin_weights(found) is None
    assert found.problems == []


def test_what_does_not_exist_is_a_problem_among_others(runs):
    found = preflight(COMPOSER, ["model.weights=three", "seed=-1"])
    assert pin_weights(found) is None
    assert [problem.split(":")[0].split("=")[0] for problem in found.problems] == [
        "seed", "model.weights",
    ]  # fmt: skip
