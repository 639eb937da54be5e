"""Tables for LaTeX."""

from __future__ import annotations

from collections.abc import Collection, Sequence

#: What LaTeX would read as commands, and what its default fonts lack.
ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "²": r"$^2$",
    "×": r"$\times$",
}


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    return "".join(ESCAPED.get(character, character) for character in " ".join(text.split()))


def tabular(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    words: Sequence[bool],
    bold: Collection[tuple[int, int]] = (),
) -> str:
    """A ``tabular`` with the rules of booktabs.

    Args:
        header: one cell per column, as plain text.
        rows: likewise.
        words: for each column whether it is text, aligned left.
        bold: cells in bold, as row and column, from 0.
    """
    lines = [
        "\\begin{tabular}{" + "".join("l" if each else "r" for each in words) + "}",
        "\\toprule",
        _line([escaped(cell) for cell in header]),
        "\\midrule",
    ]
    for number, row in enumerate(rows):
        cells = [escaped(cell) for cell in row]
        lines.append(
            _line([rf"\textbf{{{c}}}" if (number, n) in bold else c for n, c in enumerate(cells)])
        )
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def _line(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be an argument of the line break before it.
    first = "{}" if cells[0].startswith(("[", "*")) else ""
    return first + " & ".join(cells) + r" \\"
