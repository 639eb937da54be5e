"""The results that YAML files state are those of the recorded runs, and nothing else changes."""

from __future__ import annotations

import pytest

from cifar_lab.results.cards import BEGIN, END, cards, with_results, write_cards
from tests.results.study_runs import experiments_with

TEXT = f"""# @package _global_
# About it.
{BEGIN}
#   something older
{END}
defaults:
  - digits
name: wide  # not this
"""


def stated(tmp_path, *runs, text: str = TEXT) -> list[str]:
    """The lines that are written between the marks."""
    experiments = experiments_with(tmp_path, *runs)
    (experiments / "wide.yaml").write_text(text)
    write_cards(experiments)
    lines = (experiments / "wide.yaml").read_text().splitlines()
    return lines[lines.index(BEGIN) + 1 : lines.index(END)]


def test_each_kind_of_hardware_has_a_line_with_mean_deviation_and_n(tmp_path):
    runs = [{"test": 0.84}, {"test": 0.88}, {"test": 0.8, "device": "B"}]
    assert stated(tmp_path, *runs) == [
        "#   test accuracy in %: 86.00 ± 2.83; n=2; A processor, 2 threads, float32",
        "#   test accuracy in %: 80.00; n=1; B, 2 threads, float32",
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"trained": 2},
        {"trainer__limit_batches": 2},
        {"name": "wider"},
        {"words": "trainer.epochs=3"},
        {"words": "+model.depth=2"},
    ],
)
def test_runs_that_were_shortened_or_changed_are_not_what_to_expect(tmp_path, other):
    assert stated(tmp_path, other) == ["#   no run is recorded yet"]


def test_where_images_lie_and_what_is_drawn_changes_nothing(tmp_path):
    words = "dataset.root=DIR report.enabled=false report.gallery=random -m"
    assert len(stated(tmp_path, {"words": words})) == 1
    assert "n=1" in stated(tmp_path, {"words": words})[0]


def test_a_stated_precision_is_named_with_the_hardware(tmp_path):
    chosen, stated_too = {"test": 0.84}, {"test": 0.88, "words": "trainer.precision=float32"}
    assert stated(tmp_path, chosen, stated_too) == [
        "#   test accuracy in %: 86.00 ± 2.83; n=2; A processor, 2 threads, float32"
    ]


def test_everything_outside_the_marks_stays_and_writing_again_changes_nothing(tmp_path):
    experiments = experiments_with(tmp_path, {})
    (experiments / "wide.yaml").write_text(TEXT)
    write_cards(experiments)
    once = (experiments / "wide.yaml").read_text()
    before, after = TEXT.split("#   something older\n")
    assert once.startswith(before)
    assert once.endswith(after)
    write_cards(experiments)
    assert (experiments / "wide.yaml").read_text() == once


def test_a_file_without_a_place_for_results_is_left_alone(tmp_path):
    experiments = experiments_with(tmp_path, {})
    (experiments / "wide.yaml").write_text("name: wide\n")
    assert cards(experiments) == {}
    write_cards(experiments)
    assert (experiments / "wide.yaml").read_text() == "name: wide\n"


def test_long_results_are_wrapped_as_comments():
    lines = with_results(TEXT, ["word " * 40]).splitlines()
    written = lines[lines.index(BEGIN) + 1 : lines.index(END)]
    assert len(written) == 3
    assert all(line.startswith("#   ") and len(line) <= 100 for line in written)
