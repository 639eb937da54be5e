"""Tests when a target is met, and when it does not apply to hardware."""

from __future__ import annotations

from benchmarks.targets import AMX_BF16, AVX512_BF16, TARGETS, WITHOUT, Target


def test_targets_bound_from_either_side():
    assert Target(2.0).met(2.0)
    assert not Target(2.0).met(1.9)
    assert Target(2.0, at_most=True).met(1.9)
    assert not Target(2.0, at_most=True).met(2.1)


def test_a_target_applies_where_the_hardware_has_what_it_needs():
    target = Target(2.4, needs=AMX_BF16)
    assert target.obstacle([AVX512_BF16, AMX_BF16], None) is None
    assert target.obstacle([AVX512_BF16], None) == WITHOUT[AMX_BF16]
    assert Target(1.2).obstacle([], None) is None


def test_a_target_beyond_what_was_measured_as_reachable_does_not_apply():
    assert Target(0.85).obstacle([], 0.721) == "this hardware allows at most 0.72"
    assert Target(0.85).obstacle([], 0.86) is None


def test_every_need_of_a_row_has_its_reason():
    assert {target.needs for target in TARGETS.values()} - {None} == set(WITHOUT)
