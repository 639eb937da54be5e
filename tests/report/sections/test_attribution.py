"""The attribution section against hand-made arrays."""

from __future__ import annotations

import numpy as np

from cifar_lab.explain.explained import Averaged, Explained
from cifar_lab.report.blocks import Picture, Table
from cifar_lab.report.sections.attribution import attribution, completeness, trust
from cifar_lab.run.trust import OrderScore, Trust
from tests.report.readings import reading


def explained(agreement: float, layer: str = "layer2") -> Explained:
    maps = np.zeros((2, 3, 2, 2), np.float32)
    maps[:, 0] = [[[1, 2], [3, 4]], [[-1, 0], [0, 0]]]
    return Explained(
        sample_ids=np.asarray(["a", "b"]),
        predicted=np.asarray([1, 1]),
        layer=np.asarray(layer),
        maps=maps,
        values=np.asarray([[12.0, 1.0, 11.0], [3.0, 2.0, 1.0]], np.float32),
        agreement=np.asarray(agreement),
    )


def averaged() -> Averaged:
    return Averaged(
        layer=np.asarray("layer2"),
        images=np.asarray(1000),
        class_maps=np.ones((3, 2, 2), np.float32),
        class_counts=np.asarray([4, 0, 6]),
        pairs=np.asarray([[2, 1]]),
        pair_maps=np.ones((1, 2, 2), np.float32),
        pair_counts=np.asarray([2]),
        right=np.asarray([0.1, 0.3, np.nan]),
        wrong=np.asarray([0.5]),
    )


def test_the_maps_sums_stand_beside_the_logits():
    (told,) = completeness(explained(agreement=1.0))
    assert "sum to 10.00 (logit 12.00) and -1.00 (logit 3.00)." in told.text


def test_unfaithful_maps_are_warned_of():
    _, warning = completeness(explained(agreement=0.5))
    assert warning.warning
    assert "GradCAM is unfaithful at layer2" in warning.text


def test_each_layer_has_maps_and_words_of_its_own():
    found = [explained(1.0), explained(0.5, "layer1.sum")]
    blocks = attribution(reading(), found, None).blocks
    first, _, second, told, warning, _ = blocks
    assert (first.name, second.name) == ("attributions", "attributions-layer1.sum")
    assert "at layer2 (2×2 cells)" in first.caption
    assert "at layer1.sum (2×2 cells)" in second.caption
    assert told.text.endswith("0.50.")
    assert "GradCAM is unfaithful at layer1.sum" in warning.text


def test_averages_state_their_sample_and_leave_out_classes_without_images():
    blocks = attribution(reading(), [], averaged()).blocks
    classes, pairs, table, _ = blocks
    assert isinstance(classes, Picture)
    assert "over 1,000 test images sampled with a fixed seed" in classes.caption
    assert classes.alt == 'Mean GradCAM maps of <b> and "quoted".'
    assert pairs.name == "mean_pair_maps"
    assert isinstance(table, Table)
    # Mean of 10 and 30 is 20 %, with their sample standard deviation; one map is all negative.
    assert table.rows == [
        ["correct", "3", "20.0 %", "14.1 %", "1"],
        ["wrong", "1", "50.0 %", "–", "0"],
    ]


def test_where_nothing_can_be_shown_the_section_says_so():
    (told,) = attribution(reading(layers=()), [], None).blocks
    assert told.text.startswith("No GradCAM map can be shown: the model declares no layer")


def test_the_trust_table_is_shown_once_it_exists():
    found = Trust("gradcam", "layer2", 512, (OrderScore("gradcam", 0.31, 0.62, 0.01, 0.02),), 0.12)
    text, table = trust(found)
    assert "over 512 fixed test images" in text.text
    assert table.rows == [["gradcam", "0.310 ± 0.010", "0.620 ± 0.020"]]
    assert "explain RUN --trust" in attribution(reading(), [], None).blocks[-1].text
    shown = attribution(reading(trust=found), [], None).blocks
    assert [block.kind for block in shown] == ["text", "table"]
