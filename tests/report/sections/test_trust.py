"""The trust table and its verdict, on scores made by hand."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace

import pytest

from cifar_lab.report.sections.trust import concluded, trust
from cifar_lab.run.trust import OrderScore, Trust

RULE = " (Differences of at most 2 standard errors are not counted.)"


def measured(*orders: OrderScore, randomised: float = 0.1) -> Trust:
    priors = (
        scored("random", 0.30, 0.30),
        scored("centre", 0.25, 0.35),
        scored("edges", 0.28, 0.33),
    )
    return Trust(orders[0].order, "layer2", "test", 512, (*orders, *priors), randomised)


def scored(order: str, deletion: float, insertion: float, error: float = 0.005) -> OrderScore:
    return OrderScore(order, deletion, insertion, error, error)


def test_the_table_ends_in_a_verdict():
    text, table, verdict = trust(measured(scored("gradcam", 0.1, 0.6)))
    assert "over 512 fixed test images" in text.text
    on_validation = replace(measured(scored("gradcam", 0.1, 0.6)), split="validation")
    assert "over 512 fixed validation images" in trust(on_validation)[0].text
    assert "rank correlation of 0.10" in text.text
    turned = replace(measured(scored("gradcam", 0.1, 0.6)), randomised=-0.1)
    assert "rank correlation of −0.10" in trust(turned)[0].text
    assert table.rows[0] == ["GradCAM", "0.100 ± 0.005", "0.600 ± 0.005"]
    assert table.rows[2][0] == "distance from the centre"
    assert not verdict.warning
    assert verdict.text == (
        "Verdict: GradCAM finds cells that these predictions depend on: it is better than a "
        "random order, a bare centre prior and the strength of edges, in deletion and in "
        "insertion." + RULE
    )


def test_a_centre_prior_that_beats_a_method_is_named():
    doubtful, verdict = concluded(measured(scored("gradcam", 0.27, 0.6)))
    assert doubtful
    # 0.27 is clearly more than 0.25, clearly less than 0.30, and within 2 * 0.0071 of 0.28.
    assert verdict == (
        "Do not rely on GradCAM here: a bare centre prior (in deletion) finds the cells that "
        "matter better, without knowing anything of the network. It is not clearly better than "
        "the strength of edges (in deletion)." + RULE
    )


def test_several_priors_that_beat_a_method_are_named_with_their_measures():
    _, verdict = concluded(measured(scored("gradcam", 0.40, 0.34)))
    assert (
        "a random order (in deletion), a bare centre prior (in deletion) and the strength of "
        "edges (in deletion) find the cells"
    ) in verdict
    assert (
        "not clearly better than a bare centre prior (in insertion) and the strength of edges "
        "(in insertion)"
    ) in verdict


@pytest.mark.parametrize(("gain", "clear"), [(0.0142, True), (0.0140, False)])
def test_two_standard_errors_of_the_difference_decide(gain, clear):
    # The error of each score is 0.005, that of their difference sqrt(2) * 0.005 = 0.00707.
    doubtful, verdict = concluded(measured(scored("occlusion", 0.25 - gain, 0.6)))
    assert doubtful is not clear
    assert ("not shown to find" in verdict) is not clear


def test_methods_are_judged_side_by_side():
    _, verdict = concluded(measured(scored("hirescam", 0.1, 0.6), scored("gradcam", 0.27, 0.6)))
    assert verdict.startswith("HiResCAM finds cells")
    assert "Do not rely on GradCAM here: a bare centre prior" in verdict
    assert "HiResCAM is better than GradCAM in deletion." in verdict
    _, verdict = concluded(measured(scored("hirescam", 0.1, 0.6), scored("gradcam", 0.1, 0.6)))
    assert verdict.startswith(
        "HiResCAM and GradCAM find cells that these predictions depend on: each"
    )
    assert "HiResCAM is not clearly better or worse than GradCAM." in verdict


def test_maps_that_random_weights_reproduce_are_doubted():
    doubtful, verdict = concluded(measured(scored("gradcam", 0.1, 0.6), randomised=0.8))
    assert doubtful
    assert "stay similar (rank correlation 0.80)" in verdict


def test_scores_that_could_not_be_measured_prove_nothing():
    nothing = dataclasses.replace(scored("gradcam", 0.1, 0.6), deletion_error=math.nan)
    doubtful, verdict = concluded(measured(nothing))
    assert doubtful
    assert "not shown to find" in verdict
