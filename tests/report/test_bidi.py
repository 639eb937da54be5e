"""Right-to-left words are isolated, so that what stands around them keeps its place."""

from __future__ import annotations

import pytest

from cifar_lab.report.bidi import breakable, isolated, right_to_left


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("cat → <b>", "cat → &lt;b&gt;"),
        ("קט → كلب (31)", "<bdi>קט</bdi> → <bdi>كلب</bdi> (31)"),
        ("true قطة سوداء, predicted cat", "true <bdi>قطة سوداء</bdi>, predicted cat"),
        ("قطة 12", "<bdi>قطة 12</bdi>"),
        ("猫 → 犬", "猫 → 犬"),
        ("a\u202eb → c", "<bdi>a\u202eb → c</bdi>"),
    ],
)
def test_each_right_to_left_name_is_isolated_alone(text, html):
    assert isolated(text) == html


def test_scripts_are_told_by_their_letters():
    assert [right_to_left(text) for text in ("cat", "猫", "קט", "a قطة", "ދިވެހި")] == [
        False, False, True, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("test/a_cat.png", "test/<wbr>a_<wbr>cat.<wbr>png"),
        ("lr=0.1, -10.14", "lr=0.1, -10.14"),
        ("Crop(padding=4)", "Crop(<wbr>padding=4)"),
        ("90.3 % (n=3), /data", "90.3\u00a0% (n=3), /data"),
        ("קט/<b>/c", "<bdi>קט</bdi>/&lt;b&gt;/<wbr>c"),
    ],
)
def test_lines_break_after_the_marks_that_join_words_and_never_within_a_number(text, html):
    assert breakable(text) == html
