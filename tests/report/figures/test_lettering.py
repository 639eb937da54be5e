"""Names in figures: drawn as they are, short, different, and never as formulas."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

from cifar_lab.analysis.misclassified import Misclassified
from cifar_lab.analysis.predictions import class_results
from cifar_lab.report.charts import effects as charts
from cifar_lab.report.charts import predictions as prediction_charts
from cifar_lab.report.charts import study as study_charts
from cifar_lab.report.figures import (
    attribution,
    comparison,
    data,
    dots,
    effects,
    history,
    images,
    predictions,
    sweep,
    training,
)
from cifar_lab.report.figures import lettering as lettering_module
from cifar_lab.report.figures.attribution import Scaled, Series
from cifar_lab.report.figures.lettering import (
    fitted,
    in_glyphs,
    labels,
    lettering,
    missing,
    on_one_line,
    on_two_lines,
    width,
)

#: Names that ended reports once, or would: formulas, markup, length, scripts, control characters.
HOSTILE = (
    "$5_$", "x$^$y", "cost $a_b_c$", r"\frac{1}{", "n" * 101, "n" * 101 + "x" + "n" * 101,
    "Æble 苹果", "<b>&amp;", "a\tb", "*star* [link](x) | `code`", "\u202eright to left", "",
)  # fmt: skip
COUNT = len(HOSTILE)
PIXELS = np.zeros((COUNT, 4, 4, 3), np.uint8)
MATRIX = np.eye(COUNT, dtype=np.int64)
CURVES = [sweep.Curve(name, [1], [[0.5]]) for name in HOSTILE]
FACTOR = SimpleNamespace(
    key=HOSTILE[1],
    balanced=False,
    levels=[SimpleNamespace(value=name, mean=1.0, low=0.5, high=2.0) for name in HOSTILE],
)
MEANS = Series(np.ones((COUNT, 2, 2), np.float32), HOSTILE, [""] * COUNT)
DRAWINGS = {
    "confusion": lambda: predictions.confusion_matrix(MATRIX, HOSTILE),
    "classes": lambda: dots.dots(prediction_charts.recalls(class_results(MATRIX, HOSTILE))),
    "distribution": lambda: data.class_distribution({"train": np.arange(COUNT)}, HOSTILE),
    "study": lambda: dots.dots(study_charts.classes(HOSTILE, np.full((1, COUNT), 0.5))),
    "samples": lambda: images.samples(PIXELS, HOSTILE, 4),
    "gallery": lambda: attribution.gallery(
        PIXELS[:1], [], [Misclassified(0, 2, 3, 0.9, 0.1)], HOSTILE
    )[0],
    "curves": lambda: sweep.validation_curves(CURVES, CURVES),
    "columns": lambda: training.columns([{"epoch": 1}], HOSTILE, [1.0], 1),
    "effects": lambda: dots.dots(charts.effects([FACTOR] * 2)),
    "heat map": lambda: effects.heat_map("$x$", "", HOSTILE, HOSTILE, MATRIX.astype(float), MATRIX),
    "parallel": lambda: effects.parallel_coordinates(HOSTILE, [HOSTILE, HOSTILE[::-1]], [1, 2]),
    "ablation": lambda: dots.dots(charts.differences(HOSTILE, *np.ones((3, COUNT)), "$x$")),
    "cost": lambda: comparison.accuracy_and_cost(
        HOSTILE, *np.ones((3, COUNT)), "$x$", [True] * COUNT
    ),
    "class differences": lambda: comparison.class_differences(HOSTILE, 1.0 * MATRIX, HOSTILE),
    "flipped": lambda: comparison.flipped_images(PIXELS, [HOSTILE[:3]] * COUNT, None, None),
    "history": lambda: history.search_history([None] * COUNT, HOSTILE),
    "importances": lambda: dots.dots(charts.importances([(name, 0.5) for name in HOSTILE])),
    "means": lambda: attribution.mean_maps([Scaled("logits per cell", [MEANS])], 3),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_any_name_can_be_drawn_without_a_warning(name, drawn):
    assert DRAWINGS[name]().startswith(b"\x89PNG")


def test_every_function_that_draws_is_decorated():
    undecorated = []
    for file in Path(lettering_module.__file__).parent.glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            draws = isinstance(node, ast.FunctionDef) and "lettering()" not in [
                ast.unparse(each) for each in node.decorator_list
            ]
            if draws and ast.unparse(node.returns or ast.Constant(None)) == "bytes":
                undecorated.append(node.name)
    # These encode what the others drew.
    assert sorted(undecorated) == ["as_png", "png", "small"]


def test_formulas_are_off_inside_and_as_before_outside():
    before = dict(matplotlib.rcParams)
    with lettering():
        assert matplotlib.rcParams["text.parse_math"] is False
    assert dict(matplotlib.rcParams) == before


def test_a_name_that_fits_stays_as_it_is():
    assert labels(["cat", "$5_$", "cost $a_b_c$"]) == ["cat", "$5_$", "cost $a_b_c$"]


@pytest.mark.parametrize("letter", ["i", "W", "中"])
def test_a_long_name_is_shortened_in_the_middle_and_no_more_than_needed(letter):
    line = f"start {letter * 100} end"
    short = fitted(line, room=2.0, size=10)
    assert width(short, 10) <= 2.0 < width(short, 10) + 3 * width(letter, 10)
    begin, end = short.split("…")
    assert line.startswith(begin)
    assert line.endswith(end)


def test_a_line_is_broken_after_a_comma_and_its_end_is_kept():
    assert on_two_lines("short", room=2.0, size=10) == "short"
    assert on_two_lines("first,second", room=0.6, size=10) == "first,\nsecond"
    assert on_two_lines("first second", room=0.6, size=10) == "first\nsecond"
    for line in (f"lr=0.1,{'m' * 100},end", "m" * 200, "i" * 500):
        upper, lower = on_two_lines(line, room=1.5, size=10).split("\n")
        assert line.startswith(upper)
        assert line.endswith(lower.split("…")[1])
        assert max(width(upper, 10), width(lower, 10)) <= 1.5


def test_labels_are_numbered_by_what_they_are_of():
    assert labels(["", "a", "a"], kind="value", first=1) == ["value 1", "a (2)", "a (3)"]


def test_widths_are_those_that_are_drawn():
    figure = matplotlib.figure.Figure(dpi=720)
    text = figure.text(0, 0, "Sphinx of black quartz", size=10)
    measured = text.get_window_extent().width / 720
    assert width("Sphinx of black quartz", 10) == pytest.approx(measured, rel=0.05)


def test_labels_are_all_different_and_name_the_class_number_where_they_must():
    found = labels(HOSTILE)
    assert len(set(found)) == COUNT
    assert all(width(label, 10) <= 2.05 for label in found)
    assert found[4].endswith(" (4)")
    assert found[5].endswith(" (5)")
    assert found[-1] == f"class {COUNT - 1}"


def test_a_name_without_glyphs_is_numbered_and_its_characters_are_told(monkeypatch):
    monkeypatch.setattr(lettering_module, "_characters", lambda: frozenset(map(ord, "cat dog")))
    assert labels(["cat", "貓", "dog"]) == ["cat", "class 1", "dog"]
    assert missing(["cat", "貓 b", "貓"]) == "貓b"
    assert in_glyphs("dog\n→ 貓b: 3 %", ["貓", "貓b", "dog"]) == "dog\n→ class 1: 3 %"


def test_letters_that_join_or_run_from_the_right_need_a_matplotlib_that_shapes(monkeypatch):
    names = ["cat", "كلب", "קט", "कु", "Æ猫"]
    monkeypatch.setattr(
        lettering_module, "_characters", lambda: frozenset(map(ord, "".join(names)))
    )
    monkeypatch.setattr(lettering_module, "SHAPES", True)
    assert labels(names) == names
    monkeypatch.setattr(lettering_module, "SHAPES", False)
    assert labels(names) == ["cat", "class 1", "class 2", "class 3", "Æ猫"]


def test_fonts_for_other_scripts_are_used_where_they_are_installed():
    with lettering():
        families = matplotlib.rcParams["font.family"]
    installed = {entry.name for entry in lettering_module.fontManager.ttflist}
    assert families[0] == "DejaVu Sans"
    assert set(families[1:]) == installed & set(lettering_module.FALLBACKS)


def test_white_space_and_control_characters_take_no_room():
    assert on_one_line(" a\tb\n c\x07\u202e") == "a b c"
    assert not re.search(r"[\t\n]", "".join(labels(HOSTILE)))
