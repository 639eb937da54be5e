"""Loading section by section gives what loading the whole text gives."""

from __future__ import annotations

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run import yaml_sections
from cifar_lab.run.yaml_sections import load_shared
from cifar_lab.run.yaml_text import load

GOOD = [
    "name: digits\nseed: 0\nmodel:\n  _target_: a.B\n  width: 4\nsizes:\n- 1\n- 2\n",
    "a: 1\n",
    "a: 'two\n  lines'\nb: |\n  x: 1\n  y\nc: {d: 1,\n  e: 2}\n",
    "# a comment\na: 1\n\n# another\nb: ${a}\n",
    "a: &x {b: 1}\nc: *x\n",
    "'a': 1\nb: 2\n",
    "a:\n  b: 1e-3\n  c: null\nd:\n",
    "- 1\n- 2\n",
    "---\na: 1\n",
    "",
]
BAD = [
    "a: 1\na: 2\n",
    "a: 'x\nb: 'y\n",
    "a: {b: 1\nc: 2\n",
    "a: 1\n...\nb: 2\n",
    "a: 1\n---\nb: 2\n",
    "a: *x\nb: 1\n",
    "a: 2020-01-01\nb: !!set {x}\n",
    "a: 1\n b: 2\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_it_loads_the_same(text):
    assert load_shared("a.yaml", text) == load("a.yaml", text)


@pytest.mark.parametrize("text", BAD)
def test_it_refuses_the_same(text):
    with pytest.raises(Refusal) as whole:
        load("a.yaml", text)
    with pytest.raises(Refusal) as shared:
        load_shared("a.yaml", text)
    assert shared.value.problems == whole.value.problems


def test_a_section_that_several_texts_share_is_parsed_once(monkeypatch):
    parsed = []
    monkeypatch.setattr(
        yaml_sections, "load", lambda path, text: parsed.append(text) or load(path, text)
    )
    yaml_sections._section.cache_clear()
    for seed in range(3):
        found = load_shared("a.yaml", f"seed: {seed}\nmodel:\n  width: 4\n")
        assert found == {"seed": seed, "model": {"width": 4}}
    assert parsed.count("model:\n  width: 4\n") == 1


def test_what_a_run_reads_is_its_own(tmp_path):
    """Whoever changes the configuration of one run does not change another's."""
    from cifar_lab.run.config import read_config

    text = "model:\n  _target_: a.B\n  sizes:\n  - 1\n"
    first = read_config(tmp_path, text)
    first["model"]["sizes"].append(2)
    assert read_config(tmp_path, text)["model"]["sizes"] == [1]
