"""Training images per second, including the input pipeline, by batch size and threads."""

from __future__ import annotations

import dataclasses

from benchmarks import ours
from benchmarks.cases.epoch import experiment
from benchmarks.measure import Case, Result, Settings, arithmetic_mean, compare, threads, timed

BATCH_SIZES = (64, 128, 256, 512, 1024)


def run(settings: Settings) -> Result:
    """Times 1 and 2 threads in turn at each batch size; the value is the ratio at 512."""
    sizes = BATCH_SIZES[:2] if settings.quick else BATCH_SIZES
    images = settings.size(5_120, 128)
    results = {size: _at(settings, size, images) for size in sizes}
    series = {
        name: {
            f"batch {size}": images / arithmetic_mean(getattr(result, side))[0]
            for size, result in results.items()
        }
        for name, side in (("images/s, 1 thread", "theirs"), ("images/s, 2 threads", "ours"))
    }
    chosen = results[512 if 512 in results else sizes[-1]]
    return dataclasses.replace(chosen, series=series)


def _at(settings: Settings, batch_size: int, images: int) -> Result:
    built = experiment(
        settings,
        "auto",
        f"trainer.batch_size={batch_size}",
        f"trainer.limit_batches={images // batch_size}",
        "trainer.test_every_epoch=false",
    )

    def with_threads(number: int) -> None:
        with threads(number):
            ours.fit(built)

    return compare(
        timed(lambda: with_threads(2)), timed(lambda: with_threads(1)), settings.size(3, 2)
    )


CASES = [
    Case(
        name="throughput",
        what="training images per second, three-block network, batch 512, 2 threads",
        against="1 thread",
        run=run,
    )
]
