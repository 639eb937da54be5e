"""Fixtures that observe charts as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@pytest.fixture
def drawn(monkeypatch) -> Iterator[list[Figure]]:
    """The charts drawn, in order; checks that none is cut off at its edges."""
    made: list[Figure] = []
    write = Figure.savefig

    def observed(figure, *arguments, **options):
        made.append(figure)
        return write(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", observed)
    yield made
    for figure in made:
        drawn_box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
        width, height = figure.get_size_inches()
        assert min(drawn_box.x0, drawn_box.y0) >= 0, "cut off at the left or below"
        assert drawn_box.x1 <= width, "cut off at the right"
        assert drawn_box.y1 <= height, "cut off above"


@pytest.fixture
def titles(monkeypatch) -> list[str]:
    """Text of image grids as it is written, in order."""
    written: list[str] = []
    text = Figure.text

    def observed(figure, x, y, title, **settings):
        written.append(title)
        return text(figure, x, y, title, **settings)

    monkeypatch.setattr(Figure, "text", observed)
    return written
