"""Who may import whom. The way data flows is one way; an arrow never runs back up."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cifar_lab"

#: Anyone may import these: the ground, without a room of their own.
EVERYWHERE = {
    "refusal",
    "bounds",
    "contracts",
    "network",
    "nodes",
    "own_code",
    "precision",
    "targets",
    "wording",
}

#: room: (rooms of ours, libraries), both besides EVERYWHERE, the room itself and the standard
#: library. From the top floor down.
MAY_IMPORT = {
    "cli": (
        {"config", "deploy", "engine", "recipe", "report", "results", "run", "sweeps"},
        {"hydra", "omegaconf", "torch", "tqdm"},
    ),
    "api": (
        {"analysis", "config", "deploy", "engine", "explain", "recipe", "report", "results",
         "run", "sweeps"},
        {"lazy_loader", "numpy", "pandas", "polars", "torch"},
    ),
    "sweeps": (
        {"analysis", "assembly", "config", "engine", "recipe", "report", "results", "run"},
        {"hydra", "hydra_plugins", "lazy_loader", "omegaconf", "optuna", "torch"},
    ),
    "recipe": (
        {"analysis", "assembly", "config", "data", "deploy", "engine", "explain", "hooks",
         "models", "optim", "report", "results", "run", "trackers"},
        {"numpy", "torch"},
    ),
    "config": ({"run"}, {"hydra", "lazy_loader", "omegaconf", "pydantic", "yaml"}),
    "assembly": (
        {"data", "engine", "explain", "hooks", "optim", "report", "run"},
        {"hydra", "numpy", "pydantic", "torch"},
    ),
    "report": (
        {"analysis", "data", "engine", "explain", "results", "run"},
        {"PIL", "jinja2", "lazy_loader", "markupsafe", "matplotlib", "numpy"},
    ),
    "trackers": (
        {"engine", "hooks", "run"},
        {"lazy_loader", "mlflow", "pydantic", "tensorboard", "trackio", "wandb"},
    ),
    "deploy": (
        {"analysis", "data", "explain", "models"},
        {"PIL", "fastapi", "gradio", "jinja2", "lazy_loader", "numpy", "onnxruntime", "pydantic",
         "python_multipart", "safetensors", "starlette", "torch", "uvicorn"},
    ),
    "hooks": ({"analysis", "data", "engine", "run"}, {"lazy_loader", "numpy", "torch"}),
    "results": ({"analysis", "run"}, {"lazy_loader", "numpy"}),
    "run": (
        {"analysis", "data", "engine", "explain"},
        {"lazy_loader", "numpy", "omegaconf", "pydantic", "safetensors", "torch", "tqdm",
         "yaml"},
    ),
    "engine": (
        {"analysis", "data", "optim"},
        {"lazy_loader", "lightning", "numpy", "timm", "torch"},
    ),
    "explain": ({"analysis"}, {"captum", "lazy_loader", "numpy", "torch"}),
    "data": (
        set(),
        {"PIL", "albumentations", "annotated_types", "cv2", "lazy_loader", "numpy", "pyarrow",
         "pydantic", "sklearn", "torch", "torchvision"},
    ),
    "models": (set(), {"lazy_loader", "timm", "torch", "torchinfo", "torchvision"}),
    "optim": (set(), {"lazy_loader", "timm", "torch"}),
    "analysis": (set(), {"lazy_loader", "numpy", "scipy"}),
    "bounds": (set(), {"annotated_types"}),
    "contracts": (set(), {"timm", "torch"}),
    "network": (set(), {"torch"}),
    "nodes": (set(), set()),
    "own_code": (set(), set()),
    "precision": (set(), {"torch"}),
    "refusal": (set(), set()),
    "targets": (set(), set()),
    "wording": (set(), set()),
    "__init__": (set(), {"lazy_loader"}),
    "__main__": ({"cli"}, set()),
}  # fmt: skip

#: Of a room below, others may import these modules only.
ONLY_FROM = {
    ("assembly", "report"): {"cifar_lab.report.options"},
    ("assembly", "run"): {
        "cifar_lab.run.files",
        "cifar_lab.run.origin",
        "cifar_lab.run.provenance",
        "cifar_lab.run.weights",
    },
    ("assembly", "explain"): {"cifar_lab.explain.layers"},
    ("assembly", "hooks"): {"cifar_lab.hooks.base"},
    ("recipe", "hooks"): {"cifar_lab.hooks.calling"},
    ("engine", "analysis"): {"cifar_lab.analysis.choice"},
    ("engine", "data"): {
        "cifar_lab.data.loaders",
        "cifar_lab.data.mixing",
        "cifar_lab.data.resizing",
    },
    ("engine", "optim"): {"cifar_lab.optim.schedules"},
    ("report", "engine"): {"cifar_lab.engine.hooks"},
    ("trackers", "engine"): {"cifar_lab.engine.hooks"},
    ("cli", "engine"): {"cifar_lab.engine.interrupts"},
    ("api", "engine"): {"cifar_lab.engine.interrupts"},
    ("api", "explain"): {"cifar_lab.explain.attribution"},
}
#: The only files of a room that may import a library.
IN_ONE_FILE = {
    ("run", "omegaconf"): "config.py",
    ("run", "safetensors"): "weights.py",
    ("run", "yaml"): "yaml_text.py",
    ("deploy", "fastapi"): "serving.py",
    ("deploy", "jinja2"): "drawing.py",
    ("sweeps", "optuna"): "study.py",
    ("api", "pandas"): "table.py",
    ("api", "polars"): "table.py",
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


def test_a_room_imports_only_from_floors_below_it():
    """The table is written from the top floor down, and no arrow runs back up."""
    floors = [room for room in MAY_IMPORT if not room.startswith("__")]
    for number, room in enumerate(floors):
        assert MAY_IMPORT[room][0] <= set(floors[number:]), room


def test_no_file_imports_in_a_circle():
    modules = {_dotted(file): file for file in PACKAGE.rglob("*.py")}
    arrows = {
        module: {to for name in _imports(file.read_text()) if (to := _module(name, modules))}
        for module, file in modules.items()
    }
    TopologicalSorter({a: b - {a} for a, b in arrows.items()}).prepare()  # CycleError names it


def test_a_circle_would_be_found():
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
    modules = {_dotted(file): file for file in PACKAGE.rglob("*.py")}
    name = _imports("def f():\n    from cifar_lab.engine.fit import Fit").pop()
    assert _module(name, modules) == "cifar_lab.engine.fit"


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
        ("run/record.py", "from omegaconf import OmegaConf"),
    ],
)
def test_a_planted_violation_is_found(room, line):
    assert _violations(PACKAGE / room, line)


def _dotted(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _module(name: str, modules: dict[str, Path]) -> str | None:
    """The file that an imported name stands in; a package's face hands names on, and is none."""
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name if name in modules and modules[name].name != "__init__.py" else None


def _violations(file: Path, text: str) -> list[str]:
    room = _room(file)
    found = []
    for module in _imports(text):
        side, name = _place(module)
        only = ONLY_FROM.get((room, name)) if side == 0 else None
        if name != room and name not in MAY_IMPORT[room][side] | EVERYWHERE | {"__init__"}:
            found.append(f"{file.relative_to(PACKAGE)} may not import {module}")
        elif side == 1 and IN_ONE_FILE.get((room, name), file.name) != file.name:
            found.append(f"only {IN_ONE_FILE[room, name]} of {room} may import {module}")
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
