"""Tests how campaigns count, and that the table of docs/runs.md is what they saved."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from benchmarks.machine import TOP
from tests.faults import keys
from tests.faults.campaign import Campaign, Found, Trial, load, run, save
from tests.faults.program import Answer, forked
from tests.faults.table import END, START, render

TRIALS = (Trial("one", None), Trial("two", "it broke"), Trial("three", None))
CAMPAIGN = Campaign("some", "It holds.", "three trials", lambda folder, seed: iter(TRIALS))


def test_what_broke_is_shown_and_counted(tmp_path, capsys):
    found = run(CAMPAIGN, tmp_path, seed=0)
    assert (found.tried, found.fine) == (3, 2)
    assert found.faults == (TRIALS[1],)
    assert capsys.readouterr().out == "  two: it broke\n"


def test_results_are_kept_by_campaign_and_rendered_as_a_row_each(tmp_path):
    path = tmp_path / "results.json"
    save(path, CAMPAIGN, Found(3, (TRIALS[1],)), {"date": "2026-01-02"})
    other = Campaign("other", "So does this.", "one trial", lambda folder, seed: iter(()))
    save(path, other, Found(1000, ()), {"date": "2026-01-03"})
    assert load(path)["some"]["faults"] == ["two: it broke"]
    assert render(load(path)).splitlines()[2:] == [
        "| It holds. | three trials | 3 | 2 | 2026-01-02 |",
        "| So does this. | one trial | 1,000 | 1,000 | 2026-01-03 |",
    ]


def test_the_readme_shows_what_was_saved():
    table = (TOP / "docs" / "runs.md").read_text().partition(START)[2].partition(END)[0]
    assert table.strip() == render(load())


def test_a_child_says_its_status_and_its_words():
    def program() -> int:
        print("out")
        print("error", file=sys.stderr)
        return 2

    answer = forked(program)
    assert (answer.status, answer.text, answer.unclean()) == (2, "out\nerror\n", None)


def test_a_child_that_raises_or_dies_is_unclean():
    def raises() -> int:
        raise ZeroDivisionError("nothing")

    def dies() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert forked(raises).unclean() == "traceback: ZeroDivisionError: nothing"
    assert forked(dies).unclean() == "died of SIGKILL"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(2, "error: trainer.epochs=0: must be greater than 0", 1.0), None),
        (Answer(2, "error: something is wrong", 1.0), "does not name the key: error: some"),
        (Answer(1, "error: nothing", 1.0), "exit status 1 without a run"),
        (Answer(0, "", 130.0, hung=True), "no answer after 130 s"),
    ],
)
def test_a_refusal_must_name_its_key(answer, fault):
    found = keys.fault(answer, "trainer.epochs", None)
    assert found is None if fault is None else found.startswith(fault)


def test_every_value_of_a_configuration_is_walked():
    nested = {"seed": 0, "model": {"width": 4, "names": []}, "mixing": {}, "a": {"b": {"c": None}}}
    assert list(keys.leaves(nested)) == ["seed", "model.width", "model.names", "mixing", "a.b.c"]
