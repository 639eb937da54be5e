"""What is said about an override that cannot be read; what it tells to type can be read."""

from __future__ import annotations

import shlex

import pytest

from cifar_lab.config.overrides import parsed, refuse_too_many
from cifar_lab.refusal import Refusal


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("dataset.root=~/data", "dataset.root", "~/data"),
        ("dataset.root=dir,with=odd [chars]", "dataset.root", "dir,with=odd [chars]"),
        ("model: name=x", "model.name", "x"),
        ("optimizer.lr:0.1", "optimizer.lr", 0.1),
        ("optimizer.lr: 0.1", "optimizer.lr", 0.1),
        ("optimizer.lr 0.1", "optimizer.lr", 0.1),
        ("trainer.epochs = 3", "trainer.epochs", 3),
        ("model==resnet18", "model", "resnet18"),
        ("trainer..epochs=3", "trainer.epochs", 3),
        (".trainer.epochs=3", "trainer.epochs", 3),
        ("name=ü", "name", "ü"),
        ("seed=nope(3)", "seed", "nope(3)"),
        ('name=a"b~', "name", 'a"b~'),
    ],
)
def test_what_to_type_is_told_and_means_it(text, key, value):
    with pytest.raises(Refusal) as told:
        parsed(text)
    (problem,) = told.value.problems
    beginning, _, advice = problem.partition("; write ")
    assert beginning == f"{text}: cannot be read"
    (word,) = shlex.split(advice)
    again = parsed(word)
    assert (again.key_or_group, again.value()) == (key, value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model", "model: is not an override; write overrides as key=value"),
        ("dir,with=odd [chars]", "cannot be read; write overrides as key=value, with quotes"),
        ("model.width=[1", "a bracket or quote is not closed; write overrides as key=value"),
        ("trainer.epochs=${", "a bracket or quote is not closed"),
        ("name='abc", "a bracket or quote is not closed"),
        ("=3", "there is no key before the '='"),
        ("@model=resnet18", "there is no key before the '='"),
        ("seed=choice()", "lists no values"),
        ("seed=" + "1" * 5000, "the number has too many digits"),
        ("model.width=" + "[" * 2000 + "]" * 2000, "brackets are nested more than 10 deep"),
        ("name=" + "x" * 1_000_000, r"\(1,000,005 characters\): at most 10,000 characters"),
    ],
)
def test_what_is_wrong_is_told_without_the_parsers_grammar(text, message):
    with pytest.raises(Refusal, match=message) as told:
        parsed(text)
    assert len(str(told.value)) < 250
    assert "EOF" not in str(told.value)


def test_a_flood_of_overrides_is_refused_at_once():
    refuse_too_many(["seed=1"] * 500)
    with pytest.raises(Refusal, match="60,000 overrides are too many: at most 500"):
        refuse_too_many([f"k{i}=1" for i in range(60_000)])
