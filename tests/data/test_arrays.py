"""Pixel statistics compared with numpy's, and fingerprints that distinguish data sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.data.arrays import (
    Dataset,
    ImageArrays,
    SourceImages,
    pixel_counts,
    pixel_statistics,
)


@pytest.mark.parametrize("chosen", [1, 4096, 4097, 5000])
def test_mean_and_deviation_equal_those_of_numpy_over_the_chosen_images(chosen):
    generator = np.random.default_rng(0)
    # Channels with different ranges, so that swapped channels would be noticed.
    images = generator.integers(0, (50, 150, 256), (6000, 2, 3, 3), dtype=np.uint8)
    indices = generator.permutation(6000)[:chosen]
    mean, std = pixel_statistics(images, indices)
    pixels = images[indices].astype(np.float64) / 255
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, pixels.std(axis=(0, 1, 2)), rtol=1e-12)
    assert mean.dtype == std.dtype == np.float64


@pytest.mark.parametrize("chosen", [1, 2500])
def test_values_of_pixels_are_counted_by_channel(chosen):
    generator = np.random.default_rng(0)
    images = generator.integers(0, (50, 150, 256), (6000, 2, 3, 3), dtype=np.uint8)
    indices = generator.permutation(6000)[:chosen]
    pixels = images[indices].reshape(-1, 3)
    edges = np.arange(257) - 0.5
    expected = [np.histogram(pixels[:, channel], edges)[0] for channel in range(3)]
    np.testing.assert_array_equal(pixel_counts(images, indices), expected)


def test_images_that_were_not_scaled_have_their_own_size():
    arrays = some_arrays()
    assert arrays.original_sizes().tolist() == [list(arrays.image_size)] * len(arrays)
    sizes = np.asarray([[n, 2 * n] for n in range(len(arrays))])
    assert replace(arrays, file_sizes=sizes).original_sizes() is sizes


def test_half_black_and_half_white_have_mean_and_deviation_one_half():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1] = 255
    mean, std = pixel_statistics(images, np.arange(2))
    assert mean.tolist() == std.tolist() == [0.5, 0.5, 0.5]


def test_statistics_of_memory_mapped_images_are_the_same(tmp_path):
    images = some_arrays().images
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    rows = np.array([3, 0, 2])
    np.testing.assert_array_equal(pixel_statistics(mapped, rows), pixel_statistics(images, rows))


def test_the_fingerprint_depends_on_the_content_and_not_on_where_it_lies(tmp_path):
    arrays = some_arrays()
    np.save(tmp_path / "images.npy", arrays.images)
    strided = np.repeat(arrays.images, 2, axis=0)[::2]
    for images in (np.load(tmp_path / "images.npy", mmap_mode="r"), strided):
        assert replace(arrays, images=images).fingerprint() == arrays.fingerprint()


def test_the_fingerprint_does_not_depend_on_the_names_of_the_samples():
    arrays = some_arrays()
    renamed = replace(arrays, sample_ids=np.array(["a", "b", "c", "d"]))
    assert renamed.fingerprint() == arrays.fingerprint()


def test_the_fingerprint_tells_pixels_labels_class_names_and_shapes_apart():
    arrays = some_arrays()
    pixel, label = arrays.images.copy(), arrays.labels.copy()
    pixel[2, 1, 0, 2] ^= 1
    label[0] = 1
    swapped = arrays.images.transpose(0, 2, 1, 3)
    different = [
        arrays,
        replace(arrays, images=pixel),
        replace(arrays, labels=label),
        replace(arrays, class_names=("ant", "wasp")),
        replace(arrays, class_names=("bee", "ant")),
        replace(arrays, images=arrays.images.reshape(4, 3, 2, 3)),  # the same bytes
        replace(arrays, images=swapped),
        replace(arrays, images=arrays.images[::-1]),
    ]
    assert len({each.fingerprint() for each in different}) == len(different)


def test_size_is_height_by_width_and_length_is_the_number_of_images():
    arrays = some_arrays()
    dataset = Dataset(
        source=SourceImages(arrays, replace(arrays, class_names=("ant", "bee")), "f"),
        train_indices=np.arange(3),
        val_indices=np.arange(3, 4),
        mean=np.zeros(3),
        std=np.ones(3),
    )
    assert len(arrays) == 4
    assert arrays.image_size == dataset.image_size == (2, 3)
    assert dataset.class_names == ("ant", "bee")


def some_arrays():
    """Four images with two rows and three columns."""
    return ImageArrays(
        images=np.random.default_rng(0).integers(0, 256, (4, 2, 3, 3), dtype=np.uint8),
        labels=np.array([0, 1, 0, 1]),
        class_names=("ant", "bee"),
        sample_ids=np.array(["1", "2", "3", "4"]),
    )
