"""The section of a report, on results made by hand."""

from __future__ import annotations

import numpy as np

from cifar_lab.data.corruptions.suite import CORRUPTIONS, FAMILIES, SEVERITIES
from cifar_lab.report.blocks import Picture, Table, Text
from cifar_lab.report.sections.robustness import curves, robustness, table
from cifar_lab.run.robustness import Robustness
from tests.run.test_robustness import a_suite, condition


def test_the_table_has_a_row_for_each_corruption_between_clean_and_mean():
    found = table(a_suite())
    assert found.header == ["corruptions@lab", "severity 1", "severity 2", "mean", "ECE"]
    assert found.rows == [
        ["test images", "", "", "87.50 %", "2.00 %"],
        ["fog", "50.00 %", "25.00 %", "37.50 %", "9.38 %"],
        ["jpeg compression", "75.00 %", "50.00 %", "62.50 %", "15.62 %"],
        ["spatter (not in the mean)", "0.00 %", "0.00 %", "0.00 %", "0.00 %"],
        ["mean", "62.50 %", "37.50 %", "50.00 %", "12.50 %"],
    ]


def test_a_test_set_without_severities_has_a_row():
    found = table(a_suite("CIFAR-10.1 v6", condition("CIFAR-10.1 v6", None, 0.5, averaged=False)))
    assert found.rows == [
        ["test images", "8", "87.50 %", "0.4000", "2.00 %"],
        ["CIFAR-10.1 v6", "8", "50.00 %", "1.0000", "12.50 %"],
    ]


def test_curves_are_means_over_the_corruptions_of_a_family_from_clean_on():
    conditions = [
        condition(name, severity, number / 20)
        for severity in SEVERITIES
        for number, name in enumerate(CORRUPTIONS)
    ]
    found = curves(a_suite("corruptions@lab", *conditions))
    assert list(found) == list(FAMILIES)
    np.testing.assert_allclose(found["noise"], [0.875] + 5 * [(0 + 1 + 2) / 60])
    np.testing.assert_allclose(found["digital"], [0.875] + 5 * [(11 + 12 + 13 + 14) / 80])


def test_every_suite_has_a_sentence_and_what_the_mean_is():
    everything = [condition(name, 1, 0.5) for name in CORRUPTIONS]
    single = condition("CIFAR-10.1 v4", None, 0.5, averaged=False)
    section = robustness(
        Robustness((
            a_suite("corruptions@lab", *everything),
            a_suite("CIFAR-10-C", *everything),
            a_suite("CIFAR-10.1 v4", single),
        ))
    )  # fmt: skip
    kinds = [type(block) for block in section.blocks]
    assert kinds == [Text, Picture, Table, Text, Picture, Table, Text, Table]
    lab, c, new = (block.text for block in section.blocks if isinstance(block, Text))
    assert "not the images of CIFAR-10-C" in lab
    assert "not divided by the error of AlexNet" in lab
    assert "Mean accuracy 50.00 %, against 87.50 % on the test images (37.50 points lost)" in c
    assert "Recht et al. (2018)" in new
    assert "Measured in float32, as the test images." in new
