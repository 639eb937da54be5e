"""Formatting of numbers, lists and tables for people to read."""

from __future__ import annotations

import os

import pytest

from cifar_lab.wording import (
    aligned,
    code_in_markdown,
    duration,
    in_markdown,
    percent,
    plural,
    points,
    printable,
    printable_lines,
    several,
    signed,
    size,
    with_interval,
    wrapped,
)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min 0 s"),
        (60, "1 min 0 s"),
        (125.6, "2 min 6 s"),
        (3599.7, "1 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_durations_are_told_as_people_tell_them(seconds, expected):
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_951, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (4_200_000_000, "4.2 GB"),
        (1_234_567_000_000_000, "1,234.6 TB"),
    ],
)
def test_sizes_have_a_unit_that_fits(count, expected):
    assert size(count) == expected


def test_shares_are_percents():
    assert percent(0.91234) == "91.23 %"
    assert with_interval((0.907, 0.9012, 0.9127)) == "90.7 % (90.1 to 91.3)"


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_several_words_are_a_list(words, expected):
    assert several(words) == expected


def test_one_is_not_many():
    assert plural(1, "epoch", "epochs") == "1 epoch"
    assert plural(1200, "epoch", "epochs") == "1,200 epochs"


def test_differences_have_a_sign_of_their_own():
    assert points(0.90154 - 0.9) == "+0.15 points"
    assert points(0.9005 - 0.9015) == "−0.10 points"


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [(1234.5, 1, "+1,234.5"), (-0.031, 2, "−0.03"), (-0.001, 2, "0.00"), (0, 0, "0")],
)
def test_what_rounds_to_zero_has_no_sign(value, digits, expected):
    assert signed(value, digits) == expected


ROWS = [("class", "training", "test"), ("horse", "1,200", "7"), ("all", "12", "")]


def test_columns_are_aligned_to_the_left_without_spaces_at_the_end():
    assert aligned(ROWS) == [
        "class  training  test",
        "horse  1,200     7",
        "all    12",
    ]


def test_columns_from_one_on_are_aligned_to_the_right():
    assert aligned(ROWS, right_from=1) == [
        "class  training  test",
        "horse     1,200     7",
        "all          12",
    ]
    assert aligned([("a", "1"), ("bcd", "10")], right_from=0) == ["  a   1", "bcd  10"]


def test_columns_to_the_right_may_have_a_least_width():
    lines = aligned([("class", "test"), ("a", "1,000")], right_from=1, narrowest=10)
    # The same as f"{'class':<5}{'test':>12}".
    assert lines == ["class" + 8 * " " + "test", "a" + 11 * " " + "1,000"]
    assert aligned([("a", 12 * "9")], right_from=1, narrowest=10) == ["a  " + 12 * "9"]


def test_rows_of_unequal_length_are_rejected():
    with pytest.raises(ValueError, match="shorter"):
        aligned([("a", "b"), ("c",)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[a](https://b.c)", r"\[a\](https\://b.c)"),
        ("www.evil.com", r"www\.evil.com"),
        ("*star* **two** ~no~", r"\*star\* \*\*two\*\* \~no\~"),
        ("_a_ val_loss __init__", r"\_a\_ val_loss \_\_init\_\_"),
        ("cost $a_b_c$", r"cost \$a_b_c\$"),
        ("a | b", r"a \| b"),
        ("`code`", r"\`code\`"),
        ("back\\slash", "back\\\\slash"),
        ("&lt; & &#60;", r"\&lt; & \&#60;"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("90.15 % and +0.1", "90.15 % and +0.1"),
        ("\t  a\tb\nc", "a b c"),
        ("cat → dog (31)", "cat → dog (31)"),
    ],
)
def test_markdown_shows_text_as_it_is(text, expected):
    assert in_markdown(text) == expected


def test_code_has_more_backticks_around_it_than_in_it():
    assert code_in_markdown("ls | wc") == "`ls | wc`"
    assert code_in_markdown("ls | wc", in_table=True) == r"`ls \| wc`"
    assert code_in_markdown("a ``b`` c") == "```a ``b`` c```"
    assert code_in_markdown("`a`") == "`` `a` ``"


@pytest.mark.parametrize("width", [20, 33, 80])
def test_a_wide_line_breaks_between_words_and_its_rest_is_indented(width):
    text = "  run: a line of several words, some-with-hyphens\n\nshort\n" + "x" * 100 + " end"
    lines = wrapped(text, width).split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)
    assert lines[1].startswith("    ") == (width < 50)
    assert "" in lines
    assert "short" in lines


def test_a_table_that_fits_keeps_its_columns():
    table = "a    b   c\n  1    2  3"
    assert wrapped(table, 20) == table


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Größe 猫.png", "Größe 猫.png"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred", r"\x1b[31mred"),
        (os.fsdecode(b"\xff.png"), r"\udcff.png"),
    ],
)
def test_what_would_control_a_terminal_is_escaped(name, shown):
    assert printable(name) == shown
    assert printable_lines(f"{name}\n  –") == f"{shown}\n  –".replace(r"\n", "\n")
    shown.encode()
