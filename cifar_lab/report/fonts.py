"""Says which class names figures cannot spell."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cifar_lab.report.blocks import Text
from cifar_lab.report.figures.lettering import missing

log = logging.getLogger("cifar_lab")

#: How many characters without a font are named.
NAMED = 12


def without_font(class_names: Sequence[str]) -> list[Text]:
    """A warning if no installed font has some characters of the names; it is logged, too."""
    characters = missing(class_names)
    if not characters:
        return []
    more = f" and {len(characters) - NAMED} more" if len(characters) > NAMED else ""
    text = (
        f"No installed font has the characters {' '.join(characters[:NAMED])}{more}: figures give "
        "such classes by number, and the table of classes names them. For names in figures, "
        "install a font that has them, e.g. Noto Sans CJK, and redraw the report."
    )
    log.warning(text)
    return [Text(text, warning=True)]
