"""Copies compared with a search over all pairs."""

from __future__ import annotations

import numpy as np

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.data.duplicates import copies, groups_of, trained_on
from cifar_lab.data.held_out import held_out

NOTHING = np.zeros(3)


def test_groups_are_those_of_a_search_of_every_pair():
    data = dataset()
    train, test = data.source.train, data.source.test
    used = [("train", row, train) for row in data.train_indices]
    used += [("val", row, train) for row in data.val_indices]
    used += [("test", row, test) for row in range(len(test))]
    expected, taken = [], set()
    for place, (_, row, arrays) in enumerate(used):
        equal = [
            other
            for other, (_, b, others) in enumerate(used)
            if (arrays.images[row] == others.images[b]).all()
        ]
        if len(equal) > 1 and place not in taken:
            expected.append([used[other][:2] for other in equal])
            taken.update(equal)
    found = copies(data)
    assert [[(copy.split, copy.row) for copy in group] for group in found] == expected
    assert len(expected) > 5
    for copy in (copy for group in found for copy in group):
        arrays = test if copy.split == "test" else train
        assert copy.sample_id == arrays.sample_ids[copy.row]
        assert copy.label == arrays.labels[copy.row]


def test_only_images_trained_on_make_a_test_image_seen():
    data = dataset()
    trained = {data.source.train.images[row].tobytes() for row in data.train_indices}
    expected = [image.tobytes() in trained for image in data.source.test.images]
    seen = trained_on(copies(data), held_out(data, "test"))
    assert seen.tolist() == expected
    everything = {image.tobytes() for image in data.source.train.images}
    assert 0 < sum(expected) < sum(i.tobytes() in everything for i in data.source.test.images)


def test_a_validation_image_is_seen_likewise():
    data = dataset()
    train = data.source.train.images
    trained = {train[row].tobytes() for row in data.train_indices}
    expected = [train[row].tobytes() in trained for row in data.val_indices]
    assert trained_on(copies(data), held_out(data, "validation")).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_images_that_differ_in_one_bit_are_not_copies():
    images = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    images[1, 3, 3, 2] = 1
    arrays = ImageArrays(images, np.zeros(2, int), ("ant",), np.array(["a", "b"]))
    assert len(set(groups_of(arrays.digests))) == 2
    twice = ImageArrays(images[[0, 0]], np.zeros(2, int), ("ant",), np.array(["a", "b"]))
    assert len(set(groups_of(twice.digests))) == 1


def dataset() -> Dataset:
    """Half of the training images is trained on, a quarter validated on, a quarter not used."""
    generator = np.random.default_rng(0)
    # Two pixels with one bit per channel: many images are equal.
    train, test = (
        ImageArrays(
            generator.integers(0, 2, (count, 1, 2, 3), dtype=np.uint8),
            generator.integers(0, 2, count),
            ("ant", "bee"),
            np.array([f"{split}/{row}" for row in range(count)]),
        )
        for split, count in (("train", 60), ("test", 20))
    )
    rows = generator.permutation(60)
    source = SourceImages.of(train, test)
    return Dataset(source, np.sort(rows[:30]), np.sort(rows[30:45]), NOTHING, NOTHING)
