from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from cifar_lab.config.compose import Composer, hydra_files
from cifar_lab.config.preflight import preflight
from cifar_lab.config.resolution import resolved, saved_form

COMPOSER = Composer()


def test_what_can_be_resolved_is_and_the_rest_is_told_by_key(monkeypatch):
    monkeypatch.setenv("ONE", "1")
    monkeypatch.delenv("NONE", raising=False)
    config = OmegaConf.create(
        {
            "a": "${oc.env:ONE}",
            "b": {"c": "${a}", "d": ["${nope}", 2]},
            "e": "${b}",
            "f": "???",
            "g": None,
            "h": "${oc.env:NONE}",
            "i": "${i}",
            "hydra": {"x": "${nope}"},
        }
    )
    found = resolved(config)
    assert found.job["a"] == found.job["b"]["c"] == "1"
    assert found.job["b"]["d"] == [None, 2]
    assert (found.job["f"], found.job["g"], found.job["h"]) == ("???", None, None)
    assert "hydra" not in found.job
    assert found.problems.keys() == {"b.d.0", "e", "h", "i"}
    assert "variable NONE is not set" in found.problems["h"]
    assert found.written["b.c"] == "${a}"
    assert (found.source("b.c"), found.source("a"), found.source("g")) == ("a", None, None)


@pytest.mark.parametrize(
    ("override", "value", "expected"),
    [
        ("name", "../../up", "name=../../up: must be a folder name"),
        ("trainer.precision", "5", "trainer.precision=5: must be 'auto', 'float32' or"),
        ("trainer.epochs", "5", "trainer.epochs=5: must be a valid integer"),
        ("trainer.batch_size", "${x}", "trainer.batch_size=${x}: a value may not contain '${'"),
        ("model._target_", "os.system", "model._target_=os.system: must be a public name"),
        ("seed", "-1", "seed=-1: must be a valid integer"),
    ],
)
def test_a_value_from_outside_is_held_to_its_type_and_range(override, value, expected, monkeypatch):
    monkeypatch.setenv("VALUE", value)
    found = preflight(COMPOSER, [f"{override}='${{oc.env:VALUE}}'"])
    assert any(line.startswith(expected) for line in found.problems), found.problems
    if override != "model._target_":
        assert found.problems[0].endswith("(from ${oc.env:VALUE})")


def test_a_number_is_decoded_from_text(monkeypatch):
    monkeypatch.setenv("VALUE", "5")
    found = preflight(COMPOSER, ["trainer.epochs='${oc.decode:${oc.env:VALUE}}'"])
    assert found.problems == []
    assert found.job()["trainer"]["epochs"] == 5


def test_what_cannot_be_resolved_is_told_beside_all_other_mistakes(monkeypatch):
    monkeypatch.delenv("NONE", raising=False)
    overrides = ["optimizer.lr='${oc.env:NONE}'", "trainer.epochs=0", "model=resnet81", "seed=-1"]
    found = preflight(COMPOSER, overrides)
    assert len(found.problems) == 4
    (told,) = (line for line in found.problems if "NONE" in line)
    ending = "set it, or give a default: ${oc.env:NONE,DEFAULT}"
    variable = "the environment variable NONE is not set"
    assert told == f"optimizer.lr=${{oc.env:NONE}}: {variable}; {ending}"
    # scheduler.max_lr is ${optimizer.lr}: not told again, and not built either
    assert {"optimizer", "scheduler"} <= found.groups


def test_a_folder_that_cannot_be_resolved_is_told(monkeypatch):
    monkeypatch.delenv("NONE", raising=False)
    (told,) = preflight(COMPOSER, ["hydra.run.dir='${oc.env:NONE}'"]).problems
    assert told.startswith("hydra.run.dir: the environment variable NONE is not set")


def test_a_run_keeps_values_and_beside_them_what_was_written(monkeypatch):
    for name, value in {"LR": "0.25", "PLACE": "/images", "DEVICE": "cpu"}.items():
        monkeypatch.setenv(name, value)
    config = COMPOSER.compose(
        [
            "optimizer.lr='${oc.decode:${oc.env:LR}}'", "dataset.root='${oc.env:PLACE}'",
            "device='${oc.env:DEVICE}'",
        ]
    )  # fmt: skip
    files = hydra_files(config)
    saved, written = (OmegaConf.create(files[n]) for n in ("config.yaml", "written.yaml"))
    raw = OmegaConf.to_container(saved, resolve=False)
    assert raw == saved_form(config)
    assert raw["optimizer"]["lr"] == raw["scheduler"]["max_lr"] == 0.25
    assert raw["dataset"]["root"] == "${oc.env:PLACE}"
    assert raw["dataset"]["cache_dir"].startswith("${oc.env:CIFAR_LAB_CACHE")
    assert raw["device"] == "${oc.env:DEVICE}"
    raw = OmegaConf.to_container(written, resolve=False)
    assert raw["optimizer"]["lr"] == "${oc.decode:${oc.env:LR}}"
    assert raw["scheduler"]["max_lr"] == "${optimizer.lr}"


@pytest.mark.parametrize("group", ["dataset", "model", "trainer"])
def test_a_target_that_cannot_be_resolved_is_told_once(group, monkeypatch):
    monkeypatch.delenv("CIFAR_LAB_UNSET", raising=False)
    override = f"{group}._target_='${{oc.env:CIFAR_LAB_UNSET}}'"
    (problem,) = preflight(COMPOSER, [override]).problems
    assert problem.startswith(f"{group}._target_=${{oc.env:CIFAR_LAB_UNSET}}: the environment")
