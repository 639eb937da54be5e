"""Text in LaTeX."""

from __future__ import annotations

import re

from cifar_lab.results.latex import escaped, tabular


def test_nothing_is_read_as_a_command():
    text = escaped('50 % of $x_1 & {a}^~\\cmd #1 <b>|"\nnew line ± −1 –')
    assert text == (
        r"50 \% of \$x\_1 \& \{a\}\textasciicircum{}\textasciitilde{}\textbackslash{}cmd \#1 "
        r"\textless{}b\textgreater{}\textbar{}\textquotedbl{} new line $\pm$ $-$1 --"
    )
    assert not re.search(r"(?<!\\)[%#]", text)


def test_a_table_has_a_cell_per_column_and_bold_where_told():
    text = tabular(["a_b", "n"], [["x & y", "1"], ["[z]", "2"]], [True, False], {(1, 1)})
    assert text.splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"a\_b & n \\",
        r"\midrule",
        r"x \& y & 1 \\",
        r"{}[z] & \textbf{2} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
