"""Tests saving of results, and the README's table made from them."""

from __future__ import annotations

import json

import pytest

from benchmarks import highlights, results
from benchmarks.cases import all_cases
from benchmarks.machine import TOP, slug
from benchmarks.markers import NoMarkers, between
from benchmarks.measure import Result
from benchmarks.table import END, START, number, render, with_table
from benchmarks.targets import AMX_BF16, Target
from tests.benchmarks.conftest import MACHINE, made_case


def test_results_are_saved_by_hardware_and_single_cases_update_their_own(tmp_path):
    path = results.save(tmp_path, MACHINE, made_case("a"), Result(2.5, 2.4, 2.6, 3))
    results.save(tmp_path, MACHINE, made_case("b"), Result(1.0))
    results.save(tmp_path, {**MACHINE, "commit": "1" * 40}, made_case("b"), Result(1.5))
    assert path.name == "some-processor-2-cores.json"
    (saved,) = results.load_all(tmp_path)
    assert {k: saved[k] for k in ("device", "cores", "threads")} == {
        "device": "Some Processor, 2 cores",
        "cores": 2,
        "threads": 2,
    }
    a, b = saved["cases"]["a"], saved["cases"]["b"]
    assert (a["value"], a["low"], a["high"], a["pairs"], a["met"]) == (2.5, 2.4, 2.6, 3, True)
    assert (b["value"], b["met"]) == (1.5, False)
    assert (a["commit"], b["commit"]) == ("0" * 40, "1" * 40)
    assert a["target"] == {"value": 2.0, "at_most": False, "needs": None}
    assert a["features"] == b["features"] == ["AVX512-bf16"]


def test_what_could_not_be_measured_is_saved_as_such(tmp_path):
    result = Result(None, notes=["no accelerator available"])
    path = results.save(tmp_path, MACHINE, made_case(), result)
    saved = json.loads(path.read_text())["cases"]["a"]
    assert (saved["value"], saved["met"], saved["notes"]) == (
        None,
        None,
        ["no accelerator available"],
    )
    assert "what a does" not in render(results.load_all(tmp_path))


def test_the_table_says_what_was_measured_on_what(tmp_path):
    results.save(tmp_path, MACHINE, made_case("a"), Result(2.512, 2.401, 2.623, 3))
    below = made_case("b", Target(50, at_most=True), unit="ms")
    results.save(tmp_path, MACHINE, below, Result(61.0))
    series = {"images/s": {"batch 64": 1234.5, "batch 128": None}}
    results.save(tmp_path, MACHINE, made_case("c", None), Result(1.9, series=series))
    saved = results.load_all(tmp_path)
    lines = render(saved, {"b": below, "a": made_case("a")}).splitlines()
    assert lines[0].startswith(
        "**Some Processor, 2 cores**, 2 threads, torch 2.15.0, Python 3.11.2, "
    )
    assert lines[4:7] == [
        "| what b does | a peer | 61.0 ms | at most 50 ms | no |",
        "| what a does | a peer | 2.51 (2.40 to 2.62) | at least 2 | yes |",
        "| what c does | a peer | 1.90 | – | – |",
    ]
    assert lines[8:] == [
        "| what c does | batch 64 | batch 128 |",
        "| --- | ---: | ---: |",
        "| images/s | 1,234 | – |",
    ]


def test_a_target_that_the_hardware_cannot_meet_says_why(tmp_path):
    unit = made_case("unit", Target(2.4, needs=AMX_BF16))
    results.save(tmp_path, MACHINE, unit, Result(1.1))
    results.save(tmp_path, MACHINE, made_case("bound"), Result(0.3, reachable=1.5))
    (saved,) = results.load_all(tmp_path)
    assert [saved["cases"][name]["met"] for name in ("unit", "bound")] == [None, None]
    table = render([saved], {"unit": unit, "bound": made_case("bound")})
    assert (
        "| 1.10 | does not apply, because without a matrix unit, products in bfloat16 are at most "
        "twice as fast as in float32 | – |"
    ) in table
    assert "| 0.300 | does not apply, because this hardware allows at most 1.50 | – |" in table


def test_saved_values_are_judged_by_the_targets_of_today(tmp_path):
    results.save(tmp_path, MACHINE, made_case("a", Target(2.0)), Result(2.5))
    assert "| at least 3 | no |" in render(
        results.load_all(tmp_path), {"a": made_case("a", Target(3.0))}
    )


def test_the_table_is_written_between_its_markers_and_nowhere_else(tmp_path):
    results.save(tmp_path, MACHINE, made_case(), Result(2.5))
    saved = results.load_all(tmp_path)
    readme = f"# Title\n\n{START}\nold\n{END}\n\nThe end.\n"
    written = with_table(readme, saved)
    assert written == f"# Title\n\n{START}\n{render(saved)}\n{END}\n\nThe end.\n"
    assert with_table(written, saved) == written


@pytest.mark.parametrize("readme", ["no place", f"{START}\nno end", f"{END}\n{START}"])
def test_a_readme_without_markers_is_refused(readme):
    with pytest.raises(NoMarkers, match=r"between the lines <!-- benchmarks --> and <!-- /bench"):
        with_table(readme, [])


def test_the_pages_are_what_the_saved_measurements_give():
    page, readme = (TOP / "docs" / "benchmarks.md").read_text(), (TOP / "README.md").read_text()
    saved, cases = results.load_all(), all_cases()
    assert with_table(page, saved, cases) == page
    assert between(readme, START, END, highlights.render(saved, cases)) == readme


@pytest.mark.parametrize(
    ("value", "text"), [(12_345.6, "12,346"), (2.0, "2.00"), (0.0512, "0.0512"), (99.94, "99.9")]
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_a_slug_is_a_file_name():
    assert slug("Intel(R) Xeon, 2 cores, AVX512-bf16") == "intel-r-xeon-2-cores-avx512-bf16"
