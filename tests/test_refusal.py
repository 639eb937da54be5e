"""What a refusal says."""

from __future__ import annotations

import pytest

from cifar_lab.refusal import Refusal, did_you_mean, in_our_words, missing_packages

VERBS = {"train": 1, "check": 2, "trail": 3}


def test_the_nearest_word_is_suggested():
    assert did_you_mean("chekc", VERBS) == "; did you mean 'check'?"
    assert did_you_mean("optimizer.rl", ["optimizer", "optimizer.lr"]) == (
        "; did you mean 'optimizer.lr'?"
    )


def test_nothing_is_suggested_where_nothing_is_near():
    assert did_you_mean("zzz", VERBS) == ""
    assert did_you_mean("train", []) == ""


@pytest.mark.parametrize(
    ("most", "quote", "expected"),
    [
        (1, "", "; did you mean train?"),
        (2, "", "; did you mean train or trail?"),
        (2, "`", "; did you mean `train` or `trail`?"),
        (9, "'", "; did you mean 'train' or 'trail'?"),
    ],
)
def test_several_may_be_suggested_the_nearest_first(most, quote, expected):
    assert did_you_mean("traine", VERBS, most, quote) == expected


def test_something_else_may_stand_in_where_nothing_is_near():
    assert did_you_mean("zzz", VERBS, otherwise=["trainer.zzz"]) == "; did you mean 'trainer.zzz'?"
    assert did_you_mean("chekc", VERBS, otherwise=["other"]) == "; did you mean 'check'?"
    # Two of six letters in common: a third, too little.
    assert did_you_mean("abcdef", ["abxxxx"]) == ""
    # Four of six.
    assert did_you_mean("abcdef", ["abcdxx"]) == "; did you mean 'abcdxx'?"


def test_a_refusal_keeps_its_problems_apart_and_says_them_all():
    assert Refusal("one").problems == ["one"]
    refusal = Refusal(["one", "two"])
    assert refusal.problems == ["one", "two"]
    assert str(refusal) == "one\ntwo"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Input should be greater than 0", "must be greater than 0"),
        ("Value error, must be a folder's name", "must be a folder's name"),
    ],
)
def test_pydantics_sentences_become_ours(theirs, ours):
    assert in_our_words(theirs) == ours


@pytest.mark.parametrize(
    ("word", "candidate", "near"),
    [
        ("trainer.gpus", "trainer.epochs", False),  # alike in their common beginning alone
        ("trainer.epoch", "trainer.epochs", True),
        ("optimizer.rl", "optimizer.lr", True),
        ("augmentation.train.cutuot", "augmentation.train.cutout", True),
        ("augmentation.train", "augmentation.train.crop", True),
        ("epochs", "trainer.epochs", True),
    ],
)
def test_of_dotted_words_the_ends_must_be_alike(word, candidate, near):
    assert did_you_mean(word, [candidate]) == (f"; did you mean '{candidate}'?" if near else "")


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"json", "ast"}, []),
        ({"json"}, ["--fast needs ast, which is not installed: pip install 'cifar-lab[x]'"]),
        (set(), ["--fast needs json and ast, which are not installed: pip install 'cifar-lab[x]'"]),
    ],
)
def test_missing_packages_are_one_problem(monkeypatch, there, said):
    monkeypatch.setattr("cifar_lab.refusal.find_spec", lambda name: name if name in there else None)
    assert missing_packages("--fast", ("json", "ast"), "x") == said
