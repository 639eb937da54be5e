"""Who may import whom. The way data flows is one way; an arrow never runs back up."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cifar_lab"

#: Anyone may import these: the ground, without a room of their own.
EVERYWHERE = {"refusal", "bounds", "nodes", "wording"}

#: room: (rooms of ours, libraries), both besides EVERYWHERE, the room itself and the standard
#: library. From the top floor down.
MAY_IMPORT = {
    "cli": (
        {"assembly", "config", "recipe", "engine", "report", "results", "run"},
        {"hydra", "omegaconf"},
    ),
    "recipe": (
        {"analysis", "assembly", "data", "engine", "explain", "models", "optim", "report", "run"},
        {"numpy", "torch"},
    ),
    "config": ({"run"}, {"hydra", "omegaconf", "pydantic", "yaml"}),
    "assembly": (
        {"data", "engine", "explain", "optim", "report"},
        {"hydra", "numpy", "pydantic", "torch"},
    ),
    "report": (
        {"analysis", "data", "engine", "explain", "results", "run"},
        {"PIL", "jinja2", "lazy_loader", "markupsafe", "matplotlib", "numpy"},
    ),
    "results": ({"analysis", "run"}, set()),
    "run": ({"analysis", "data", "engine", "explain", "models"}, {"numpy", "torch", "tqdm"}),
    "engine": ({"data", "optim"}, {"lazy_loader", "lightning", "numpy", "timm", "torch"}),
    "explain": ({"analysis"}, {"captum", "lazy_loader", "numpy", "torch"}),
    "data": (
        set(),
        {"PIL", "albumentations", "annotated_types", "cv2", "lazy_loader", "numpy", "pydantic",
         "sklearn", "torch", "torchvision"},
    ),
    "models": (set(), {"lazy_loader", "timm", "torch", "torchinfo", "torchvision"}),
    "optim": (set(), {"lazy_loader", "timm", "torch"}),
    "analysis": (set(), {"lazy_loader", "numpy"}),
    "bounds": (set(), {"annotated_types"}),
    "nodes": (set(), set()),
    "refusal": (set(), set()),
    "wording": ({"analysis"}, set()),
    "__init__": (set(), set()),
    "__main__": ({"cli"}, set()),
}  # fmt: skip

#: Of a room below, others may import these modules only.
ONLY_FROM = {
    ("assembly", "report"): {"cifar_lab.report.options"},
    ("assembly", "explain"): {"cifar_lab.explain.layers"},
    ("engine", "data"): {"cifar_lab.data.loaders", "cifar_lab.data.mixing"},
    ("engine", "optim"): {"cifar_lab.optim.schedules"},
    ("report", "engine"): {"cifar_lab.engine.hooks"},
}


def test_every_import_is_in_the_table():
    violations = [v for file in PACKAGE.rglob("*.py") for v in _violations(file, file.read_text())]
    assert violations == []


def test_the_table_lists_nothing_that_is_not_imported():
    used = {room: (set(), set()) for room in MAY_IMPORT}
    for file in PACKAGE.rglob("*.py"):
        for module in _imports(file.read_text()):
            side, name = _place(module)
            used[_room(file)][side].add(name)
    for room, allowed in MAY_IMPORT.items():
        for side in (0, 1):
            assert allowed[side] <= used[room][side], (room, allowed[side] - used[room][side])


def test_hydras_instantiate_is_called_in_assembly_alone():
    callers = [f.name for f in PACKAGE.rglob("*.py") if "instantiate(" in f.read_text()]
    assert callers == ["parts.py"]


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("engine/trainer.py", "from cifar_lab.run.folder import RunFolder"),
        ("engine/trainer.py", "from omegaconf import DictConfig"),
        ("models/resnet.py", "import cifar_lab.data.arrays"),
        ("report/page.py", "from cifar_lab import assembly"),
        ("data/arrays.py", "def f():\n    import hydra"),
        ("engine/trainer.py", "from cifar_lab.data.sources import Digits"),
    ],
)
def test_a_planted_violation_is_found(room, line):
    assert _violations(PACKAGE / room, line)


def _violations(file: Path, text: str) -> list[str]:
    room = _room(file)
    found = []
    for module in _imports(text):
        side, name = _place(module)
        only = ONLY_FROM.get((room, name)) if side == 0 else None
        if name != room and name not in MAY_IMPORT[room][side] | EVERYWHERE | {"__init__"}:
            found.append(f"{file.relative_to(PACKAGE)} may not import {module}")
        elif only is not None and module not in only:
            found.append(f"{file.relative_to(PACKAGE)} may import {name} from {only} only")
    return found


def _room(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def _imports(text: str) -> set[str]:
    import sys

    modules: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module in (
                "cifar_lab",
                "cifar_lab.assembly",
                "cifar_lab.report",
                "cifar_lab.config",
            ):
                modules |= {f"{node.module}.{alias.name}" for alias in node.names}
            else:
                modules.add(str(node.module))
    return {m for m in modules if m.split(".")[0] not in sys.stdlib_module_names}


def _place(module: str) -> tuple[int, str]:
    parts = module.split(".")
    if parts[0] != "cifar_lab":
        return 1, parts[0]
    return 0, "__init__" if len(parts) == 1 or parts[1] == "__version__" else parts[1]
