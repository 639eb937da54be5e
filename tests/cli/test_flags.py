"""Numbers among flags are converted or named; other mistakes are refused with the usage."""

from __future__ import annotations

from argparse import Namespace

import pytest

from cifar_lab.cli.flags import Parser, Range, numbers
from cifar_lab.refusal import Refusal

RANGES = {"--max-mb": Range(float, 0.5, 10_000), "--port": Range(int, 0, 65_535)}


def test_numbers_are_converted_and_what_is_left_out_stays():
    flags = Namespace(max_mb="0.5", port="65535")
    assert numbers(flags, RANGES) == []
    assert (flags.max_mb, flags.port) == (0.5, 65_535)
    flags = Namespace(max_mb="1e4", port=None)
    assert numbers(flags, RANGES) == []
    assert (flags.max_mb, flags.port) == (10_000, None)


@pytest.mark.parametrize("given", ["nan", "inf", "", "0.4", "10001", "9" * 5000])
def test_wrong_numbers_are_all_named(given):
    assert numbers(Namespace(max_mb=given, port="1.0"), RANGES) == [
        f"--max-mb {given}: must be a number from 0.5 to 10,000",
        "--port 1.0: must be a whole number from 0 to 65,535",
    ]


def test_a_verbs_usage_is_shown():
    with pytest.raises(Refusal) as refused:
        Parser("app").parse_args(["--prot"])
    assert str(refused.value) == (
        "unrecognized arguments: --prot; usage: `cifar-lab app RUN|BUNDLE [--port N] [--open] "
        "[--export-space DIR]`, and `cifar-lab app --help` explains the flags"
    )
