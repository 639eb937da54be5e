"""Folders that no run can have are refused before anything is built."""

from __future__ import annotations

import re

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

COMPOSER = Composer()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("hydra.run.dir=", "^hydra.run.dir=: must be a path; leave it out"),
        ("hydra.run.dir='  '", "must be a path; leave it out"),
        ("hydra.sweep.dir=", "^hydra.sweep.dir=: must be a path"),
        ("hydra.run.dir=null", "hydra.run.dir cannot be null; leave it out"),
        ("hydra.run.dir=[a]", "must be text, got a list"),
        ("hydra.run.dir=" + "x" * 256, "is too long; a name in a path has at most 255 bytes"),
        ("hydra.run.dir=" + "é" * 128, "is too long"),
        ("hydra.run.dir=" + "x/" * 600, "is too long"),
        ("name=" + "x" * 101, "must be at most 100 characters long, got 101"),
    ],
)
def test_an_impossible_folder_is_refused(override, message):
    quoted = override if override.isascii() else override.replace("=", '="') + '"'
    (problem,) = preflight(COMPOSER, [quoted]).problems
    assert re.search(message, problem), problem


def test_the_longest_possible_name_is_accepted():
    assert preflight(COMPOSER, ["hydra.run.dir=" + "x" * 255]).problems == []
    assert preflight(COMPOSER, ["name=" + "x" * 100]).problems == []
