"""YAML that would take forever to load is refused before it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from cifar_lab.refusal import Refusal
from cifar_lab.run.yaml_text import MOST_LEVELS, MOST_VALUES, load, refuse_unloadable
from tests.work import Work

TOP = Path(__file__).parents[2]
FILES = [*TOP.glob("tests/kept_runs/*/.hydra/*.yaml"), *TOP.glob("conf/**/*.yaml")]

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
    told = f"^some.yaml could not be read: .*{message}"
    with Work() as work, pytest.raises(Refusal, match=told):
        refuse_unloadable("some.yaml", text)
    assert work.calls < 200_000


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


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(TOP).as_posix())
def test_a_file_is_loaded_as_omegaconf_loads_it(file):
    expected = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    assert repr(load(file, file.read_text()) or {}) == repr(expected)


@pytest.mark.parametrize(
    "text",
    ["1e-3", "1.0e-05", "-.5", "1_000", "0x1F", "yes", "no", "null", "~", "''", "2020-01-02",
     ".inf", ".NaN", "1:30", "08", "${a.b}", "'1'", "1e", "e5", "+1", "[1, 2.0, x]", "{a: 1}",
     "!!str 1"],
)  # fmt: skip
def test_a_value_is_loaded_as_omegaconf_loads_it(text):
    expected = OmegaConf.to_container(OmegaConf.create(f"a: {text}"), resolve=False)
    assert repr(load("f", f"a: {text}")) == repr(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "line 2: the key a stands twice"),
        ("a: !!timestamp 2020-01-02", r"datetime.date\(2020, 1, 2\) is not a text, a number"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("~: 1", "the key None is not text"),
    ],
)
def test_what_no_configuration_holds_is_refused(text, message):
    with pytest.raises(Refusal, match=f"^some.yaml could not be read: .*{message}"):
        load("some.yaml", text)
