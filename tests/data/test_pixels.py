"""Pixels: on the device if they fit, never copied on a CPU, with a description."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cifar_lab.data import pixels as module
from cifar_lab.data.pixels import Pixels, free_memory

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("writeable", [True, False])
def test_on_a_cpu_the_store_is_the_array_itself(writeable):
    images = IMAGES.copy()
    images.flags.writeable = writeable
    store, places = Pixels(images, CPU, resident=True).chosen(torch.tensor([5, 2]))
    assert store.data_ptr() == images.ctypes.data
    np.testing.assert_array_equal(store[places].numpy(), images[[5, 2]])


def test_a_mapped_file_is_not_read_into_memory(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    store, _ = Pixels(mapped, CPU, resident=True).chosen(torch.tensor([0]))
    assert store.data_ptr() == mapped.ctypes.data


@pytest.mark.parametrize(
    ("free", "said"), [(IMAGES.nbytes * 2 + 1, "resident"), (IMAGES.nbytes * 2, "streamed")]
)
def test_half_of_the_free_memory_is_the_limit(free, said, monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda device: free)
    assert Pixels(IMAGES, CPU, resident=True).described.startswith(said)


def test_the_free_memory_of_this_machine_is_some_of_its_memory():
    free = free_memory(CPU)
    assert free is None or 2**20 < free < 2**50


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("resident", [True, False])
def test_on_cuda_the_chosen_images_are_on_the_device_either_way(resident):
    pixels = Pixels(IMAGES, torch.device("cuda"), resident)
    store, places = pixels.chosen(torch.tensor([5, 2]))
    assert store.is_cuda
    np.testing.assert_array_equal(store[places].cpu().numpy(), IMAGES[[5, 2]])
    assert ("switched off" in pixels.described) is not resident
