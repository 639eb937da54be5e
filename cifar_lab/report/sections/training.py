"""How the run was trained."""

from __future__ import annotations

import math
from functools import partial
from itertools import chain
from typing import Any

from cifar_lab.engine.hooks import COLUMNS
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Text
from cifar_lab.report.charts import svg
from cifar_lab.report.charts import training as charts
from cifar_lab.report.charts.lr_finder import range_tests as range_tests_plot
from cifar_lab.report.charts.plot import Plot
from cifar_lab.report.charts.values import table_of
from cifar_lab.report.figures import training as figures
from cifar_lab.report.figures.lr_finder import range_tests
from cifar_lab.report.reading import Reading
from cifar_lab.run.lr_finder import RULE_NAMES, LrFinder, rate
from cifar_lab.wording import plural, several

#: Most columns of hooks that are drawn.
MOST_COLUMNS = 12
#: Names under which optimizers take their momentum.
MOMENTA = ("momentum", "betas", "sgd_momentum", "nesterov")


def training(reading: Reading) -> Section:
    """Curves over the same epochs, their values, and the momentum."""
    found = reading.run.lr_finder
    plot = partial(_plot, reading)
    return Section(
        "Training",
        [
            *attempts.chart(
                lambda: svg.chart(plot(), "training", _last(reading), _caption(reading)),
                [_curves(reading), _learning_rate(reading)],
            ),
            table_of(plot(), "Values of every epoch"),
            *_columns(reading),
            *([] if found is None else _range_tests(found)),
            Text(momentum(reading.run.config)),
        ],
    )


def _plot(reading: Reading) -> Plot:
    """Loss, accuracy, learning rate and speed over the same epochs."""
    rows, ends, steps = reading.run.metrics, reading.ends, reading.steps_per_epoch
    further = charts.rates(rows, ends, reading.planned, steps, reading.first_step)
    return charts.history(rows, ends, reading.run.summary.reported_epoch, steps, further)


def momentum(config: dict[str, Any]) -> str:
    """The optimizer's momentum, which none of our schedules changes."""
    optimizer = config["optimizer"]
    name = str(optimizer["_target_"]).rsplit(".", 1)[-1]
    found = [f"{key} {_words(optimizer[key])}" for key in MOMENTA if key in optimizer]
    if not found:
        return f"The optimizer, {name}, has no momentum."
    return f"The optimizer, {name}, used {several(found)} throughout, as planned."


def _last(reading: Reading) -> str:
    """Text for readers who cannot see the curves."""
    rows = reading.run.metrics
    splits = [name for name in figures.SPLIT_NAMES if f"{name}_loss" in rows[-1]]
    last = "; ".join(
        f"{figures.SPLIT_NAMES[s]} loss {rows[-1][f'{s}_loss']:.3f} and accuracy "
        f"{rows[-1][f'{s}_accuracy']:.1%}"
        for s in splits
    )
    return f"Loss and accuracy over {plural(len(rows), 'epoch', 'epochs')}; final {last}."


def _caption(reading: Reading) -> str:
    caption = (
        "Loss and accuracy after each epoch, averaged over images. Training values are accumulated "
        "during the epoch, on augmented images and while the weights are still changing."
    )
    if "test_loss" in reading.run.metrics[-1]:
        caption += " The test curve is for information only: it was not used to choose anything."
    caption += f" Dashed: epoch {reading.run.summary.reported_epoch}, which is reported."
    extends = reading.run.config.get("extends")
    if extends is not None:
        caption += (
            f" The run extends {extends['run']} from epoch {extends['epochs']} on, where its "
            "curves begin."
        )
    limit = reading.run.config["trainer"].get("limit_batches")
    if limit is not None:
        caption += (
            f" Each epoch was cut to {plural(limit, 'batch', 'batches')} (trainer.limit_batches); "
            "its values lie at its last update, on the scale of the whole schedule."
        )
    return caption


def _curves(reading: Reading) -> Block:
    rows = reading.run.metrics
    return picture(
        "curves",
        lambda: figures.curves(rows, reading.ends, reading.run.summary.reported_epoch),
        alt=_last(reading),
        caption=_caption(reading),
    )


def _columns(reading: Reading) -> list[Block]:
    """What the hooks of the run measured after each epoch."""
    rows = reading.run.metrics
    names = [name for name in dict.fromkeys(chain(*rows)) if name not in COLUMNS]
    if not names:
        return []
    shown, last = names[:MOST_COLUMNS], rows[-1]
    caption = "What hooks measured after each epoch, by column of metrics.csv."
    if len(names) > len(shown):
        caption += f" Showing {len(shown)} of {len(names)} columns."
    values = several([f"{name} {last.get(name, math.nan):.4g}" for name in shown])
    reported = reading.run.summary.reported_epoch
    alt = f"Columns of hooks over {plural(len(rows), 'epoch', 'epochs')}; final {values}."
    figure = picture(
        "columns",
        lambda: figures.columns(rows, shown, reading.ends, reported),
        alt=alt,
        caption=caption,
    )
    return attempts.plot(charts.columns(rows, shown, reading.ends, reported), figure)


def _learning_rate(reading: Reading) -> Block:
    planned = reading.planned
    rates = [row["lr"] for row in reading.run.metrics]
    used = list(zip(reading.ends, rates, strict=True))
    return picture(
        "learning_rate",
        lambda: figures.learning_rate(
            planned, reading.steps_per_epoch, used, first_step=reading.first_step
        ),
        alt=f"Learning rate: starts at {planned[0]:.3g}, peaks at {max(planned):.3g}, ends at "
        f"{planned[-1]:.3g} after {plural(len(planned), 'step', 'steps')}.",
        caption="Learning rate as planned, and as recorded at the last step of each epoch.",
    )


def _range_tests(found: LrFinder) -> list[Block]:
    rule, chosen = RULE_NAMES[found.settings.suggestion], found.chosen
    assert chosen is not None, "a run is not trained without a suggestion"
    seeds = plural(chosen.seeds, "seed", "seeds")
    taken = f"{rate(found.max_lr)}, the median suggestion by {rule} over {seeds}"
    figure = picture(
        "lr_finder",
        lambda: range_tests(found),
        alt=f"Smoothed loss against learning rate; chosen: {taken} (range {rate(chosen.lowest)} to "
        f"{rate(chosen.highest)}).",
        caption=f"Range tests before training set the maximum learning rate to {taken}. Each rule "
        "is shown with its median over the seeds.",
    )
    return attempts.plot(range_tests_plot(found), figure)


def _words(value: Any) -> str:
    return several([f"{v:g}" for v in value]) if isinstance(value, list) else str(value).lower()
