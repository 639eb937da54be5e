"""Keeps the house in place: files, targets, README and comments say what is so."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cifar_lab import targets
from cifar_lab.cli.verbs import VERBS
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.config.space import Request, read_space
from cifar_lab.own_code import OwnCode

TOP = Path(__file__).parents[1]
MODULES = sorted((TOP / "cifar_lab").rglob("*.py"))
README = (TOP / "README.md").read_text()
TARGETS = sorted(
    target
    for file in (TOP / "conf").rglob("*.yaml")
    for target in re.findall(r"_target_: (cifar_lab\.\S+)", file.read_text())
)
COMMANDS = [
    shlex.join(shlex.split(line, comments=True))
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]


DEFAULTS = preflight(Composer(), []).job()


def test_make_help_names_every_target_and_only_what_exists():
    makefile = (TOP / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    output = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {line.split()[0] for line in output.splitlines()} == targets
    assert targets == set(re.search(r"\.PHONY: (.*)", makefile)[1].split())  # type: ignore[index]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readmes_commands_parse(command):
    program, *words = shlex.split(command)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (TOP / "Makefile").read_text(), flags=re.MULTILINE)
    elif program == "cifar-lab":
        assert words[0] in VERBS or words[0] == "--help"
        sets = [words[n + 1] for n, w in enumerate(words) if w == "--set"]
        flags = {words[n + 1] for n, w in enumerate(words) if w in ("--set", "--exclude")}
        flags |= {words[n + 1] for n, w in enumerate(words) if w == "--without"}
        overrides = [w for w in words[1:] if ("=" in w or w.startswith("~")) and w not in flags]
        if words[0] in ("train", "check", "find-lr", "show", "rerun"):
            for job in read_space(Composer(), Request(tuple(overrides), tuple(sets))).jobs():
                assert preflight(Composer(), job).problems == []
        for override in overrides if words[0] == "report" else []:
            assert override.split("=")[0].removeprefix("report.") in DEFAULTS["report"]
    else:
        assert program in ("git", "cd", "eval", "pip")


def test_the_readme_has_commands():
    assert {"make quickstart", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_rooms_are_small_and_documented(module):
    text = module.read_text()
    assert text.count("\n") <= 300
    if text:
        assert ast.get_docstring(ast.parse(text))
    assert module.stem not in ("utils", "helpers", "common", "misc")


def test_tests_mirror_the_package():
    """Module by module; what joins the rooms is tested where they meet."""
    rooms = {path.parent.name for path in MODULES if path.parent != TOP / "cifar_lab"}
    tested = {path.parent.name for path in (TOP / "tests").glob("*/**/test_*.py")}
    assert tested == rooms | {"benchmarks", "faults"}
    for module in MODULES:
        name = module.relative_to(TOP / "cifar_lab").with_suffix("").as_posix()
        room, _, own = name.rpartition("/")
        own_test = TOP / "tests" / room / f"test_{own}.py"
        if own == "__init__" or name == "__main__":
            continue
        if name in TESTED_ELSEWHERE:
            assert not own_test.exists(), f"{name} has tests of its own now"
            assert (TOP / "tests" / TESTED_ELSEWHERE[name]).is_file()
        else:
            assert own_test.is_file(), name


#: Modules without tests of their own: contracts, dataclasses, and what joins the rooms, each with
#: the file that tests it where it shows.
TESTED_ELSEWHERE = {
    "bounds": "config/test_signatures.py",
    "nodes": "run/test_summary.py",
    "api/columns": "api/test_collection.py",
    "assembly/extending": "recipe/test_extending.py",
    "assembly/sources": "cli/test_own_data.py",
    "cli/process": "cli/test_runs.py",
    "cli/sweep": "sweeps/test_start.py",
    "cli/verbs": "test_house.py",
    "config/names": "config/test_signatures.py",
    "config/annotations": "config/test_signatures.py",
    "config/contradictions": "config/test_preflight.py",
    "data/collecting": "data/test_decoding.py",
    "data/suites": "data/test_robustness_files.py",
    "data/places": "data/test_own.py",
    "cli/classifiers": "cli/test_predict.py",
    "deploy/app/hosted": "deploy/test_space.py",
    "deploy/description": "deploy/test_bundle.py",
    "deploy/server/limits": "deploy/server/test_app.py",
    "deploy/server/receiving": "deploy/server/test_app.py",
    "deploy/server/rejected": "deploy/server/test_app.py",
    "deploy/usage": "deploy/test_classifier.py",
    "recipe/contents": "recipe/test_exporting.py",
    "recipe/robustness": "cli/test_robustness.py",
    "recipe/classifying": "api/test_opened.py",
    "data/rgb": "data/test_decoding.py",
    "data/torchvision_sets": "data/test_from_torchvision.py",
    "engine/fit": "engine/test_trainer.py",
    "engine/hooks": "engine/test_trainer.py",
    "hooks/base": "hooks/test_calling.py",
    "models/blocks": "models/test_resnet.py",
    "recipe/check": "cli/test_train.py",
    "recipe/compare": "cli/test_comparing.py",
    "recipe/evaluation": "cli/test_closed.py",
    "recipe/explain": "cli/test_explain.py",
    "recipe/explanation": "cli/test_explain.py",
    "recipe/find_lr": "cli/test_find_lr.py",
    "recipe/job": "sweeps/test_job.py",
    "recipe/launch": "cli/test_train.py",
    "recipe/predict": "cli/test_predict.py",
    "recipe/processes": "cli/test_lightning.py",
    "recipe/read": "cli/test_runs.py",
    "recipe/run_maps": "cli/test_runs.py",
    "recipe/train": "cli/test_train.py",
    "report/blocks": "report/test_page.py",
    "report/charts/gallery": "report/sections/test_images.py",
    "report/charts/plot": "report/charts/test_svg.py",
    "report/charts/predictions": "report/figures/test_predictions.py",
    "report/charts/rendering": "report/charts/test_svg.py",
    "report/charts/training": "report/figures/test_training.py",
    "report/charts/values": "report/charts/test_svg.py",
    "report/figures/plots": "report/figures/test_training.py",
    "report/options": "config/test_preflight.py",
    "report/reading": "report/sections/test_predictions.py",
    "report/figures/chart": "report/figures/test_training.py",
    "report/sections/compare_classes": "report/pages/test_compare.py",
    "report/sections/compare_curves": "report/pages/test_compare.py",
    "report/sections/compare_images": "report/pages/test_compare.py",
    "report/sections/compare_ranking": "report/pages/test_compare.py",
    "report/sections/compare_result": "report/pages/test_compare.py",
    "report/sections/errors": "report/sections/test_attribution.py",
    "report/sections/maps": "report/sections/test_attribution.py",
    "report/sections/study": "report/pages/test_studies.py",
    "report/sections/sweep": "report/pages/test_sweep.py",
    "report/sections/sweep_figures": "report/pages/test_sweep.py",
    "report/sections/sweep_ranking": "report/pages/test_sweep.py",
    "results/entering": "results/test_leaderboard.py",
    "results/plan": "results/test_leaderboard.py",
    "results/measures": "results/test_exported.py",
    "results/readable": "results/test_comparison.py",
    "results/recorded": "results/test_ledger.py",
    "results/table": "results/test_exported.py",
    "run/believed": "cli/test_own_code.py",
    "run/copies": "cli/test_as_recorded.py",
    "run/config": "run/test_record.py",
    "run/maps": "explain/test_explained.py",
    "run/origin": "run/test_provenance.py",
    "run/profiler": "cli/test_train.py",
    "run/sweep_folder": "sweeps/test_start.py",
    "run/trust": "report/sections/test_trust.py",
    "sweeps/carrier": "sweeps/test_supervise.py",
    "sweeps/commands": "sweeps/test_start.py",
    "sweeps/further": "sweeps/test_search.py",
    "sweeps/going_on": "sweeps/test_supervise.py",
    "sweeps/options": "sweeps/test_planning.py",
    "sweeps/page": "sweeps/test_supervise.py",
    "sweeps/progress": "sweeps/test_supervise.py",
    "sweeps/telling": "sweeps/test_start.py",
    "recipe/sync": "cli/test_sync.py",
    "trackers/sender": "trackers/test_tracker.py",
    "trackers/sending": "trackers/test_tracker.py",
}


@pytest.mark.parametrize(
    "experiment",
    sorted((TOP / "experiments").glob("*.yaml")),
    ids=lambda path: path.stem,
)
def test_experiments_are_short_overlays_with_their_command(experiment):
    text = experiment.read_text()
    lines = [x for x in text.splitlines() if x.strip() and not x.lstrip().startswith("#")]
    assert len(lines) <= 25
    command = rf"cifar-lab (train|train -m|ablate \w+) experiments={experiment.stem}\b"
    assert re.search(command, text)
    assert f"\nname: {experiment.stem}\n" in text


@pytest.mark.parametrize("target", TARGETS)
def test_a_default_stands_once_in_yaml(target):
    parameters = inspect.signature(targets.located(target, None, OwnCode())).parameters.values()
    assert [p.name for p in parameters if p.default is not p.empty] == []


FACES = sorted(path.parent.name for path in (TOP / "cifar_lab").glob("*/__init__.pyi"))


@pytest.mark.parametrize("room", FACES)
def test_every_public_name_is_there_documented_and_no_modules_name(room):
    package = importlib.import_module(f"cifar_lab.{room}")
    modules = {path.stem for path in (TOP / "cifar_lab" / room).glob("*.py")}
    assert not modules & set(package.__all__)
    for name in package.__all__:
        public = getattr(package, name)
        if inspect.isclass(public) or inspect.isfunction(public):
            assert inspect.getdoc(public), name


def test_every_target_is_a_public_name():
    """So that inner files are free to move."""
    for target in TARGETS:
        package, _, name = target.rpartition(".")
        assert name in importlib.import_module(package).__all__, target


def test_every_package_has_a_face():
    packages = {path.parent.name for path in (TOP / "cifar_lab").glob("*/__init__.py")}
    # The command line has verbs; assembly and recipe say theirs in their __init__.
    assert packages - set(FACES) == {"assembly", "cli", "recipe"}


def test_no_absolute_path_is_recorded():
    """Neither where images lie nor who recorded them; ``override /group`` is not a path."""
    path = re.compile(r"(?:^|[\s\"'=(\[,`>])((?:~|/[\w.-]+)/[\w.-]+)", re.MULTILINE)
    for file in (TOP / "experiments").rglob("*"):
        if file.suffix in {".json", ".md", ".html", ".yaml", ".csv"}:
            text = re.sub(r"data:[\w/]+;base64,[\w+/=]+", "", file.read_text())
            assert path.findall(text) == [], file
            assert "working_directory" not in re.sub(r'"working_directory": null', "", text), file


def test_the_ledger_is_what_record_would_write():
    from cifar_lab.results.ledger import render
    from cifar_lab.results.recorded import read_results
    from cifar_lab.results.recorded_sweeps import read_sweeps, render_sweeps

    results = TOP / "experiments" / "results"
    sweeps = render_sweeps(read_sweeps(results))
    written = render(read_results(results), studies=True, sweeps=sweeps)
    assert (TOP / "experiments" / "README.md").read_text() == written


def test_the_studies_page_is_what_record_would_write():
    from cifar_lab.report.page import render_markdown
    from cifar_lab.report.pages.studies import studies_page
    from cifar_lab.results.recorded import read_results
    from cifar_lab.results.studies import experiments_in, read_published

    experiments = TOP / "experiments"
    names = experiments_in(experiments)
    page = studies_page(read_published(experiments), read_results(experiments / "results"), names)
    assert (experiments / "results" / "studies.md").read_text() == render_markdown(page)
    figures = {file.stem for file in (experiments / "results" / "figures").glob("*.png")}
    assert figures == {picture.name for picture in page.pictures()}


def test_every_experiment_states_its_recorded_results():
    """As ``cifar-lab record`` would write them."""
    from cifar_lab.results.cards import cards

    experiments = TOP / "experiments"
    stated = cards(experiments)
    assert set(stated) == set(experiments.glob("*.yaml"))
    assert {path.name: path.read_text() for path in stated} == {
        path.name: text for path, text in stated.items()
    }


def test_nothing_large_and_no_pictures_are_committed():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    for name in listed:
        path = TOP / name
        # Small run folders of an earlier version, which every verb must go on reading.
        if not name.startswith("tests/kept_runs/"):
            assert path.suffix not in (".pt", ".npz", ".npy", ".webp", ".jpg"), name
        assert not path.is_file() or path.stat().st_size < 400_000, name
