"""How long an epoch takes is told from a batch, before any image is loaded."""

from __future__ import annotations

from cifar_lab import assembly
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

COMPOSER = Composer()
WORDS = [
    "dataset=digits",
    "model=three_block",
    "trainer.batch_size=64",
    "trainer.precision=float32",
]


def times(*words):
    config = preflight(COMPOSER, [*WORDS, *words]).job()
    return assembly.batch_times(config, assembly.Tried())


def test_an_epoch_has_the_batches_and_the_evaluated_images_of_the_data():
    found = times("model.widths=[4,4,4]")
    # 1,437 training images, a tenth of each class held out: 1,293 and 144.
    assert (found.batches, found.evaluated) == (21, 144)
    assert found.epoch_seconds == 21 * found.training + 144 * found.evaluation
    assert min(found.training, found.evaluation) > 0


def test_limited_epochs_have_fewer_batches():
    assert times("model.widths=[4,4,4]", "trainer.limit_batches=3").batches == 3


def test_parts_that_cannot_be_built_are_not_timed():
    config = preflight(COMPOSER, WORDS).job()
    config["optimizer"]["lr"] = -1.0
    assert assembly.batch_times(config, assembly.Tried()) is None
