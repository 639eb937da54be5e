"""YAML that would take forever to load is refused before it is loaded."""

from __future__ import annotations

import time

import pytest
from omegaconf import OmegaConf

from cifar_lab.refusal import Refusal
from cifar_lab.run.yaml_text import MOST_LEVELS, MOST_VALUES, refuse_unloadable

#: Nine values nine times over, nine times: 9**9 values in a few hundred characters.
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "it has more than 10,000 values, with aliases expanded"),
        ("x: &a\n  b: *a\n", r"line 2: the alias \*a stands inside the value"),
        ("a: 1\nx: *b\n", r"line 2: the alias \*b is not defined"),
        ("x: " + "[" * 1000 + "]" * 1000, "nested more than 50 levels deep"),
        ("a: [1\nb: }", "line 2: "),
        ("".join(f"k{i}: 1\n" for i in range(60_000)), "more than 10,000 values"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_file_and_line_at_once(text, message):
    started = time.process_time()
    with pytest.raises(Refusal, match=f"^some.yaml could not be read: .*{message}"):
        refuse_unloadable("some.yaml", text)
    assert time.process_time() - started < 2


def test_aliases_count_as_often_as_they_stand():
    half = ",".join(["1"] * (MOST_VALUES // 2 - 10))
    refuse_unloadable("f", f"a: &a [{half}]\nb: *a")
    with pytest.raises(Refusal):
        refuse_unloadable("f", f"a: &a [{half}]\nb: *a\nc: *a")


def test_what_is_let_through_can_be_loaded():
    deepest = "x: " + "[" * (MOST_LEVELS - 1) + "]" * (MOST_LEVELS - 1)
    refuse_unloadable("f", deepest)
    assert OmegaConf.to_container(OmegaConf.create(deepest))
    refuse_unloadable("f", "a: &a {b: 1}\nc: *a\n")
    refuse_unloadable("f", "")
