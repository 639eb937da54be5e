"""Which runs words name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.results.chosen import chosen_runs
from cifar_lab.results.plan import Asked, Job, Plan, write_plan
from cifar_lab.run.sweep_folder import SweepFolder
from tests.results.compared_runs import a_run

OUTPUTS = Path("outputs")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Two runs of one experiment, and a sweep whose second job is first in the alphabet."""
    monkeypatch.chdir(tmp_path)
    a_run(OUTPUTS / "digits" / "day" / "1", [True, False])
    a_run(OUTPUTS / "digits" / "day" / "2", [True, True])
    for name in ("zebra", "ant"):
        a_run(OUTPUTS / "grid" / "day" / "3" / name, [False, False])
    names = ("zebra", "ant", "never-started")
    jobs = tuple(Job(n, name, (), {}, 0, name, None) for n, name in enumerate(names))
    folder = SweepFolder(OUTPUTS / "grid" / "day" / "3")
    write_plan(folder, a_plan(jobs), [], None)


def a_plan(jobs: tuple[Job, ...]) -> Plan:
    return Plan(
        id="0" * 32,
        kind="sweep",
        name="grid",
        command="cifar-lab train -m",
        asked=Asked((), (), ()),
        config_dir=None,
        working_directory="/here",
        keys=("lr",),
        launcher="basic",
        workers=None,
        threads=1,
        precision_probe=None,
        objective="val_accuracy",
        ranked=True,
        test="closed",
        test_because="x",
        max_minutes=None,
        stop_on_failure=False,
        baseline=None,
        chosen_from=None,
        extended=0,
        jobs=jobs,
    )


def paths(*words: str) -> list[str]:
    return [run.folder.path.as_posix() for run in chosen_runs(OUTPUTS, words)]


ONE, TWO = "outputs/digits/day/1", "outputs/digits/day/2"
SWEEP = ["outputs/grid/day/3/zebra", "outputs/grid/day/3/ant"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([TWO, ONE], [TWO, ONE]),
        (["outputs/digits"], [ONE, TWO]),
        (["outputs/digits/*/*"], [ONE, TWO]),
        (["digits/day/*"], [ONE, TWO]),
        (["outputs/grid/day/3"], SWEEP),
        (["outputs/*/day/[23]"], [TWO, *SWEEP]),
        (["grid"], SWEEP),
        (["best"], [TWO]),
        ([TWO, "best", "outputs/digits"], [TWO, ONE]),
        (["latest"], SWEEP),
    ],
)
def test_each_word_names_runs_and_each_run_counts_once(words, expected):
    os.symlink("grid/day/3", OUTPUTS / "latest")
    assert paths(*words) == expected


def test_latest_may_be_a_run():
    os.symlink("digits/day/2", OUTPUTS / "latest")
    assert paths("latest", ONE) == [TWO, ONE]


def test_all_unknown_words_are_told_at_once(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal) as refused:
        paths("nowhere", "outputs/x*", "empty", "latest", ONE, "digits")
    assert [problem.split()[0].rstrip(":") for problem in refused.value.problems] == [
        "RUN=nowhere",
        "RUN=outputs/x*",
        "RUN=empty",
        "RUN=latest",
        "RUN=digits",
    ]
    assert "a glob that names all of them, such as outputs/digits/day" in str(refused.value)


def test_a_damaged_plan_is_refused():
    plan = SweepFolder(OUTPUTS / "grid" / "day" / "3").plan
    plan.write_text(json.dumps({"format": 5}))
    with pytest.raises(Refusal, match=r"sweep\.json"):
        paths("outputs/grid/day/3")
