"""Tests provenance.json: commit, versions, machine and environment of a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import torch

from cifar_lab.run import provenance as module
from cifar_lab.run.code import OwnModule, OwnModules
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.git import Git
from cifar_lab.run.origin import Difference, Origin
from cifar_lab.run.provenance import PrecisionProbe, collected, config_hash, device_name

CPU = torch.device("cpu")


def test_the_record_contains_what_was_passed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    record = recorded(seed=0)
    expected = {
        "command": "cifar-lab train seed=0",
        "working_directory": str(tmp_path),
        "config_sha256": config_hash({"seed": 0}),
        "device": "cpu",
        "precision": "bf16",
        "data_fingerprint": "abc",
        "seed": 0,
        "threads": 2,
    }
    assert {key: getattr(record, key) for key in expected} == expected


def test_the_record_is_read_as_it_was_written(tmp_path):
    record = recorded(seed=3)
    write_object(tmp_path / "provenance.json", record)
    assert read_object(tmp_path / "provenance.json", module.Provenance) == record
    plain = json.loads((tmp_path / "provenance.json").read_text())
    assert plain["differences"] == [{"key": "seed", "default": "0", "value": "1"}]


def test_versions_are_those_of_the_libraries():
    libraries = recorded(seed=0).libraries
    assert libraries["numpy"] == np.__version__
    assert torch.__version__.startswith(libraries["torch"])


def test_a_library_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(module, "LIBRARIES", ("numpy", "no-such-distribution-here"))
    assert recorded(seed=0).libraries == {
        "numpy": np.__version__,
        "no-such-distribution-here": None,
    }


def test_the_hash_of_a_configuration_does_not_depend_on_the_order_of_its_keys():
    first = {"seed": 0, "model": {"name": "resnet18", "width": 64}}
    again = {"model": {"width": 64, "name": "resnet18"}, "seed": 0}
    assert config_hash(first) == config_hash(again)


def test_the_hash_of_a_configuration_changes_with_any_value_or_order_of_a_list():
    configs = [
        {"seed": 0, "blocks": [1, 2]},
        {"seed": 1, "blocks": [1, 2]},
        {"seed": 0, "blocks": [2, 1]},
        {"seed": "0", "blocks": [1, 2]},
        {"seed": None, "blocks": [1, 2]},
        {"blocks": [1, 2]},
        {"nested": {"seed": 0, "blocks": [1, 2]}},
    ]
    assert len({config_hash(config) for config in configs}) == len(configs)


def test_the_processor_is_named():
    name = device_name(CPU)
    assert name.strip() == name != ""
    if Path("/proc/cpuinfo").exists():
        assert name in Path("/proc/cpuinfo").read_text() or name == os.uname().machine


def test_where_the_system_does_not_name_the_processor_its_kind_is_given(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "flags: fpu\n")
    assert device_name(CPU) != ""


def recorded(seed: int) -> module.Provenance:
    return collected(
        origin=Origin("cifar-lab train seed=0", [Difference("seed", "0", "1")]),
        config={"seed": 0},
        seed=seed,
        device=CPU,
        processes=1,
        precision="bf16",
        precision_probe=PrecisionProbe(2.0, ((0.5, 1.0),), cached=False),
        fast_path={"step": "eager"},
        fingerprint="abc",
        own_code=OwnModules((OwnModule("net", "0" * 64),), Git("1" * 40, True), None),
    )


def test_what_libraries_read_of_the_environment_is_kept(monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    kept = recorded(0).environment
    assert kept["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert "SECRET_TOKEN" not in kept
