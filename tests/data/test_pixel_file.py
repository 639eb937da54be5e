"""Files of pixels: their contents, and the space that is reserved for them."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from cifar_lab.data.pixel_file import PixelFile

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 3), dtype=np.uint8)


@pytest.mark.parametrize("most", [5, 9])
def test_the_file_holds_the_images_that_were_appended(tmp_path, most):
    store = PixelFile(tmp_path / "pixels.npy", most)
    for image in IMAGES:
        store.append(image)
    np.testing.assert_array_equal(store.images(), IMAGES)
    np.testing.assert_array_equal(np.load(tmp_path / "pixels.npy"), IMAGES)
    assert os.listdir(tmp_path) == ["pixels.npy"]


def test_images_of_another_size_are_dropped(tmp_path):
    store = PixelFile(tmp_path / "pixels.npy", 3)
    for image in (IMAGES[0], IMAGES[1, :2], IMAGES[2]):
        store.append(image)
    np.testing.assert_array_equal(store.images(), IMAGES[[0, 2]])


def test_all_blocks_of_the_file_are_reserved_before_a_pixel_is_written(tmp_path):
    store = PixelFile(tmp_path / "pixels.npy", 1000)
    store.append(IMAGES[0])
    stat = (tmp_path / "pixels.npy").stat()
    assert stat.st_blocks * 512 >= stat.st_size > 1000 * IMAGES[0].nbytes


def test_a_full_disk_is_an_error_before_a_pixel_is_written(tmp_path, monkeypatch):
    def full(_descriptor, _start, size):
        assert size == 128 + 1000 * IMAGES[0].nbytes
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        PixelFile(tmp_path / "pixels.npy", 1000).append(IMAGES[0])
    assert not np.load(tmp_path / "pixels.npy", mmap_mode="r")[0].any()
