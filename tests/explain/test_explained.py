"""A report's maps compared with those computed image by image, and the file round trip."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_lab.analysis.predictions import Pair
from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.attribution import attribute
from cifar_lab.explain.averages import concentration
from cifar_lab.explain.cams import agreement, leading
from cifar_lab.explain.explained import Averaged, ReportMaps, average_maps, explain_images
from cifar_lab.explain.targets import TARGETS, Targets
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.run.maps import (
    packed_averaged,
    packed_explained,
    unpacked_averaged,
    unpacked_explained,
)

LAYER = "layer2"
PATH = Path("maps.npz")


@pytest.fixture(scope="module")
def setting():
    """A small network, random images with labels, and the network's predictions."""
    torch.manual_seed(0)
    model = CustomResNet(num_classes=3, width=4).eval()
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    ids = np.asarray([f"test/{n}" for n in range(40)])
    test = ImageArrays(images, draw.integers(0, 3, 40), ("a", "b", "c"), ids)
    normalise = Normalise(
        np.full(3, 0.5), np.full(3, 0.25), torch.device("cpu"), False, torch.float32
    )
    with torch.no_grad():
        logits = model(normalise(torch.from_numpy(images)))
    return model, normalise, test, logits.numpy()


def explained(setting, layer, rows, predicted):
    model, normalise, test, _ = setting
    images = normalise(torch.from_numpy(test.images[rows]))
    ids = test.sample_ids[rows]
    return explain_images(model, layer, images, test.labels[rows], predicted, ids)


def map_of(setting, row: int, name: str, predicted: int, method: str = "gradcam") -> np.ndarray:
    model, normalise, test, _ = setting
    classes = torch.tensor([predicted]), torch.tensor([int(test.labels[row])])
    image = normalise(torch.from_numpy(test.images[row : row + 1]))
    return attribute(model, method, LAYER, image, Targets.named(name, *classes))[0]


def test_each_image_has_the_maps_and_logits_of_its_targets(setting):
    _, _, test, logits = setting
    rows = np.array([7, 3, 30])
    predicted = logits[rows].argmax(1)
    found = explained(setting, LAYER, rows, predicted)
    assert found.sample_ids.tolist() == ["test/7", "test/3", "test/30"]
    for n, row in enumerate(rows):
        for t, name in enumerate(TARGETS):
            for method in ("gradcam", "hirescam"):
                expected = map_of(setting, row, name, int(predicted[n]), method)
                maps = getattr(found, method)
                np.testing.assert_allclose(maps[n, t], expected, rtol=1e-3, atol=1e-6)
        own, true = logits[row, predicted[n]], logits[row, test.labels[row]]
        np.testing.assert_allclose(found.values[n], [own, true, own - true], atol=1e-4)
    np.testing.assert_array_equal(found.without_bias, found.values)  # the head has no biases
    assert found.agreement == agreement(found.gradcam[:, 0], found.hirescam[:, 0])
    finer = explained(setting, "layer1.sum", rows, predicted)
    content = packed_explained([found, finer])
    for kept, again in zip([found, finer], unpacked_explained(PATH, content), strict=True):
        for name, value in vars(kept).items():
            np.testing.assert_array_equal(getattr(again, name), value)
    assert found.gradcam.shape != finer.gradcam.shape


def averages(setting, predicted: np.ndarray, pairs: list[Pair]) -> Averaged:
    model, normalise, test, _ = setting
    return average_maps(
        model,
        LAYER,
        lambda rows: normalise(torch.from_numpy(test.images[rows])),
        test.labels,
        predicted,
        3,
        pairs,
        25,
    )


def recorded_otherwise(setting) -> np.ndarray:
    """Recorded predictions, every fifth of them right: some differ from new ones, as with flips."""
    predicted = setting[3].argmax(1)
    predicted[::5] = setting[2].labels[::5]
    return predicted


def test_averages_are_of_the_recorded_predictions_taken_one_by_one(setting):
    _, _, test, logits = setting
    predicted = recorded_otherwise(setting)
    assert (predicted != logits.argmax(1)).sum() > 3
    label, taken = next(
        (int(a), int(b)) for a, b in zip(test.labels, predicted, strict=True) if a != b
    )
    of_pair = np.flatnonzero((test.labels == label) & (predicted == taken))
    found = averages(setting, predicted, [Pair(label, taken, len(of_pair))])
    sample = np.sort(np.random.default_rng(0).permutation(40)[:25])  # as documented in the report
    for method in ("gradcam", "hirescam"):
        maps = np.stack(
            [map_of(setting, row, "predicted", int(predicted[row]), method) for row in sample]
        )
        for number in range(3):
            mine = predicted[sample] == number
            assert found.class_counts[number] == mine.sum()
            if mine.any():
                means = getattr(found, f"class_{method}")
                np.testing.assert_allclose(means[number], maps[mine].mean(0), rtol=1e-3, atol=1e-6)
        pair = [map_of(setting, row, "predicted", taken, method) for row in of_pair]
        of_pairs = getattr(found, f"pair_{method}")
        np.testing.assert_allclose(of_pairs[0], np.mean(pair, axis=0), rtol=1e-3, atol=1e-6)
        if method == leading(float(found.agreement))[0]:
            spread, right = concentration(maps), predicted[sample] == test.labels[sample]
            np.testing.assert_allclose(found.right, spread[right])
            np.testing.assert_allclose(found.wrong, spread[~right])
    assert found.pair_counts.tolist() == [len(of_pair)]
    explained = np.abs(logits[of_pair, taken]).mean()
    np.testing.assert_allclose(found.pair_without_bias, [explained], rtol=1e-4)
    content = packed_averaged(found)
    assert unpacked_averaged(PATH, content).pairs.tolist() == [[label, taken]]


def test_as_many_are_right_as_were_recorded(setting):
    _, _, test, logits = setting
    predicted = recorded_otherwise(setting)
    sample = np.sort(np.random.default_rng(0).permutation(40)[:25])
    as_recorded = int((predicted[sample] == test.labels[sample]).sum())
    assert as_recorded > (logits.argmax(1)[sample] == test.labels[sample]).sum()
    found = averages(setting, predicted, [])
    assert (len(found.right), len(found.wrong)) == (as_recorded, 25 - as_recorded)


def test_a_layer_is_led_by_the_larger_sample(setting):
    predicted = setting[3].argmax(1)
    gallery = explained(setting, LAYER, np.array([0, 1]), predicted[:2])
    found = averages(setting, predicted, [])
    faithful = dataclasses.replace(gallery, agreement=np.asarray(1.0))
    doubted = dataclasses.replace(found, agreement=np.asarray(0.5))
    assert ReportMaps([faithful], None).methods(LAYER) == ("gradcam",)
    assert ReportMaps([faithful], doubted).methods(LAYER) == ("hirescam", "gradcam")
    other = dataclasses.replace(faithful, layer=np.asarray("layer3.sum"))
    assert ReportMaps([faithful, other], doubted).methods("layer3.sum") == ("gradcam",)


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_file_without_maps_reads_as_none(content):
    assert unpacked_explained(PATH, content) is None
    assert unpacked_averaged(PATH, content) is None


def test_maps_of_a_run_that_knew_one_layer_do_not_fit(setting, tmp_path):
    logits = setting[3]
    rows = np.array([0, 1])
    found = explained(setting, LAYER, rows, logits[rows].argmax(1))
    np.savez_compressed(tmp_path / "maps.npz", **vars(found))
    assert unpacked_explained(PATH, (tmp_path / "maps.npz").read_bytes()) is None
