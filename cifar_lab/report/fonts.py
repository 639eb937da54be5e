"""Says which class names figures cannot spell."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cifar_lab.report.blocks import Text
from cifar_lab.report.figures.lettering import SHAPES, missing

log = logging.getLogger("cifar_lab")

#: How many characters without a font are named.
NAMED = 12


def without_font(class_names: Sequence[str]) -> list[Text]:
    """A warning if pictures cannot show some characters of the names; it is logged, too."""
    characters = missing(class_names)
    if not characters:
        return []
    more = f" and {len(characters) - NAMED} more" if len(characters) > NAMED else ""
    newer = "" if SHAPES else ", and matplotlib 3.11 for letters that join or run from the right"
    text = (
        f"Pictures cannot show the characters {' '.join(characters[:NAMED])}{more}: they give such "
        "classes by number, as in the table of classes. For names in pictures, install a font that "
        f"has them, e.g. Noto Sans CJK{newer}, and redraw the report."
    )
    log.warning(text)
    return [Text(text, warning=True)]
