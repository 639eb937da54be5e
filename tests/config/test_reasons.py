"""No sentence of Hydra, OmegaConf or PyYAML is passed on as it is."""

from __future__ import annotations

import re

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

GLOBAL = "# @package _global_\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("defaults:\n  - itself\n", "it leads back to itself"),
        ("defaults:\n  - other\n", "it leads back to itself"),
        ("x: &a\n  b: *a\n", r"itself.yaml could not be read: line 3: the alias \*a"),
        ("x: " + "[" * 1000 + "]" * 1000, "nested more than 50 levels"),
        ("seed: 1\nseed: 2\n", "itself.yaml could not be read: line 3: found duplicate key seed"),
        ("- a\n- b\n", "must contain keys and values, e.g. seed: 1"),
        ("3\n", "must contain keys and values, e.g. seed: 1"),
        ("trainer:\n\tepochs: 3\n", "itself.yaml could not be read: line 3"),
        ("seed: !!python/name:os.system\n", "itself.yaml could not be read: line 2: could not det"),
        ("defaults:\n  - override /model: no\n", "an option in defaults is a bool; quote it"),
        ("defaults:\n  - override /model: none\n", "chooses model=.*, but the group model has no"),
        ("defaults:\n  - /nothing: x\n", "chooses nothing=x, but the group nothing has no opt"),
    ],
)
def test_an_experiment_that_cannot_be_composed_is_one_line(text, message, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "itself.yaml").write_text(GLOBAL + text)
    (tmp_path / "experiments" / "other.yaml").write_text(GLOBAL + "defaults:\n  - itself\n")
    found = preflight(Composer(str(tmp_path)), ["experiments=itself", "trainer.epochs=0"])
    assert len(found.problems) == 2, found.problems
    assert re.match(f"experiments=itself: .*{message}", found.problems[0]), found.problems[0]
    assert found.problems[1] == "trainer.epochs=0: must be greater than 0"


def test_an_experiment_without_its_first_line_is_told_what_that_is(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text("trainer:\n  epochs: 3\n")
    (problem,) = preflight(Composer(str(tmp_path)), ["experiments=mine"]).problems
    assert problem.endswith("begin the file with the line # @package _global_")


@pytest.mark.parametrize("group", ["", "trainer:\n"])
def test_thousands_of_unknown_keys_are_one_line(group, tmp_path):
    keys = "".join(f"{'  ' if group else ''}k{i}: 1\n" for i in range(4000))
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "many.yaml").write_text(GLOBAL + group + keys)
    (problem,) = preflight(Composer(str(tmp_path)), ["experiments=many"]).problems
    assert re.search(r"has 4,0\d\d keys, which nothing can use", problem)
