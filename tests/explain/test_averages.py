"""Averages and concentration of maps with known values."""

from __future__ import annotations

import numpy as np

from cifar_lab.explain.averages import concentration, mean_maps


def test_the_mean_of_each_group_is_of_its_maps_alone():
    maps = np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32)
    means, counts = mean_maps(maps, np.array([1, 0, 1, -1, 3, 1]), 4)
    assert counts.tolist() == [1, 3, 0, 1]
    np.testing.assert_allclose(means[1], (maps[0] + maps[2] + maps[5]) / 3, rtol=1e-5)
    np.testing.assert_array_equal(means[0], maps[1])
    assert not means[2].any()


def test_concentration_is_the_share_of_cells_that_holds_half():
    maps = np.array(
        [
            [[4.0, 0.0], [0.0, 0.0]],  # all in one of four cells
            [[1.0, 1.0], [1.0, 1.0]],  # even: two of four
            [[3.0, 1.0], [1.0, -9.0]],  # 3 of 5: one of four; negative cells do not count
            [[2.0, 2.0], [2.0, 0.0]],  # 2 of 6, then 4 of 6: two of four
        ],
        dtype=np.float32,
    )
    assert concentration(maps).tolist() == [0.25, 0.5, 0.25, 0.5]


def test_a_map_without_a_positive_cell_has_no_concentration():
    assert np.isnan(concentration(np.full((1, 2, 2), -1.0, np.float32))).all()


def test_an_even_map_of_many_cells_needs_half_of_them():
    assert concentration(np.full((1, 10, 10), 0.1, np.float32)).tolist() == [0.5]
