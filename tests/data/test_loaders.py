"""Loaders: order and draws fixed by (seed, epoch, image), for any workers, batches and start."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import albumentations as A
import numpy as np
import pytest
import torch

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.data.augment import PadAndCrop
from cifar_lab.data.batch_augment import AugmentationStack, BatchSteps
from cifar_lab.data.loaders import WHOLE, EvalLoader, Shard, TrainLoader
from cifar_lab.data.mixing import CutMix, MixedBatch, Mixup
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels

#: Number of images, of which the last fifth is held out.
COUNT, TRAINED = 30, 24
MEAN, STD = np.array([0.2, 0.5, 0.7]), np.array([0.1, 0.25, 0.4])


@pytest.mark.parametrize("batch_size", [1, 5, 24, 100])
@pytest.mark.parametrize("epoch", [0, 7])
def test_every_training_row_comes_once_an_epoch(batch_size, epoch):
    loader = train_loader(batch_size=batch_size)
    labels = [batch.labels for batch in whole(loader, epoch)]
    assert sorted(torch.cat(labels).tolist()) == list(range(TRAINED))
    sizes = [min(batch_size, TRAINED - start) for start in range(0, TRAINED, batch_size)]
    assert [len(each) for each in labels] == sizes
    assert len(loader) == len(sizes)


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    orders = {
        tuple(together(train_loader(seed=seed), epoch)[1].tolist())
        for seed in (0, 1, 2)
        for epoch in (0, 1, 2)
    }
    assert len(orders) == 9


def test_images_come_with_their_labels():
    images, labels = together(train_loader(), epoch=0)
    expected = normalised(arrays().images[labels.numpy()])
    np.testing.assert_allclose(images.numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("workers", "batch_size"), [(0, 5), (1, 4), (2, 4), (2, 7)])
def test_order_and_draws_are_the_same_for_any_workers_and_batch_size(
    workers, batch_size, reference
):
    loader = train_loader(workers=workers, batch_size=batch_size, augment=augmenter())
    for epoch in (0, 1):
        for found, expected in zip(together(loader, epoch), reference[epoch], strict=True):
            assert torch.equal(found, expected)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 24])
def test_steps_on_batches_draw_the_same_for_any_batch_size(batch_size):
    alone = train_loader(batch_size=1, augment=augmenter(noise=False))
    loader = train_loader(batch_size=batch_size, augment=augmenter(noise=False))
    for epoch in (0, 1):
        for found, expected in zip(together(loader, epoch), together(alone, epoch), strict=True):
            assert torch.equal(found, expected)


def test_small_batches_are_made_together_and_given_one_by_one(monkeypatch):
    """The chunk size must not affect results, so it is reduced to two batches here."""
    expected = whole(train_loader(batch_size=4, augment=augmenter(noise=False)), epoch=0)
    monkeypatch.setattr("cifar_lab.data.loaders.CHUNK_IMAGES", 8)
    found = whole(train_loader(batch_size=4, augment=augmenter(noise=False)), epoch=0)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.labels, theirs.labels)


def test_an_image_is_augmented_otherwise_in_every_epoch_and_under_every_seed(reference):
    drawn = []
    for seed in (0, 1):
        loader = train_loader(seed=seed, augment=augmenter(seed))
        for epoch in (0, 1):
            images, labels = together(loader, epoch)
            drawn.append(images[labels.argsort()])
    for index in range(TRAINED):
        assert len({images[index].numpy().tobytes() for images in drawn}) == 4


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("first", "end"), [(0, 2), (3, 6), (5, 6)])
def test_an_epoch_may_be_entered_and_left_in_the_middle(workers, first, end, reference):
    loader = train_loader(workers=workers, batch_size=4, augment=augmenter())
    batches = list(loader.batches(1, first, end))
    assert len(batches) == end - first
    images, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    assert torch.equal(images, reference[1][0][first * 4 : end * 4])
    assert torch.equal(labels, reference[1][1][first * 4 : end * 4])


@pytest.mark.parametrize("mixing", [Mixup(1.0, 0.8), CutMix(1.0, 0.8)])
@pytest.mark.parametrize("noise", [True, False])
def test_a_mixed_epoch_may_be_entered_and_left_in_the_middle(mixing, noise):
    def loader() -> TrainLoader:
        return loader_of(some_dataset(), augmenter(noise=noise), batch_size=4, mixing=mixing)

    expected = whole(loader(), epoch=1)
    found = [*loader().batches(1, 0, 1), *loader().batches(1, 1, 4), *loader().batches(1, 4, 6)]
    for ours, theirs in zip(found, expected, strict=True):
        assert isinstance(ours, MixedBatch)
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)


def test_every_batch_epoch_and_seed_is_mixed_otherwise():
    weights = {
        batch.weight.item()
        for seed in (0, 1)
        for epoch in (0, 1)
        for batch in whole(loader_of(some_dataset(), None, 4, seed, mixing=Mixup(1.0, 1.0)), epoch)
    }
    assert len(weights) == 4 * 6


@pytest.mark.parametrize("batch_size", [5, 23])  # the last batch has 4 images, or one
def test_mixing_changes_neither_order_nor_augmentation(batch_size):
    dataset, augment = some_dataset(), augmenter(noise=False)
    plain = whole(loader_of(dataset, augment, batch_size), epoch=1)
    same = whole(loader_of(dataset, augment, batch_size, mixing=Mixup(1.0, 0.0)), epoch=1)
    mixed = whole(loader_of(dataset, augment, batch_size, mixing=CutMix(1.0, 1.0)), epoch=1)
    for one, unmixed, other in zip(plain, same, mixed, strict=True):
        assert torch.equal(unmixed.images, one.images)
        assert torch.equal(unmixed.labels, one.labels)
        assert (unmixed.partners.tolist(), unmixed.weight) == (one.labels.tolist(), 1)
        pair = {tuple(other.labels.tolist()), tuple(other.partners.tolist())}
        assert pair == {tuple(one.labels.tolist()), tuple(one.labels.roll(1).tolist())}


@pytest.mark.parametrize(("images", "sizes"), [(7, [5, 2]), (10, [5, 5]), (99, [5] * 4 + [4])])
def test_the_first_training_images_as_they_are(images, sizes):
    loader = train_loader(batch_size=5, augment=augmenter())
    batches = list(loader.unaugmented(images))
    assert [len(batch.labels) for batch in batches] == sizes
    rows = np.arange(min(images, TRAINED))
    assert torch.cat([batch.labels for batch in batches]).tolist() == rows.tolist()
    assert loader.unaugmented(images).labels.tolist() == rows.tolist()
    found = torch.cat([batch.images for batch in batches]).numpy()
    np.testing.assert_allclose(found, normalised(arrays().images[rows]), rtol=1e-5, atol=1e-5)


def test_no_batches_are_none():
    assert list(train_loader().batches(0, 2, 2)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_that_was_abandoned_leaves_nothing_behind(workers, reference):
    loader = train_loader(workers=workers, batch_size=4, augment=augmenter())
    abandoned = loader.batches(0, 0, len(loader))
    next(abandoned)
    del abandoned
    images, labels = together(loader, epoch=1)
    assert torch.equal(images, reference[1][0])
    assert torch.equal(labels, reference[1][1])


@pytest.mark.parametrize("workers", [0, 1])
def test_augmentation_gets_the_epoch_and_the_row_among_all_images(workers):
    # Held-out rows come first here, so that using training positions as rows would be noticed.
    rows = np.arange(COUNT - TRAINED, COUNT)
    loader = train_loader(workers=workers, augment=WriteDown(), rows=rows)
    for epoch in (0, 3):
        images, labels = together(loader, epoch)
        told = np.rint((images.numpy() * STD[:, None, None] + MEAN[:, None, None]) * 255)
        assert (told[:, 0] == epoch).all()
        np.testing.assert_array_equal(told[:, 1, 0, 0], labels)
        assert set(labels.tolist()) == set(rows.tolist())


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_does_not_move_the_global_random_streams(workers):
    def states():
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()

    torch.manual_seed(0)
    before = states()
    loader = train_loader(workers=workers, augment=augmenter())
    for epoch in (0, 1):
        whole(loader, epoch)
    assert states() == before


@pytest.mark.parametrize("workers", [0, 1])
def test_order_and_draws_do_not_depend_on_the_global_random_streams(workers, reference):
    torch.manual_seed(1234)
    np.random.seed(1234)
    random.seed(1234)
    images, labels = together(train_loader(workers=workers, augment=augmenter()), epoch=0)
    assert torch.equal(images, reference[0][0])
    assert torch.equal(labels, reference[0][1])


def test_ctrl_c_leaves_the_workers_to_the_trainer(reference):
    loader = train_loader(workers=2, batch_size=4, augment=augmenter())
    before = set(multiprocessing.active_children())
    batches = loader.batches(0, 0, len(loader))
    labels = [next(batches).labels, next(batches).labels]
    workers = set(multiprocessing.active_children()) - before
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker.pid, signal.SIGINT)
    labels += [batch.labels for batch in batches]
    assert torch.equal(torch.cat(labels), reference[0][1])
    assert all(worker.is_alive() for worker in workers)


def test_signals_to_the_whole_process_group_leave_the_workers_to_the_trainer():
    """Signals as sent by Ctrl-C in a terminal and by the command ``timeout``."""
    with another_process("wait") as process:
        assert process.stdout.readline() == "first batch\n"
        for number in (signal.SIGINT, signal.SIGTERM):
            os.killpg(process.pid, number)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"all {TRAINED} labels\n"


def test_a_process_that_fails_while_its_workers_live_ends():
    with another_process("fail") as process:
        assert process.stdout.readline() == "first batch\n"
        assert process.wait(60) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_training_leaves_the_images_as_they_were(workers):
    dataset = some_dataset()
    for stack in (WriteDown(), augmenter(), augmenter(noise=False), None):
        whole(loader_of(dataset, stack, workers=workers), epoch=0)
    np.testing.assert_array_equal(dataset.source.train.images, arrays().images)


def test_memory_mapped_images_are_loaded_and_augmented(tmp_path, reference):
    np.save(tmp_path / "images.npy", arrays().images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    dataset = some_dataset(images=mapped)
    loader = loader_of(dataset, augmenter())
    assert torch.equal(together(loader, epoch=0)[0], reference[0][0])
    (batch,) = eval_loader(dataset.source.train, np.arange(4), 10)
    np.testing.assert_allclose(batch.images.numpy(), normalised(mapped[:4]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_evaluation_gives_the_chosen_rows_in_order_as_they_are(batch_size):
    rows = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23])
    loader = eval_loader(arrays(), rows, batch_size)
    assert len(loader) == -(-len(rows) // batch_size)
    for _ in range(2):
        images, labels = (torch.cat(part) for part in zip(*loader, strict=True))
        assert labels.tolist() == rows.tolist()
        expected = normalised(arrays().images[rows])
        np.testing.assert_allclose(images.numpy(), expected, rtol=1e-5, atol=1e-5)


def unbalanced() -> Dataset:
    """One class with nine tenths of the images."""
    dataset = some_dataset()
    labels = (np.arange(COUNT) % 10 == 0).astype(np.int64)
    images = dataclasses.replace(dataset.source.train, labels=labels, class_names=("a", "b"))
    return dataclasses.replace(dataset, source=SourceImages(images, images, "f"))


def balanced_loader(batch_size: int = 5, workers: int = 0, shard=WHOLE, noise=True) -> TrainLoader:
    return TrainLoader(
        unbalanced(), Pixels(unbalanced().source.train.images, torch.device("cpu"), True),
        augmenter(noise=noise), normalise(), None, batch_size, 0, workers, shard, "balanced",
    )  # fmt: skip


def test_balanced_sampling_shows_every_class_equally_often_in_epochs_of_the_same_length():
    loader = balanced_loader()
    for epoch in range(3):
        labels = together(loader, epoch)[1]
        assert len(labels) == TRAINED == len(loader.rows)
        counts = np.bincount(labels.numpy())
        assert abs(counts[0] - counts[1]) <= 1
    assert not np.array_equal(loader.order(0), loader.order(1))
    assert np.array_equal(loader.order(1), balanced_loader(batch_size=7).order(1))


@pytest.mark.parametrize("noise", [False, True])
def test_balanced_batches_are_the_same_for_any_batch_size_worker_start_and_process(noise):
    expected = together(balanced_loader(noise=noise), 1)
    for batch_size, workers in ((5, 2), (3, 0), (TRAINED, 0)):
        found = together(balanced_loader(batch_size, workers, noise=noise), 1)
        assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    resumed = next(iter(balanced_loader(noise=noise).batches(1, 2, 3)))
    assert torch.equal(resumed.images, expected[0][10:15])
    parts = [balanced_loader(5, 0, Shard(rank, 2), noise) for rank in range(2)]
    halves = [next(iter(part.batches(1, 0, 1))) for part in parts]
    assert torch.equal(torch.cat([half.images for half in halves]), expected[0][:10])


def test_an_image_that_is_drawn_twice_is_not_augmented_twice_alike():
    loader = balanced_loader()
    order, images = loader.order(0), together(loader, 0)[0]
    rows, counts = np.unique(order, return_counts=True)
    often = images[np.flatnonzero(order == rows[counts.argmax()])]
    assert counts.max() > 2
    assert len({each.numpy().tobytes() for each in often}) == counts.max()


@pytest.fixture(scope="module")
def reference() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Images and labels of two epochs, one image per batch, augmented in this process."""
    loader = train_loader(batch_size=1, augment=augmenter())
    return [together(loader, epoch) for epoch in (0, 1)]


@pytest.mark.parametrize("parts", [2, 3])
def test_the_parts_of_a_batch_are_one_process_batch_at_as_many_times_the_size(parts):
    """Compares order and draws too; TRAINED images leave a smaller last batch."""
    stack = augmenter(noise=False)
    whole = loader_of(some_dataset(), stack, batch_size=5 * parts)
    shards = [
        loader_of(some_dataset(), stack, batch_size=5, shard=Shard(rank, parts))
        for rank in range(parts)
    ]
    assert TRAINED % (5 * parts) != 0
    assert [len(shard) for shard in shards] == [len(whole)] * parts
    every = zip(*(shard.batches(1, 1, len(whole)) for shard in shards), strict=True)
    for expected, pieces in zip(whole.batches(1, 1, len(whole)), every, strict=True):
        sizes = [len(piece.labels) for piece in pieces]
        assert max(sizes) - min(sizes) <= 1
        assert torch.equal(torch.cat([piece.labels for piece in pieces]), expected.labels)
        assert torch.equal(torch.cat([piece.images for piece in pieces]), expected.images)


def arrays(images: np.ndarray | None = None) -> ImageArrays:
    """Images with six rows and eight columns; each is its own class."""
    if images is None:
        images = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 8, 3), dtype=np.uint8)
    names = tuple(map(str, range(COUNT)))
    return ImageArrays(images, np.arange(COUNT), names, np.array(names))


def some_dataset(images: np.ndarray | None = None, rows: np.ndarray | None = None) -> Dataset:
    everything = arrays(images)
    train = np.arange(TRAINED) if rows is None else rows
    held_out = np.setdiff1d(np.arange(COUNT), train)
    return Dataset(SourceImages(everything, everything, "f"), train, held_out, MEAN, STD)


def train_loader(
    batch_size: int = 5, seed: int = 0, workers: int = 0, augment=None, rows=None
) -> TrainLoader:
    return loader_of(some_dataset(rows=rows), augment, batch_size, seed, workers)


def loader_of(
    dataset: Dataset,
    stack,
    batch_size: int = 5,
    seed: int = 0,
    workers: int = 0,
    mixing=None,
    shard: Shard = WHOLE,
) -> TrainLoader:
    pixels = Pixels(dataset.source.train.images, torch.device("cpu"), resident=True)
    return TrainLoader(
        dataset, pixels, stack, normalise(), mixing, batch_size, seed, workers, shard
    )


def augmenter(seed: int = 0, noise: bool = True) -> AugmentationStack:
    """Single-image steps followed by batched steps; without ``noise``, batched steps only."""
    steps = {"crop": PadAndCrop(2, "reflect", p=1.0), "flip": A.HorizontalFlip(p=0.5)}
    if noise:
        steps = {"noise": A.GaussNoise(p=1), **steps}
    return AugmentationStack(steps, seed, COUNT, (6, 8), lowered=True)


class WriteDown:
    """A stack that writes epoch and row into every pixel."""

    def __init__(self) -> None:
        self.images, self.batches = self, BatchSteps([])

    def __len__(self) -> int:
        return 1

    def __call__(self, image: np.ndarray, epoch: int, row: int) -> np.ndarray:
        image[:] = (epoch, row, 0)
        return image

    def described(self, workers: int) -> str:
        return f"{workers} workers"


def eval_loader(arrays: ImageArrays, rows: np.ndarray, batch_size: int) -> EvalLoader:
    pixels = Pixels(arrays.images, torch.device("cpu"), resident=True)
    return EvalLoader(pixels, arrays.labels, rows, normalise(), batch_size)


def normalise() -> Normalise:
    return Normalise(MEAN, STD, torch.device("cpu"), channels_last=False, dtype=torch.float32)


def normalised(images: np.ndarray) -> np.ndarray:
    return ((images / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


def train_in_another_process(then: str) -> None:
    """Run by :func:`another_process`; its loader lives as long as the process."""
    global loader
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    loader = train_loader(batch_size=4, workers=2, augment=augmenter())
    batches = loader.batches(0, 0, len(loader))
    labels = next(batches).labels.tolist()
    print("first batch", flush=True)
    if then == "fail":
        raise RuntimeError("something went wrong")
    input()
    for batch in batches:
        labels += batch.labels.tolist()
    print(f"all {len(set(labels))} labels", flush=True)


@contextlib.contextmanager
def another_process(then: str) -> Iterator[subprocess.Popen]:
    """Trains in a separate process group, which is cleaned up afterwards."""
    code = f"from tests.data.test_loaders import *; train_in_another_process({then!r})"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def whole(loader: TrainLoader, epoch: int) -> list:
    return list(loader.batches(epoch, 0, len(loader)))


def together(loader: TrainLoader, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = (torch.cat(part) for part in zip(*whole(loader, epoch), strict=True))
    return images, labels
