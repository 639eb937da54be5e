"""Folder names from any values: readable, safe for a shell and a file system, and each its own."""

from __future__ import annotations

import re
import shlex

import pytest

from cifar_lab.sweeps.naming import LONGEST_NAME, job_names

NASTY = [
    "[1,2,3]", "a/b", "../..", "a b", "$HOME", "'quoted'", "x" * 500, "", ".", "-rf", "\n", "日本",
    "{a: 1}", "*", "~",
]  # fmt: skip


def test_a_name_is_the_values_that_differ():
    assert job_names([{"optimizer": "sgd", "optimizer.lr": "0.1", "seed": "0"}]) == [
        "optimizer=sgd,optimizer.lr=0.1,seed=0"
    ]


def test_names_of_nasty_values_can_be_typed_and_differ():
    names = job_names([{"key": value} for value in NASTY])
    assert len({name.lower() for name in names}) == len(NASTY)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_=,+-][A-Za-z0-9_.=,+-]*", name)
        assert len(name.encode()) <= LONGEST_NAME
        assert shlex.quote(name) in (name, f"'{name}'")
        assert not name.startswith((".", "-"))


def test_names_that_differ_in_case_only_are_told_apart():
    first, second = job_names([{"a": "X"}, {"a": "x"}])
    assert first.lower() != second.lower()


def test_taken_names_are_not_used_again():
    assert job_names([{"seed": "1"}], taken=["SEED=1"]) != ["seed=1"]


@pytest.mark.parametrize("values", [{}, {"": ""}])
def test_a_job_without_values_has_a_name_too(values):
    (name,) = job_names([values])
    assert name
