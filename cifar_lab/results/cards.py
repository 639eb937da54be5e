"""The expected results that the experiments' YAML files state, kept equal to the recorded runs."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path

from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.results.leaderboard import leaderboard
from cifar_lab.results.ledger import accuracy
from cifar_lab.results.plan import read_plan
from cifar_lab.results.recorded import grouped, read_results, shortened
from cifar_lab.results.recorded_sweeps import read_sweeps
from cifar_lab.run.files import write_atomically
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

#: The comments between these are written; a file without them is left as it is.
BEGIN = "# Expected results, written by `cifar-lab record`:"
END = "# End of the expected results."
#: Keys of an experiment's command that do not change what it computes, and the precision, which is
#: named with the hardware.
HARMLESS = (
    "experiments", "seed", "dataset.root", "dataset.cache_dir", "device", "measure_work",
    "trainer.precision",
)  # fmt: skip


def write_cards(experiments: Path) -> None:
    """Write the recorded results into the experiments' YAML files, where they have a place for it.

    Args:
        experiments: the checkout's ``experiments/``.

    Raises:
        Refusal: a recorded file is damaged.
    """
    for path, text in cards(experiments).items():
        if text.encode() != path.read_bytes():
            write_atomically(path, text)


def cards(experiments: Path) -> dict[Path, str]:
    """Return what the YAML files with a place for results are to contain."""
    runs = read_results(experiments / "results")
    sweeps = read_sweeps(experiments / "results")
    found = {}
    for path in sorted(experiments.glob("*.yaml")):
        data = path.read_bytes()
        if BEGIN.encode() in data and END.encode() in data:
            text = data.decode()
            found[path] = with_results(text, expected(path.stem, runs, sweeps))
    return found


def with_results(text: str, results: Sequence[str]) -> str:
    """Return the text of a YAML file with other results between the marks."""
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    lines = [
        line
        for result in results
        for line in textwrap.wrap(
            result,
            width=100,
            initial_indent="#   ",
            subsequent_indent="#     ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    return "".join([before, *(f"{line}\n" for line in (BEGIN, *lines, END)), after])


def expected(name: str, runs: Sequence[Run], sweeps: Sequence[SweepFolder]) -> list[str]:
    """Return a sentence for each kind of hardware, and for each recorded sweep.

    Args:
        name: of the experiment.
        runs: every recorded run; those that were shortened or changed do not count.
        sweeps: every recorded sweep.
    """
    own = [run for run in runs if run.summary.name == name and _as_it_is(run)]
    found = [
        f"test accuracy in %: {accuracy(group)}; n={len(group)}; {group[0].provenance.hardware}"
        for group in grouped(own)
    ]
    found += [_best(each) for each in sweeps if read_plan(each).name == name]
    return found or ["no run is recorded yet"]


def _as_it_is(run: Run) -> bool:
    """Whether it is a whole run of the experiment as the file has it, and not of a variant."""
    if shortened(run):
        return False
    words = [word for word in shlex.split(run.provenance.command)[2:] if not word.startswith("-")]
    keys = [word.partition("=")[0].lstrip("+~") for word in words]
    return all(key in HARMLESS or key.startswith("report") for key in keys)


def _best(sweep: SweepFolder) -> str:
    board = leaderboard(sweep)
    if board.best is None:
        return f"a sweep of {len(board.entries)} configurations, which are not ranked"
    return (
        f"validation accuracy in %: {mean_and_deviation(board.best.validation, 2)} of the best of "
        f"{len(board.entries)}, {board.best.name}; n={len(board.best.rows)}; hardware not recorded"
    )
