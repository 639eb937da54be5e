"""Replaces what lies between two marking lines of a text."""

from __future__ import annotations


class NoMarkers(ValueError):
    """A text has no markers for the table."""


def between(text: str, start: str, end: str, table: str) -> str:
    """Replaces what lies between two markers.

    Args:
        text: contains the two markers, each once, on separate lines.
        start: first marker.
        end: last marker.
        table: to put between them, on lines of its own.

    Raises:
        NoMarkers: the text does not contain both.
    """
    before, found, rest = text.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise NoMarkers(f"the table goes between the lines {start} and {end}; add both")
    return f"{before}{start}\n{table}\n{end}{after}"
