"""Images that show the same picture with different pixels, within and across the splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.duplicates import Copy
from cifar_lab.data.near_duplicates import ALIKE, NearDuplicates
from cifar_lab.data.near_pairs import NearPair, counterparts, near_pairs, near_trained_on
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Table, Text
from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.figures.image_pairs import image_pairs
from cifar_lab.report.figures.lettering import in_glyphs
from cifar_lab.report.figures.training import SPLIT_NAMES
from cifar_lab.report.reading import Reading
from cifar_lab.wording import percent, plural

#: Pairs shown, pairs with different labels shown, and pairs listed.
SHOWN, CONFLICTS, LISTED = 12, 12, 100
#: Pairs of splits, the more telling ones first.
COMPARED = (("test", "train"), ("val", "train"), ("test", "val"), ("train", "train"))
#: How they are found, for whoever reads the numbers.
METHOD = (
    "Near-duplicates are pairs of images that show the same picture with different pixels: "
    "recompressed, mirrored, cropped a little or in other colours. Here, they are pairs whose fine "
    f"detail, at up to 32×32 pixels, has a correlation of at least {ALIKE:.2f}, also mirrored or "
    "shifted by a pixel. Exact copies are not among them. Pairs near this threshold may show "
    "different things, and copies that were changed more are missed."
)


def near_duplicates(reading: Reading) -> list[Block]:
    """Counts and pictures, and the accuracy without such images."""
    found, data = reading.near_duplicates, reading.dataset
    if found is None:
        return []
    return [
        *attempts.blocks("Near-duplicates", lambda: near_duplicates_of(data, found)),
        *attempts.blocks("The accuracy without near-duplicates", lambda: _without(reading, found)),
    ]


def near_duplicates_of(data: Dataset, found: NearDuplicates) -> list[Block]:
    """How many images have a near-duplicate, and the closest pairs."""
    if found.reason:
        return [Text(f"Near-duplicates were not looked for: {found.reason}.")]
    pairs = near_pairs(data, found)
    if not pairs:
        return [Text(METHOD), Text("No two of the images are near-duplicates.")]
    return [Text(METHOD), _counts(data, pairs), *_pictures(data, pairs), _list(data, pairs)]


def near_duplicates_in_words(data: Dataset, found: NearDuplicates) -> list[str]:
    """A sentence for each two splits, for a terminal."""
    if found.reason:
        return [f"near-duplicates were not looked for: {found.reason}"]
    pairs, sizes = near_pairs(data, found), _sizes(data)
    return [
        f"{SPLIT_NAMES[split]}: {len(counterparts(pairs, split, other)):,} of {sizes[split]:,} "
        f"images have a near-duplicate in {SPLIT_NAMES[other]}"
        for split, other in COMPARED
        if sizes[split] and sizes[other]
    ]


def _sizes(data: Dataset) -> dict[str, int]:
    train, val = len(data.train_indices), len(data.val_indices)
    return {"train": train, "val": val, "test": len(data.source.test)}


def _counts(data: Dataset, pairs: Sequence[NearPair]) -> Table:
    """A row for each two splits: images of the first with a near-duplicate in the second."""
    sizes, rows = _sizes(data), []
    for split, other in COMPARED:
        if sizes[split] and sizes[other]:
            found = counterparts(pairs, split, other)
            share = percent(len(found) / sizes[split])
            conflicts = f"{sum(found.values()):,}"
            names = [SPLIT_NAMES[split], SPLIT_NAMES[other]]
            rows.append([*names, f"{len(found):,}", share, conflicts])
    header = ("images of", "with a near-duplicate in", "images", "share", "label differs")
    return Table(header, rows, text_columns=(1,))


def _pictures(data: Dataset, pairs: Sequence[NearPair]) -> list[Block]:
    """The closest pairs, those across splits if there are any; then those whose labels differ."""
    across = [pair for pair in pairs if pair.splits[0] != pair.splits[1]]
    where = "of different splits" if across else "of the same split"
    drawn = _grid(
        data,
        across or pairs,
        SHOWN,
        "near_duplicates",
        f"Near-duplicates {where}, the most similar first, with the correlation of their detail.",
    )
    conflicts = [pair for pair in pairs if pair.conflict]
    if conflicts:
        drawn += _grid(
            data,
            conflicts,
            CONFLICTS,
            "near_duplicates_with_different_labels",
            "Near-duplicates with different labels, the most similar first: one of the labels is "
            "wrong, or the images show different things.",
        )
    return drawn


def _grid(
    data: Dataset, pairs: Sequence[NearPair], most: int, name: str, caption: str
) -> list[Block]:
    shown, names = pairs[:most], data.class_names
    of = f"all {len(shown)}" if len(shown) == len(pairs) else f"{len(shown)} of {len(pairs):,}"
    drawn = picture(
        name,
        lambda: image_pairs(
            [(_image(data, pair.first), _image(data, pair.second)) for pair in shown],
            [in_glyphs(_title(pair, names), names) for pair in shown],
        ),
        alt=f"{plural(len(shown), 'pair', 'pairs')} of near-duplicates side by side; the most "
        f"similar: {_words(shown[0], names)}.",
        caption=f"{caption} Each with its split, class and name. Showing {of}.",
        width="natural",
    )
    return attempts.rows(lambda: [_row(data, pair) for pair in shown], drawn, large=True)


def _image(data: Dataset, of: Copy) -> NDArray[np.uint8]:
    arrays = data.source.test if of.split == "test" else data.source.train
    return np.asarray(arrays.images[of.row])


def _row(data: Dataset, pair: NearPair) -> Row:
    tiles = [
        Tile(
            _image(data, each),
            [SPLIT_NAMES[each.split], data.class_names[each.label], _file(each)],
        )
        for each in (pair.first, pair.second)
    ]
    return Row(_heading(pair), tiles)


def _heading(pair: NearPair) -> list[str]:
    """The correlation, and what is special about a pair."""
    return [
        f"{pair.alike:.2f}",
        *["mirrored"] * pair.mirrored,
        *["labels differ"] * pair.conflict,
    ]


def _title(pair: NearPair, names: Sequence[str]) -> str:
    """Four lines: the correlation, splits and classes, and the names of both images."""
    both = (pair.first, pair.second)
    of = " – ".join(f"{SPLIT_NAMES[each.split]}, {names[each.label]}" for each in both)
    return "\n".join([", ".join(_heading(pair)), of, *map(_file, both)])


def _file(image: Copy) -> str:
    """The image's name without folders, which are those of its split and class."""
    return image.sample_id.rpartition("/")[2] or image.sample_id


def _words(pair: NearPair, names: Sequence[str]) -> str:
    first, second = (
        f"{each.sample_id} ({names[each.label]}, {SPLIT_NAMES[each.split]})"
        for each in (pair.first, pair.second)
    )
    return f"{first} and {second}"


def _list(data: Dataset, pairs: Sequence[NearPair]) -> Table:
    """Pairs across splits first, each part with the most similar first."""
    ordered = sorted(pairs, key=lambda pair: pair.splits[0] == pair.splits[1])[:LISTED]
    names = data.class_names
    rows = [
        [
            *(
                cell
                for each in (pair.first, pair.second)
                for cell in (each.sample_id, SPLIT_NAMES[each.split], names[each.label])
            ),
            f"{pair.alike:.2f}",
            "yes" if pair.mirrored else "no",
        ]
        for pair in ordered
    ]
    header = ("image", "split", "class", "near-duplicate", "split", "class", "correlation",
              "mirrored")  # fmt: skip
    of = f"{len(rows)} of {len(pairs):,} pairs" if len(rows) < len(pairs) else "All pairs"
    label = f"{of} of near-duplicates, those of different splits first"
    return Table(header, rows, text_columns=(1, 2, 3, 4, 5, 7), folded=label)


def _without(reading: Reading, found: NearDuplicates) -> list[Block]:
    """The accuracy on images without a near-duplicate among those trained on."""
    split, right = reading.evaluated, reading.right
    seen = near_trained_on(near_pairs(reading.dataset, found), split)
    if not seen.any() or seen.all():
        return []
    return [
        Text(
            f"{split.name.capitalize()} accuracy is {percent(right[~seen].mean())} on the "
            f"{(~seen).sum():,} {split.name} images without a near-duplicate among the images "
            f"trained on, and {percent(right[seen].mean())} on the {seen.sum():,} with one."
        )
    ]
