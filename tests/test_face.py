"""``import cifar_lab`` is quick, and its names stay functions whatever else is imported."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

import cifar_lab

FUNCTIONS = ("train", "sweep", "ablate", "compare", "runs", "open_bundle", "open_run", "open_sweep")
CLASSES = ("Bundle", "Run", "Runs", "Sweep", "Comparison", "Refusal", "RunFailed")
HEAVY = ("torch", "numpy", "hydra", "omegaconf", "pydantic", "yaml", "pandas", "matplotlib")


def in_a_fresh_process(code: str) -> str:
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_importing_it_imports_nothing_heavy():
    code = f"import sys, cifar_lab; print([m for m in {HEAVY} if m in sys.modules])"
    assert in_a_fresh_process(code) == "[]"


def test_a_list_of_runs_needs_no_torch():
    code = (
        "import sys, cifar_lab; cifar_lab.runs().to_frame(frame=None); cifar_lab.open_run; "
        "print([m for m in ('torch', 'hydra', 'matplotlib') if m in sys.modules])"
    )
    assert in_a_fresh_process(code) == "[]"


def test_its_names_are_listed_and_documented():
    assert {*FUNCTIONS, *CLASSES} == set(cifar_lab.__all__)
    for name in FUNCTIONS:
        assert inspect.isfunction(getattr(cifar_lab, name)), name
    for name in CLASSES:
        assert inspect.isclass(getattr(cifar_lab, name)), name
    assert all(inspect.getdoc(getattr(cifar_lab, name)) for name in cifar_lab.__all__)


def test_no_room_and_no_module_takes_the_place_of_a_name():
    rooms = {module.name for module in pkgutil.iter_modules(cifar_lab.__path__)}
    assert not rooms & set(cifar_lab.__all__)
    for module in pkgutil.walk_packages(cifar_lab.__path__, "cifar_lab."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for name in FUNCTIONS:
        assert inspect.isfunction(getattr(cifar_lab, name)), name
    for name in CLASSES:
        assert inspect.isclass(getattr(cifar_lab, name)), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="trian"):
        cifar_lab.trian  # noqa: B018
