"""A search space is read from Hydra's own syntax; what makes no sense is refused, all at once."""

from __future__ import annotations

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.search_space import Choices, Numbers, read_search_space
from cifar_lab.config.space import Request
from cifar_lab.refusal import Refusal

COMPOSER = Composer()


def space(*overrides, sets=(), excluded=()):
    return read_search_space(COMPOSER, Request(overrides, sets, excluded))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval(0,1)", ("0", "1")),
        ("tag(log,interval(1e-4,1e-1))", ("0.0001", "0.1")),
        ("int(interval(1,100))", ("1", "100")),
        ("range(16,129,16)", ("16", "128")),
        ("range(5,1,-2)", ("3", "5")),
        ("range(0,1,0.1)", ("0", "0.9")),
        ("shuffle(range(1,5))", ("1", "4")),
    ],
)
def test_numbers_have_their_smallest_and_largest_value_in_hydras_syntax(text, expected):
    (numbers,) = space(f"optimizer.lr={text}").dimensions
    assert isinstance(numbers, Numbers)
    assert numbers.corners == expected


def test_scale_step_and_kind_of_numbers():
    log, whole, steps = space(
        "optimizer.lr=tag(log,interval(1e-4,1e-1))",
        "model.width=int(interval(8,64))",
        "trainer.epochs=range(2,11,4)",
    ).dimensions
    assert (log.log, log.step, log.whole) == (True, None, False)
    assert (whole.log, whole.step, whole.whole) == (False, 1, True)
    assert (steps.low, steps.high, steps.step, steps.whole) == (2, 10, 4, True)


def test_choices_are_texts_and_single_values_are_constant():
    found = space("model.widths=[8,8],[16,16]", "optimizer=choice(adam)", "seed=3", "a.b=range(1)")
    assert found.dimensions == (Choices("model.widths", ("[8,8]", "[16,16]")),)
    assert found.constant == ("optimizer=adam", "seed=3", "a.b=0")
    assert found.written == {"model.widths": "[8,8],[16,16]"}


def test_corners_have_all_smallest_all_largest_and_each_choice_once():
    found = space("a.x=interval(0.5,2)", "b=choice(p,q,r)", "a.n=range(1,9)").corners()
    assert found == [
        {"a.x": "0.5", "b": "p", "a.n": "1"},
        {"a.x": "2", "b": "q", "a.n": "8"},
        {"a.x": "0.5", "b": "r", "a.n": "1"},
    ]


@pytest.mark.parametrize("value", [1 / 3, 0.1234564999, 2.0, 1e-5, 123456.7])
def test_a_numbers_text_is_short_and_near(value):
    numbers = Numbers("x", 0.0, 1e6, None, whole=False, log=False)
    text = numbers.text(value)
    assert len(text) <= 12
    assert numbers.value(text) == pytest.approx(value, rel=1e-5)


def test_rounding_never_leaves_the_interval():
    edge = 0.12345674
    numbers = Numbers("x", 0.0, edge, None, whole=False, log=False)
    assert float(numbers.text(edge)) <= edge  # six digits alone would be 0.123457
    assert numbers.value(numbers.text(edge)) == edge


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["x=interval(2,1)"],
            "x=interval\\(2,1\\): must be an interval from a smaller to a larger",
        ),
        (["x=interval(0,inf)"], "finite"),
        (["x=tag(log,interval(0,1))"], "logarithmic scale needs positive numbers"),
        (["x=tag(lgo,interval(1,2))"], "the tag 'lgo' means nothing to a search; only log does"),
        (["x=tag(log,range(1,9))"], "log needs an interval; write x=tag\\(log,int"),
        (["x=tag(log,choice(1,2))"], "log needs an interval, not a choice"),
        (["x=range(3,0)"], "lists no values"),
        (["seed=range(5)"], "a search over seeds would choose a lucky one"),
        (["seed=0"], "at least one key to choose a value for"),
        (["x=interval(0,1)", "x=3"], "x: is given 2 times"),
        (["pair=zip(x=1,2,y=1,2)"], "a search varies each key by itself; leave it out"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(overrides, message):
    with pytest.raises(Refusal, match=message):
        space(*overrides)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(Refusal) as refused:
        space("x=interval(2,1)", "y=range(0)", "seed=0,1", sets=("a=1",), excluded=("b=2",))
    assert len(refused.value.problems) == 5
