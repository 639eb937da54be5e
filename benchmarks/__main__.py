"""``python -m benchmarks [CASE …] [--quick] [--root DIR] [--save DIR]``."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, results
from benchmarks.cases import all_cases
from benchmarks.measure import Case, Result, Settings
from benchmarks.peers import MissingPeer
from benchmarks.table import number
from benchmarks.targets import emulates_bfloat16


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs cases one after the other and saves each result when it is available.

    Returns:
        0 if every case ran, even if a target was missed; else 1.
    """
    options = _options(arguments)
    chosen = choose(options.cases)
    if options.list:
        print("\n".join(f"{case.name:<34} {case.what}" for case in chosen))
        return 0
    folder = options.save or (None if options.quick else results.FOLDER)
    facts = machine.describe()
    print(f"{facts['device']}, {facts['threads']} threads, torch {facts['versions']['torch']}")
    failed = [case.name for case in chosen if not _run(case, options, facts, folder)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def choose(patterns: Sequence[str]) -> list[Case]:
    """Selects cases by name or pattern (``step-*``); all cases if there is no pattern.

    Raises:
        SystemExit: a pattern matches no case.
    """
    cases = all_cases()
    for pattern in patterns:
        if not fnmatch.filter(cases, pattern):
            raise SystemExit(f"no case matches {pattern}; available: {', '.join(cases)}")
    return [
        case
        for name, case in cases.items()
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def line(case: Case, result: Result, features: Sequence[str] = ()) -> str:
    """Formats a result for the terminal.

    Args:
        case: that was run.
        result: of the case.
        features: of the hardware.
    """
    if result.value is None:
        return f"{case.name:<34} not measured"
    unit = f" {case.unit}" if case.unit else ""
    text = f"{case.name:<34} {number(result.value):>8}{unit}"
    if result.low is not None and result.high is not None:
        text += f"  [{number(result.low)}, {number(result.high)}]"
    text += f"  n={result.pairs}"
    if case.target is None:
        return text
    if obstacle := case.target.obstacle(features, result.reachable):
        text += f"  no target: {obstacle}"
    else:
        bound = f"{'<=' if case.target.at_most else '>='} {case.target.value:g}{unit}"
        text += f"  target {bound}: {'met' if case.target.met(result.value) else 'MISSED'}"
    return text


def _run(case: Case, options: argparse.Namespace, facts: dict, folder: Path | None) -> bool:
    """Runs one case; a failure is printed, so that the other cases still run."""
    if case.in_bfloat16 and not options.quick and emulates_bfloat16(facts["features"]):
        print(f"{case.name:<34} not measured: bfloat16 is emulated here, which would take hours")
        return True
    started = time.monotonic()
    try:
        result = case.run(Settings(options.quick, options.root))
    except MissingPeer as missing:
        print(f"{case.name:<34} {missing}", file=sys.stderr)
        return False
    except Exception:
        print(f"{case.name:<34} failed", file=sys.stderr)
        traceback.print_exc()
        return False
    print(f"{line(case, result, facts['features'])}  ({time.monotonic() - started:.0f} s)")
    for note in result.notes:
        print(f"    {note}")
    for name, values in result.series.items():
        print(f"    {name}: " + ", ".join(f"{k}: {number(v)}" for k, v in values.items()))
    sys.stdout.flush()
    if folder is not None:
        results.save(folder, facts, case, result)
    return True


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help="a name or a pattern; default: all"
    )
    parser.add_argument("--list", action="store_true", help="list the cases and exit")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; saves only with --save")
    parser.add_argument("--root", metavar="DIR", help="CIFAR-10, as dataset.root")
    parser.add_argument("--save", metavar="DIR", type=Path, help="folder for the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
