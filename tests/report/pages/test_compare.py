"""The page of a comparison: what it says, and that every part of it is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.report.blocks import Picture, Table, Text
from cifar_lab.report.page import render_html, render_markdown
from cifar_lab.report.pages.compare import comparison_page, write_comparison
from cifar_lab.report.sections.compare_curves import pareto
from cifar_lab.report.sections.compare_images import Pictures
from cifar_lab.results.comparison import compared
from cifar_lab.run.metrics import write_metrics
from tests.results.compared_runs import a_grid, a_run, drawn

T, F = True, False
NASTY = ("<b>ant</b>", "be|e", "c*a*t")


def sections(page):
    return {section.title: section.blocks for section in page.sections}


@pytest.fixture
def two(tmp_path):
    runs = [
        a_run(tmp_path / "a", drawn(0.6, 1), classes=NASTY),
        a_run(tmp_path / "b", drawn(0.7, 2), classes=NASTY, config={"model.width": 4}),
    ]
    return compared(runs)


def pictures(comparison, maps: bool = True) -> Pictures:
    count = min(10, len(comparison.flips.lost)) + min(10, len(comparison.flips.gained))
    assert count > 2
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    first = draw.normal(size=(count, 4, 4)).astype(np.float32) if maps else None
    return Pictures(images, first, first, ())


def test_a_page_of_seeds_has_curves_classes_and_the_statistics(tmp_path):
    found = comparison_page(compared(a_grid(tmp_path)), None)
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    assert table.header[1] == "n"
    assert {"within noise", "other images agree"} <= set(table.header)
    parts = sections(found)
    assert list(parts) == ["What differs", "Ranking", "Other measures", "Curves", "Classes"]
    assert [picture.name for picture in found.pictures()] == [
        "ranking", "differences", "curves", "classes",
    ]  # fmt: skip
    assert parts["Other measures"][1].header[1] == "excess variance (points²)"
    assert len(parts["What differs"][-1].rows) == 9
    assert parts["What differs"][0].rows == [["optimizer.lr", "0.1", "0.2", "0.5"]]


def test_two_runs_are_shown_image_by_image(two):
    blocks = sections(comparison_page(two, pictures(two)))["Image by image"]
    counts = two.flips.counts
    assert blocks[0].rows[0][1:] == [str(counts.both_right), str(counts.only_first)]
    assert blocks[0].rows[1][1:] == [str(counts.only_second), str(counts.both_wrong)]
    names = [block.name for block in blocks if isinstance(block, Picture)]
    assert names == ["right-to-wrong", "wrong-to-right"]
    lost, gained = (block for block in blocks[1:] if isinstance(block, Table))
    assert len(lost.rows) == len(two.flips.lost)
    assert [row[0] for row in gained.rows] == [flip.sample_id for flip in two.flips.gained]


def test_names_are_not_read_as_markup(two):
    found = comparison_page(two, pictures(two))
    html, markdown = render_html(found), render_markdown(found)
    assert "<b>ant" not in html
    assert "&lt;b&gt;ant" in html
    assert "<b>ant" not in markdown.replace("\\<b", "")


def test_what_is_missing_is_said_and_the_rest_is_drawn(two):
    bare = Pictures(None, None, None, ("The images are not shown: no data.",))
    blocks = sections(comparison_page(two, bare))["Image by image"]
    assert [block.text for block in blocks if isinstance(block, Text) and block.warning] == [
        "The images are not shown: no data."
    ]
    assert not [block for block in blocks if isinstance(block, Picture)]
    blocks = sections(comparison_page(two, pictures(two, maps=False)))["Image by image"]
    shown = [block for block in blocks if isinstance(block, Picture)]
    assert len(shown) == 2
    assert "HiResCAM" not in shown[0].caption


def test_what_is_not_ranked_is_said_first(tmp_path):
    runs = a_grid(tmp_path, seeds=1)
    other = a_run(tmp_path / "o", [T] * 60, data="0123456789", config={"optimizer.lr": 9})
    found = comparison_page(compared([*runs, other]), None)
    assert isinstance(found.blocks[0], Text)
    assert found.blocks[0].warning
    assert found.blocks[0].text.startswith("Not ranked: lr=9")
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    assert "lr=9" not in [row[0] for row in table.rows]


def test_runs_without_validation_have_no_curves(tmp_path):
    runs = [a_run(tmp_path / str(n), [T, F], seed=n) for n in range(2)]
    for run in runs:
        write_metrics(run.folder.metrics, [{"epoch": 1, "train_loss": 0.5}])
    blocks = sections(comparison_page(compared(runs), None))["Curves"]
    assert [block.text for block in blocks] == [
        "Without validation curves, as nothing was validated: seed=0 and seed=1."
    ]


def test_the_cost_is_shown_where_it_differs(tmp_path):
    runs = [
        a_run(
            tmp_path / str(n), [T, n > 0], multiply_adds=10**6 * (n + 1), config={"model.width": n}
        )
        for n in range(2)
    ]
    names = [picture.name for picture in comparison_page(compared(runs), None).pictures()]
    assert "cost" in names


def test_no_other_beats_what_is_in_the_pareto_set():
    assert pareto([90, 91, 91, 89], [1, 2, 3, 2]) == [True, True, False, False]
    assert pareto([90, 90], [1, 1]) == [True, True]


def test_the_page_is_written_with_its_figures(two, tmp_path):
    path = tmp_path / "outputs" / "compare.html"
    write_comparison(two, pictures(two), path)
    assert path.is_file()
    assert path.with_suffix(".md").is_file()
    names = {each.stem for each in (path.parent / "figures").iterdir()}
    assert {"curves", "classes", "right-to-wrong", "wrong-to-right"} <= names


def test_of_very_many_rows_the_first_are_shown_and_all_are_folded(tmp_path):
    runs = [a_run(tmp_path / str(n), [T, F, T], config={"model.width": n}) for n in range(32)]
    found = comparison_page(compared(runs), None)
    shown, folded = (block for block in found.blocks if isinstance(block, Table))
    assert (len(shown.rows), shown.folded) == (30, None)
    assert (len(folded.rows), folded.folded) == (32, "All 32 rows")
