"""The list of figures that ``explain`` drew."""

from __future__ import annotations

import json

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.drawn import DrawnFigure, read_drawn, write_drawn
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.store import Store


def test_a_new_answer_replaces_the_figures_of_the_old_one(tmp_path):
    folder = RunFolder(tmp_path)
    files = Store(folder)
    assert read_drawn(files) == ()
    long = [DrawnFigure(name, "a", f"Of {name}.") for name in ("a", "a-2")]
    other = DrawnFigure("b", "b", "Of b.")
    write_drawn(files, "a", [(figure, figure.name.encode()) for figure in long])
    write_drawn(files, "b", [(other, b"b")])
    assert read_drawn(files) == (*long, other)
    assert folder.figure("a-2").read_bytes() == b"a-2"
    short = DrawnFigure("a", "a", "Anew.")
    write_drawn(files, "a", [(short, b"new")])
    assert read_drawn(files) == (other, short)
    assert folder.figure("a").read_bytes() == b"new"
    assert not folder.figure("a-2").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a b", ""])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    folder = RunFolder(tmp_path)
    files = Store(folder)
    folder.drawn_figures.parent.mkdir()
    figure = {"name": name, "question": "a", "caption": "c"}
    folder.drawn_figures.write_text(json.dumps({"format": 2, "figures": [figure]}))
    with pytest.raises(Refusal, match="is not the name of a figure"):
        read_drawn(files)
