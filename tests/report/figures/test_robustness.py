"""The chart of accuracy by severity, checked by the data in its axes."""

from __future__ import annotations

import numpy as np

from cifar_lab.report.figures.robustness import by_severity


def test_each_family_is_a_line_from_clean_on(drawn):
    families = {
        name: np.linspace(0.9, last, 6)
        for name, last in (("noise", 0.4), ("blur", 0.5), ("weather", 0.6), ("digital", 0.7))
    }
    assert by_severity(families).startswith(b"\x89PNG")
    (axes,) = drawn[0].axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    for name, accuracies in families.items():
        np.testing.assert_allclose(lines[name].get_ydata(), 100 * accuracies)
        np.testing.assert_array_equal(lines[name].get_xdata(), np.arange(6))
    np.testing.assert_allclose(lines["test images"].get_ydata(), 90)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["clean", *"12345"]
    assert len({line.get_color() for line in axes.get_lines()}) == 5
