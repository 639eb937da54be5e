"""The page of published studies against hand-made recorded runs."""

from __future__ import annotations

import dataclasses
import re

import pytest

from cifar_lab.report.blocks import Chart, Code, Table, Text
from cifar_lab.report.page import render_markdown
from cifar_lab.report.pages.studies import studies_page, write_studies
from cifar_lab.results.recorded import read_results
from cifar_lab.results.studies import experiments_in, read_published
from cifar_lab.run.files import write_object
from cifar_lab.run.folder import RecordedFolder
from cifar_lab.run.labels import Labels
from cifar_lab.run.trust import OrderScore, Trust
from tests.results.study_runs import experiments_with


def page_of(tmp_path, *runs):
    experiments = experiments_with(tmp_path, *runs)
    return studies_page(
        read_published(experiments),
        read_results(experiments / "results"),
        experiments_in(experiments),
    )


def test_the_overview_says_what_was_reached_by_whole_runs(tmp_path):
    runs = [{"test": 0.84}, {"test": 0.88}, {"test": 0.99, "trainer__limit_batches": 1}]
    overview = page_of(tmp_path, *runs).blocks[0]
    # Mean 86; the standard deviation is the root of (4 + 4) / (n - 1) = 8. Student's t at 97.5 %
    # with one degree of freedom is 12.706, times the root of 8 / 2.
    assert overview.rows == [
        ["wide", "85.00", "86.00 ± 2.83", "60.59 to 111.41", "2", "1", "yes"],
        ["deep", "50.00", "–", "–", "0", "0", "no complete run"],
    ]


@pytest.mark.parametrize(
    ("tests", "reached", "told"),
    [
        ([0.85], "yes", None),
        ([0.845], "undecided", "over the test images, 82.13 to 86.61 %, contains the"),
        ([0.845, 0.846], "undecided", "over seeds, 83.91 to 85.19 %, contains the"),
        (
            [0.84, 0.846, 0.843],
            "no; published value within the interval",
            "over seeds, 83.55 to 85.05 %, contains the",
        ),
        (
            [0.84, 0.842, 0.841],
            "no; published value above the interval",
            "over seeds, 83.85 to 84.35 %, does not contain the",
        ),
    ],
)
def test_a_mean_below_the_published_accuracy_has_its_interval(tmp_path, tests, reached, told):
    """As scipy.stats has them: Wilson's for 845 of 1,000 images, and t's over seeds."""
    page = page_of(tmp_path, *({"test": test} for test in tests))
    assert page.blocks[0].rows[0][-1] == reached
    words = page.sections[0].blocks[0].text
    assert ("did not reach the published test accuracy" in words) == (reached != "yes")
    assert told is None or f"The 95 % interval {told} published value" in words
    assert ("fewer than three seeds, this is undecided" in words) == (reached == "undecided")
    assert ("95 % interval" in words) == (reached != "yes")
    assert "The study's own target was 80.00 %" in words


def test_recipes_without_a_run_are_listed_too(tmp_path):
    experiments = experiments_with(tmp_path, {"name": "wide_as_run"})
    for name in ("wide", "wide_as_run", "wide_cycled", "wider"):
        (experiments / f"{name}.yaml").touch()
    page = page_of(tmp_path)
    names = [(row[0], row[-1]) for row in page.blocks[0].rows]
    assert names == [
        ("wide", "no complete run"),
        ("wide_as_run", "yes"),
        ("wide_cycled", "no complete run"),
        ("deep", "no complete run"),
    ]
    assert "wide_cycled has no complete run yet" in page.sections[0].blocks[0].text


def test_asked_published_and_ours_stand_side_by_side(tmp_path):
    page = page_of(tmp_path, {"test": 0.86}, {"test": 0.9, "device": "Another"})
    table = next(block for block in page.sections[0].blocks if isinstance(block, Table))
    ours = ("ours on A processor", "ours on Another")
    assert table.header == ("", "asked for", "published", *ours)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["test accuracy"] == [
        "target 80.00 %", "85.00 %", "86.00 % (n=1)", "90.00 % (n=1)",
    ]  # fmt: skip
    assert rows["train accuracy"][1:3] == ["90.00 %", "88.00 % (n=1)"]
    # The second of three epochs was three points better than the last.
    best = next(cells for name, cells in rows.items() if name.startswith("best test epoch"))
    assert best[2] == "89.00 % (n=1)"
    assert rows["epochs"][::2] == ["3", "3 of 3"]
    assert rows["optimizer"][:3] == ["–", "as run: Adam", "sgd(momentum=0.9)"]
    assert rows["augmentation"][2] == "Crop(padding_pixels=4)"
    assert rows["hardware"][2:] == [f"{d}, 2 threads, float32" for d in ("A processor", "Another")]
    assert rows["commit"][2] == "0123456789ab"
    assert rows["command"][3] == "cifar-lab train experiments=wide seed=1"


def test_recipes_beside_a_study_have_rows_and_columns_of_their_own(tmp_path):
    beside = {"name": "wide_as_run", "test": 0.87, "scheduler__max_lr": 0.2}
    page = page_of(tmp_path, {"test": 0.8}, beside, {**beside, "trained": 2})
    assert page.blocks[0].rows[:2] == [
        ["wide", "85.00", "80.00", "77.41 to 82.36", "1", "0", "undecided"],
        ["wide_as_run", "85.00", "87.00", "84.77 to 88.94", "1", "1", "yes"],
    ]
    section = page.sections[0]
    assert "1 run of wide_as_run on A processor, 2 threads" in section.blocks[0].text
    assert "87.00 % (+2.00 points)" in section.blocks[0].text
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.header[-2:] == ("ours", "wide_as_run")
    schedule = next(row for row in table.rows if row[0] == "schedule")
    assert schedule[-2:] == ["OneCycle(max_lr=0.1)", "OneCycle(max_lr=0.2)"]
    # The charts show the study's own runs.
    curves = next(block for block in section.blocks if isinstance(block, Chart)).pictures[0]
    assert curves.alt.startswith("Loss and accuracy of 1 run over epochs")
    assert section.blocks[-1].rows[0][0] == "wide_as_run/2026-01-03"


def test_a_study_has_its_curves_and_classes(tmp_path):
    section = page_of(tmp_path, {"test": 0.8}, {"test": 0.6}).sections[0]
    charts = [block for block in section.blocks if isinstance(block, Chart)]
    curves, classes = (picture for chart in charts for picture in chart.pictures)
    assert (curves.name, classes.name) == ("wide-curves", "wide-classes")
    assert curves.alt.endswith("final test accuracy 80.00 %, 60.00 %.")
    assert classes.alt.endswith("lowest: cat.")
    table = section.blocks[-1]
    # Recalls of 70 and 50, and of 90 and 70: the root of 200 is 14.1.
    assert table.rows == [["cat", "60.0 ± 14.1"], ["dog", "80.0 ± 14.1"]]
    assert "Error in the original: Its scheduler stood still." in texts(section)


def test_classes_on_different_hardware_have_columns_of_their_own(tmp_path):
    other = {"test": 0.9, "device": "Another"}
    table = page_of(tmp_path, {"test": 0.8}, {"test": 0.6}, other).sections[0].blocks[-1]
    assert table.header == (
        "class",
        "ours on A processor: test accuracy (%), n=2",
        "ours on Another: test accuracy (%), n=1",
    )
    assert table.rows == [["cat", "60.0 ± 14.1", "80.0"], ["dog", "80.0 ± 14.1", "100.0"]]


def test_runs_that_name_different_classes_are_not_averaged(tmp_path):
    experiments = experiments_with(tmp_path, {}, {})
    first, _ = read_results(experiments / "results")
    fewer = dataclasses.replace(first.summary, per_class=first.summary.per_class[:1])
    write_object(first.folder.summary, fewer)
    page = studies_page(read_published(experiments), read_results(experiments / "results"))
    assert any("the runs name different classes" in text for text in texts(page.sections[0]))


def test_a_study_without_a_whole_run_says_so_and_gives_the_command(tmp_path):
    section = page_of(tmp_path, {"trained": 1}).sections[0]
    assert "To record a complete run:" in texts(section)
    assert "accuracy is 85.00 %; no complete run is recorded yet" in section.blocks[0].text
    (code,) = (block for block in section.blocks if isinstance(block, Code))
    assert code.lines[0] == "cifar-lab train experiments=wide dataset.root=DIR"
    assert section.blocks[-1].rows == [["wide/2026-01-01", "86.00 %", "1 of 3 epochs"]]
    assert not [block for block in section.blocks if isinstance(block, Chart)]


def test_what_the_originals_had_wrong_is_listed(tmp_path):
    last = page_of(tmp_path).sections[-1]
    assert last.blocks[1].rows == [["Labels out of order."]]


def test_the_page_is_written_and_figures_without_runs_are_taken_away(tmp_path):
    experiments = experiments_with(tmp_path, {})
    results = experiments / "results"
    (results / "figures").mkdir()
    (results / "figures" / "gone-curves.png").touch()
    assert write_studies(experiments) == results / "studies.html"
    markdown = (results / "studies.md").read_text()
    page = studies_page(read_published(experiments), read_results(results))
    assert markdown == render_markdown(page)
    linked = re.findall(r"\]\(figures/(.+?)\)", markdown)
    assert sorted(linked) == ["published.png", "wide-classes.png", "wide-curves.png"]
    assert sorted(file.name for file in (results / "figures").iterdir()) == sorted(linked)


def test_a_checkout_without_studies_has_no_page(tmp_path):
    assert write_studies(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def texts(section) -> list[str]:
    return [block.text for block in section.blocks if isinstance(block, Text)]


def test_recipes_of_one_name_are_told_apart_by_their_hardware(tmp_path):
    page = page_of(tmp_path, {"test": 0.8}, {"test": 0.9, "device": "Another GPU"})
    names = [row[0] for row in page.blocks[0].rows]
    assert names[:2] == ["wide on A processor", "wide on Another GPU"]
    (chart,) = [block for block in page.blocks if isinstance(block, Chart)]
    assert "wide on Another GPU +5.00 points" in chart.pictures[0].alt


def test_how_far_maps_can_be_trusted_stands_with_its_study(tmp_path):
    experiments = experiments_with(tmp_path, {}, {"trainer__limit_batches": 1})
    results = experiments / "results"
    for run in ("2026-01-01", "2026-01-02"):
        kept = RecordedFolder(results / "wide" / run)
        orders = (OrderScore("gradcam", 0.1, 0.6, 0, 0), OrderScore("random", 0.3, 0.3, 0, 0))
        write_object(kept.trust, Trust("gradcam", "layer2", "test", 8, orders, 0.1))
        write_object(kept.labels, Labels((), f"What {run} shows."))
    wide, deep, _ = studies_page(read_published(experiments), read_results(results)).sections
    texts = [block.text for block in wide.blocks if isinstance(block, Text)]
    assert "The maps of wide/2026-01-01:" in texts
    assert "What 2026-01-01 shows." in texts
    assert any(text.startswith("Verdict: GradCAM finds cells") for text in texts)
    # A network whose training was cut short has maps too, and the page says which it is.
    at = texts.index("The maps of wide/2026-01-02, which is not counted:")
    assert at < texts.index("What 2026-01-02 shows.")
    assert not any(isinstance(b, Text) and "Verdict" in b.text for b in deep.blocks)
