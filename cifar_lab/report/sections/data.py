"""The data that the model saw. ``cifar-lab show data`` shows the same before a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.duplicates import Copy, copies, trained_on
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Picture, Section, Table, Text
from cifar_lab.report.charts.bars import bars
from cifar_lab.report.charts.plot import Axis, Panel, Plot, Series
from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.figures.chart import COUNTED_CLASSES
from cifar_lab.report.figures.data import class_distribution
from cifar_lab.report.figures.images import samples
from cifar_lab.report.figures.lettering import in_glyphs
from cifar_lab.report.figures.training import SPLIT_NAMES
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.augmented import augmented, spread
from cifar_lab.report.sections.label_errors import label_errors
from cifar_lab.report.sections.mixed import mixed
from cifar_lab.report.sections.near_duplicates import near_duplicates
from cifar_lab.report.sections.sizes import sizes
from cifar_lab.wording import percent, plural, several

#: Sample images in all, images in a row, and classes named in words.
SAMPLES, EACH, CLASSES = 200, 8, 20
#: What the page says of a chart of many classes.
RANKED = "The classes of each split are in the order of their number of images."
#: How many copies and how many conflicts are listed.
NAMED = 5


def data(reading: Reading) -> Section:
    """Counts, sizes, samples, duplicates and augmented images."""
    dataset = reading.dataset
    shown = [
        *splits(dataset),
        *without_copies(reading),
        *near_duplicates(reading),
        *attempts.blocks("Suspected label errors", partial(label_errors, reading)),
        *sizes(dataset),
        *samples_of_classes(dataset),
        *augmented(reading),
        *attempts.blocks("The mixed batch", partial(mixed, reading)),
    ]
    return Section("Data", shown)


def splits(data: Dataset) -> list[Block]:
    """Images per split and class, normalisation and duplicates."""
    counts = class_counts(data)
    return [
        _table(data, counts),
        Text(f"Normalised with {normalised_by(data)}."),
        *(Text(f"{note[0].upper()}{note[1:]}.") for note in data.source.notes),
        *map(Text, duplicates_found(data)),
        *_distribution(counts, data.class_names),
        _of_classes(counts, data.class_names),
    ]


def normalised_by(data: Dataset) -> str:
    """Mean and standard deviation of each channel, of pixel values / 255."""
    return (
        f"mean {channels(data.mean)} and standard deviation {channels(data.std)} of R, G, B / 255"
    )


def channels(values: NDArray[np.float64]) -> str:
    """Format one number per channel, float64 ``(3,)``, to eight digits."""
    return " ".join(f"{value:.8f}" for value in values)


def class_counts(data: Dataset) -> dict[str, NDArray[np.int64]]:
    """Number of images per class in each split, int64 ``(classes,)``."""
    labels = {
        "train": data.source.train.labels[data.train_indices],
        "val": data.source.train.labels[data.val_indices],
        "test": data.source.test.labels,
    }
    number = len(data.class_names)
    return {split: np.bincount(values, minlength=number) for split, values in labels.items()}


def duplicates_found(data: Dataset) -> list[str]:
    """Sentences about exact copies across the splits, and about copies with different labels."""
    groups = copies(data)
    used = ["val", "test"] if len(data.val_indices) else ["test"]
    sentences = [_copied(groups, "train", split) for split in used]
    if len(used) == 2:
        sentences.append(_copied(groups, "val", "test"))
    found = [sentence for sentence in sentences if sentence is not None]
    if not found:
        within = " or validation" if len(used) == 2 else ""
        found = [f"No test{within} image is an exact copy of an image trained on."]
    return [*found, *_conflicts(groups, data.class_names)]


def _copied(groups: Sequence[tuple[Copy, ...]], first: str, second: str) -> str | None:
    """A sentence about the copies in one split of images in another; None without any."""
    pairs = []
    for group in groups:
        originals = [copy for copy in group if copy.split == first]
        pairs += [(copy, originals[0]) for copy in group if copy.split == second if originals]
    if not pairs:
        return None
    one, many = (f"{SPLIT_NAMES[second]} image is", f"{SPLIT_NAMES[second]} images are")
    of = {"train": "an image", "val": "a validation image"}[first]
    of_many = {"train": "images trained on", "val": "validation images"}[first]
    one += f" an exact copy of {of}{' trained on' if first == 'train' else ''}"
    named = [f"{copy.sample_id} = {original.sample_id}" for copy, original in pairs[:NAMED]]
    return (
        f"{plural(len(pairs), one, f'{many} exact copies of {of_many}')}: "
        f"{several([*named, *_more(len(pairs))])}."
    )


def _conflicts(groups: Sequence[tuple[Copy, ...]], names: Sequence[str]) -> list[str]:
    """At most one sentence, about copies with different labels."""
    found = [group for group in groups if len({copy.label for copy in group}) > 1]
    if not found:
        return []
    named = []
    for group in found[:NAMED]:
        other = next(copy for copy in group if copy.label != group[0].label)
        named.append(
            " = ".join(
                f"{copy.sample_id} ({names[copy.label]}, {SPLIT_NAMES[copy.split]})"
                for copy in (group[0], other)
            )
        )
    one, many = "image has copies with different labels", "images have copies with different labels"
    return [f"{plural(len(found), one, many)}: {several([*named, *_more(len(found))])}."]


def _more(count: int) -> list[str]:
    return [f"{count - NAMED} more"] if count > NAMED else []


def without_copies(reading: Reading) -> list[Block]:
    """The accuracy without exact copies of images trained on; nothing without copies."""
    name, seen = reading.evaluated.name, trained_on(copies(reading.dataset), reading.evaluated)
    if not seen.any():
        return []
    right, unseen = reading.right, ~seen
    accuracy = (
        f"{name.capitalize()} accuracy is {percent(right.mean())} on all {len(right):,} {name} "
        "images"
    )
    if not unseen.any():
        return [Text(f"{accuracy}, all of which are exact copies of images trained on.")]
    return [
        Text(
            f"{accuracy}, and {percent(right[unseen].mean())} on the {unseen.sum():,} that are not "
            "exact copies of images trained on."
        )
    ]


def _table(data: Dataset, counts: dict[str, NDArray[np.int64]]) -> Table:
    height, width = data.image_size
    rows = [
        [SPLIT_NAMES[split], f"{values.sum():,}", _range(values)]
        for split, values in counts.items()
        if values.sum()
    ]
    return Table(
        ("split", "images", "images per class", "height × width"),
        [[*row, f"{height}×{width}"] for row in rows],
    )


def _range(values: NDArray[np.int64]) -> str:
    low, high = f"{values.min():,}", f"{values.max():,}"
    return low if low == high else f"{low} to {high}"


def _distribution(counts: dict[str, NDArray[np.int64]], names: Sequence[str]) -> list[Block]:
    train = counts["train"]
    drawn = Picture(
        "class_distribution",
        class_distribution(counts, names),
        alt=f"Images per class; {_range(train)} in training.",
        caption="Images per class in each split.",
    )
    if len(names) > COUNTED_CLASSES:
        return attempts.plot(_by_rank(counts), replace(drawn, caption=f"{drawn.caption} {RANKED}"))
    shown = {
        SPLIT_NAMES[split]: values.tolist() for split, values in counts.items() if values.sum()
    }
    return attempts.chart(
        lambda: bars(shown, names, "class", drawn.name, drawn.alt, drawn.caption), [drawn]
    )


def _by_rank(counts: dict[str, NDArray[np.int64]]) -> Plot:
    """Of many classes: how even they are, each split in an order of its own."""
    shown = {split: values for split, values in counts.items() if values.sum()}
    ranks = np.arange(1, len(counts["train"]) + 1).tolist()
    series = [
        Series(name=SPLIT_NAMES[split], x=ranks, y=np.sort(values)[::-1].tolist(), colour=colour)
        for colour, (split, values) in enumerate(shown.items())
    ]
    return Plot(
        x=Axis(
            label="class, by number of images", low=1, high=len(ranks), whole=True, digits=".0f"
        ),
        panels=[Panel(Axis(label="images of the class", low=0, whole=True, digits=".0f"), series)],
    )


def _of_classes(counts: dict[str, NDArray[np.int64]], names: Sequence[str]) -> Table:
    """A row per class, to sort by the images of any split."""
    used = {split: values for split, values in counts.items() if values.sum()}
    rows = [
        [str(label), name, *(f"{values[label]:,}" for values in used.values())]
        for label, name in enumerate(names)
    ]
    header = ("number", "class", *(SPLIT_NAMES[split] for split in used))
    label = f"Images of {'the class' if len(names) == 1 else f'each of the {len(names)} classes'}"
    return Table(header, rows, text_columns=(1,), folded=label)


def samples_of_classes(data: Dataset) -> list[Block]:
    """Training images of each class, labelled with its name."""
    train, names = data.source.train, data.class_names
    labels = train.labels[data.train_indices]
    each, shown = samples_of_each(len(names)), range(min(len(names), SAMPLES))
    rows = {label: spread(data.train_indices[labels == label], each) for label in shown}
    all_of_them = len(shown) == len(names)
    told = f"all {len(names)}" if all_of_them else f"{len(shown)} of {len(names)}"
    first = [*(names[label] for label in shown[:CLASSES]), *["others"] * (len(shown) > CLASSES)]
    flat = [(int(r), label) for label, found in rows.items() for r in found]
    drawn = Picture(
        "samples",
        samples(
            [train.images[r] for r, _ in flat],
            [in_glyphs(names[label], names) for _, label in flat],
            EACH,
        ),
        alt=f"Training images of {several(first)}.",
        caption=f"Training images with their labels, at most {each} of each class, evenly spaced "
        f"through it. Showing {told} classes.",
        width="natural",
    )
    return attempts.rows(
        lambda: [
            Row([names[label]], [Tile(train.images[int(r)]) for r in found])
            for label, found in rows.items()
        ],
        drawn,
    )


def samples_of_each(classes: int) -> int:
    """Images of each class, so that rows hold whole classes: the most that ``SAMPLES`` allow."""
    return next((each for each in (EACH, 4, 2) if each * classes <= SAMPLES), 1)
