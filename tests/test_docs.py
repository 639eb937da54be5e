"""Keeps the documentation true: its paths, names, commands, picture and file formats."""

from __future__ import annotations

import ast
import dataclasses
import re
import shlex
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from cifar_lab.deploy import bundle
from cifar_lab.deploy.description import FORMAT as FORMAT_OF_BUNDLES
from cifar_lab.deploy.description import Description
from cifar_lab.engine.state import TrainingState
from cifar_lab.explain.explained import Averaged
from cifar_lab.results.recorded import read_results
from cifar_lab.run.code import Code
from cifar_lab.run.data import Data
from cifar_lab.run.drawn import DrawnFigures
from cifar_lab.run.files import FORMAT
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.labels import Labels
from cifar_lab.run.lr_finder import LrFinder
from cifar_lab.run.manifest import Manifest
from cifar_lab.run.maps import OF_A_LAYER, OF_ALL_LAYERS
from cifar_lab.run.predictions import ARRAYS, VALIDATION
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.robustness import Robustness
from cifar_lab.run.status import Status
from cifar_lab.run.summary import Summary
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.run.trust import Trust
from cifar_lab.trackers.sent import Sent
from tests import test_house
from tests.test_architecture import MAY_IMPORT

TOP = Path(__file__).parents[1]
#: For people who work on the project; test_pages.py runs what those for users show.
PAGES = [TOP / "CONTRIBUTING.md", TOP / "docs" / "how-it-works.md"]
PAGE = (TOP / "docs" / "how-it-works.md").read_text()
PICTURE = TOP / "docs" / "floors.svg"
SVG = "{http://www.w3.org/2000/svg}"

ROOMS = [room for room in MAY_IMPORT if not room.startswith("__")]
OF_A_RUN, OF_A_SWEEP = [
    [
        getattr(kind(Path()), name).as_posix()
        for name, value in vars(kind).items()
        if isinstance(value, property)
    ]
    for kind in (RunFolder, SweepFolder)
]
#: What runs and exports write and no checkout has.
WRITTEN = (
    "outputs",
    "code",
    "figures",
    "attributions",
    "frozen",
    ".running",
    "confirm-1",
    "hooks",
    "tensorboard",
    "sent.json",
    bundle.WEIGHTS,
    bundle.DESCRIPTION,
    bundle.EXAMPLES,
    bundle.MISCLASSIFIED,
)
ENDINGS = "py|pyi|yaml|md|json|svg|cfg|txt|csv|npz|png|html|log|pt|lock|sha256"
RECORDS = {
    "status.json": Status,
    "manifest.json": Manifest,
    "labels.json": Labels,
    "sent.json": Sent,
    ".hydra/code.json": Code,
    "data.json": Data,
    "provenance.json": Provenance,
    "summary.json": Summary,
    "lr_finder.json": LrFinder,
    "attributions/trust.json": Trust,
    "robustness.json": Robustness,
    "attributions/figures.json": DrawnFigures,
    "bundle.json": Description,
}
COMMANDS = [
    (page.name, line)
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]


def spans(text: str) -> list[str]:
    """What stands in backticks, code blocks left out."""
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_module_that_is_named_exists(page):
    named = spans(page.read_text())
    paths = [s for s in named if re.fullmatch(rf"[\w.*-]*/[\w.*/-]+|[\w.*-]+\.({ENDINGS})|\w+/", s)]
    assert len(paths) > 1
    assert [path for path in paths if not exists(path)] == []
    modules = [s for s in named if re.fullmatch(r"cifar_lab(\.\w+)+", s)]
    assert [module for module in modules if not importable(module)] == []


def exists(path: str) -> bool:
    if path.removesuffix(".sha256") in [*OF_A_RUN, *OF_A_SWEEP, ".hydra/", "config.json"]:
        return True
    if any(path in keys(kind) for kind in RECORDS.values()):
        return True
    if path.split("/")[0] in WRITTEN or re.fullmatch(r"hooks/[^/]+/[^/]*", path):
        return True
    return any(any(folder.glob(path)) for folder in (TOP, TOP / "cifar_lab"))


def importable(dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    try:
        found = import_module(module)
    except ImportError:
        return False
    return hasattr(found, name) or find_spec(dotted) is not None


def test_every_name_stands_in_the_file_that_the_page_says():
    text = " ".join(PAGE.split())
    said = re.findall(r"((?:`[\w.]+`(?:, | or to | or | and ))*`[\w.]+`) in `([\w/]+\.py)`", text)
    places = [(name, file) for names, file in said for name in spans(names)]
    assert len(places) > 50
    assert [place for place in places if place[0] not in defined(place[1])] == []


@cache
def defined(file: str) -> set[str]:
    """Names of a module's top level, and of its classes' members as ``Class.member``."""
    (path,) = (p for p in (TOP / file, TOP / "cifar_lab" / file) if p.is_file())
    return set(names_of(ast.parse(path.read_text()).body, ""))


def names_of(body: list[ast.stmt], before: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield before + node.name
        if isinstance(node, ast.ClassDef):
            yield from names_of(node.body, f"{before}{node.name}.")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for each in (n for target in targets for n in ast.walk(target)):
                if isinstance(each, ast.Name):
                    yield before + each.id


def test_every_name_in_backticks_stands_in_the_code():
    files = [f for e in ("py", "pyi") for f in (TOP / "cifar_lab").rglob(f"*.{e}")]
    files += [*(TOP / "conf").rglob("*.yaml"), TOP / "Makefile"]
    files += [file for file in (TOP / "tests").rglob("*.py") if file != Path(__file__)]
    words = {word for file in files for word in re.findall(r"\w+", file.read_text())}
    names = [span for span in spans(PAGE) if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", span)]
    assert len(names) > 100
    assert [
        name for name in names if not set(name.split(".")) <= words | set(ENDINGS.split("|"))
    ] == []


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_parses(page, command):
    test_house.test_the_readmes_commands_parse(shlex.join(shlex.split(command, comments=True)))


def test_the_pages_have_commands():
    assert {page for page, _ in COMMANDS} == {page.name for page in PAGES}


def test_every_link_inside_the_page_leads_somewhere():
    headings = re.findall(r"^##+ (.*)$", PAGE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > 10
    assert [k for k in links if k[1:] not in anchors and not (TOP / "docs" / k).is_file()] == []


def test_the_picture_and_the_page_show_every_room():
    shown = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    assert [room for room in ROOMS if room not in shown] == []
    assert sorted(set(heights()) - {"conf/", "experiments/"}) == sorted(ROOMS)


def test_in_the_picture_every_import_and_every_arrow_leads_down():
    at = heights()
    imports = [(room, lower) for room in ROOMS for lower in MAY_IMPORT[room][0]]
    assert [pair for pair in imports if at[pair[0]] >= at[pair[1]]] == []
    arrows = [line.attrib for line in ElementTree.parse(PICTURE).iter(f"{SVG}line")]
    assert len(arrows) == len(set(at.values())) - 1
    assert all(a["x1"] == a["x2"] and float(a["y1"]) < float(a["y2"]) for a in arrows)


def heights() -> dict[str, float]:
    """How far down each name stands in the picture."""
    texts = ElementTree.parse(PICTURE).iter(f"{SVG}text")
    return {str(t.text): float(t.attrib["y"]) for t in texts if t.get("class") == "name"}


def test_the_picture_has_a_background_of_its_own():
    root = ElementTree.parse(PICTURE).getroot()
    first = next(root.iter(f"{SVG}rect")).attrib
    size = [first[side] for side in ("width", "height")]
    assert [first["fill"], *size] == ["#ffffff", root.get("width"), root.get("height")]


def test_every_file_of_a_run_is_in_the_list_of_files():
    files = table("The files of a run", level="##")
    assert len(OF_A_RUN) > 20
    assert [file for file in OF_A_RUN if file not in files] == []


@pytest.mark.parametrize("file", RECORDS)
def test_the_table_of_a_json_file_has_its_keys(file):
    # Rows of what an array or an object holds may be there or not.
    rows = {key for key in table(f"`{file}`") if not key.endswith(("[]", ".*"))}
    assert rows == set(keys(RECORDS[file]))


def test_every_file_of_a_bundle_is_in_the_list_of_files():
    files = {name.split("/")[0] for name in table("The files of a bundle", level="##")}
    assert files == {
        *(bundle.WEIGHTS, bundle.DESCRIPTION, bundle.CARD, bundle.MANIFEST),
        *(bundle.EXAMPLES, bundle.MISCLASSIFIED, bundle.CODE),
    }


def test_the_page_states_the_format():
    assert f"of its own, at present {FORMAT_OF_BUNDLES}." in " ".join(PAGE.split())
    assert f"at present {FORMAT}." in " ".join(PAGE.split())


def test_the_table_of_checkpoints_has_their_keys():
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters())
    state = TrainingState(model, optimizer, None, torch.device("cpu")).state_dict()
    nested = {f"{k}.{n}" for k in ("train_metrics", "random_states") for n in state[k]}
    assert set(table("Checkpoints")) == state.keys() | nested | {"run", "rows"}


def test_the_tables_of_arrays_have_their_names():
    assert set(table("`predictions.npz`")) == {p + a for p in ("", VALIDATION) for a in ARRAYS}
    gallery = {"layers", *OF_ALL_LAYERS, *(f"<layer>/{name}" for name in OF_A_LAYER)}
    averages = {field.name for field in dataclasses.fields(Averaged)}
    assert gallery | averages <= set(table("Attributions"))


def test_the_table_of_metrics_has_the_columns_of_every_recorded_run():
    runs = read_results(TOP / "experiments" / "results")
    columns = {column for run in runs for column in run.metrics[0]}
    assert "test_loss" in columns
    assert columns <= set(table("`metrics.csv`"))


def table(heading: str, level: str = "###") -> list[str]:
    """First cells of the rows below a heading."""
    section = re.split(r"\n##+ ", PAGE.split(f"\n{level} {heading}\n")[1])[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def keys(kind: Any, before: str = "") -> Iterator[str]:
    """Every key of a dataclass as JSON has it: ``a.b``, of array elements ``a[].b``."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        extras = getattr(hints[field.name], "__metadata__", ())
        names = [alias for extra in extras if (alias := getattr(extra, "alias", None))]
        path = before + (names[0] if names else field.name)
        yield path
        yield from keys_below(hints[field.name], path)


def keys_below(hint: Any, path: str) -> Iterator[str]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        yield from keys(hint, f"{path}.")
    elif origin is tuple:
        yield from keys_below(inner[0], f"{path}[]")
    elif origin in (dict, Mapping):
        yield from keys_below(inner[1], f"{path}.*")
    else:  # one of several, or annotated
        for each in inner[:1] if origin is Annotated else inner:
            yield from keys_below(each, path)


def test_the_keys_are_those_of_the_file():
    """Nested ones and renamed ones, as they are written."""
    assert {"test.accuracy", "per_class[].class", "work.tflop"} <= set(keys(Summary))
    assert {"suggestions.*.median", "seeds[].ended"} <= set(keys(LrFinder))
    assert "name" not in {key.rpartition(".")[2] for key in keys(Summary) if "per_class" in key}
