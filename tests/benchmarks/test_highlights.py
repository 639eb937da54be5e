"""Tests which measurements the README shows."""

from __future__ import annotations

import json

import pytest

from benchmarks import highlights
from benchmarks.cases import all_cases
from benchmarks.measure import Result
from benchmarks.results import entry, save
from benchmarks.targets import AMX_BF16, AVX512_BF16, Target
from tests.benchmarks.conftest import MACHINE, made_case

CASE = made_case("a", Target(2.0, needs=AMX_BF16))


def machine(device, features, value, date):
    saved = {**entry(CASE, Result(value), features), "date": date}
    return {**MACHINE, "device": device, "features": features, "cases": {"a": saved}}


@pytest.fixture(autouse=True)
def _chosen(monkeypatch):
    monkeypatch.setattr(highlights, "CHOSEN", ("a",))


def test_it_shows_ten_rows_that_exist(monkeypatch):
    monkeypatch.undo()
    assert len(set(highlights.CHOSEN)) == 10
    assert set(highlights.CHOSEN) <= set(all_cases())


def test_a_row_is_the_newest_on_hardware_that_its_target_fits():
    saved = [
        machine("Old Processor, 2 cores", [AVX512_BF16, AMX_BF16], 3.0, "2026-01-01"),
        machine("New Processor, 2 cores", [AVX512_BF16, AMX_BF16], 4.0, "2026-01-02"),
        machine("Plain Processor, 2 cores", [AVX512_BF16], 1.0, "2026-01-03"),
    ]
    assert highlights.render(saved, {"a": CASE}).splitlines()[2:] == [
        "| what a does | a peer | 4.00 | New, AMX-bf16 |"
    ]


def test_of_one_day_the_row_measured_last_is_shown(tmp_path):
    features = [AVX512_BF16, AMX_BF16]
    saved = [
        machine("Kept by day, 2 cores", features, 3.0, "2026-01-01"),
        machine("Later, 2 cores", features, 4.0, "2026-01-01T14:31+00:00"),
        machine("Earlier, 2 cores", features, 5.0, "2026-01-01T09:05+00:00"),
    ]
    assert "4.00 | Later" in highlights.render(saved, {"a": CASE})
    path = save(tmp_path, MACHINE, CASE, Result(1.0))
    kept = json.loads(path.read_text())
    assert kept["cases"]["a"]["date"].startswith(f"{kept['date']}T")


def test_a_row_that_was_measured_nowhere_is_left_out():
    saved = [machine("Some", [AVX512_BF16, AMX_BF16], None, "2026-01-01"), {**MACHINE, "cases": {}}]
    assert highlights.render(saved, {"a": CASE}) == highlights.HEADER
