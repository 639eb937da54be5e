"""Shares of a memory never exceed it, and are given back."""

from __future__ import annotations

import pytest

from cifar_lab.deploy.memory import Memory


def test_shares_fit_together_and_are_given_back():
    memory = Memory(10)
    with memory.share() as first, memory.share() as second:
        assert first.hold(6)
        assert not second.hold(5)
        assert second.hold(4)
        assert not first.hold(7)
        assert first.hold(2)  # instead of the six
        assert second.hold(8)
        assert memory.left == 0
    assert memory.left == 10


def test_what_fails_gives_its_share_back():
    memory = Memory(10)
    with pytest.raises(ValueError, match="x"), memory.share() as share:
        assert share.hold(10)
        raise ValueError("x")
    assert memory.left == 10


def test_what_is_held_elsewhere_counts_and_keeps_nothing_from_being_given_back():
    elsewhere = [3]
    memory = Memory(10, lambda: elsewhere[0])
    with memory.share() as share:
        assert not share.hold(8)
        assert share.hold(7)
        elsewhere[0] = 10
        assert not share.hold(8)
        assert share.hold(5)
    assert memory.left == 0
