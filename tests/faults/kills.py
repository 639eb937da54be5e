"""Kills trainings at random moments and resumes them."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.faults.campaign import Campaign, Trial
from tests.faults.program import call
from tests.faults.runs import difference, the_run, train

TRIALS = 30
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def trials(folder: Path, seed: int) -> Iterator[Trial]:
    """Kills one training a trial, some of them again while they resume."""
    whole = train(folder / "whole")
    expected = the_run(folder / "whole")
    if whole.status or expected is None:
        raise RuntimeError(f"the training itself failed: {whole.text}")
    draw = random.Random(seed)
    for number in range(TRIALS):
        signum = SIGNALS[number % len(SIGNALS)]
        moments = [draw.uniform(0, whole.seconds) for _ in range(draw.choice((1, 1, 2)))]
        what = f"{signum.name} after {' and '.join(f'{moment:.2f} s' for moment in moments)}"
        yield Trial(what, _killed(folder / str(number), signum, moments, expected))


def _killed(here: Path, signum: int, moments: list[float], expected: Path) -> str | None:
    """Kills a training at moments, lets it end, and says what is wrong with its result."""
    answer = train(here, signalled=(signum, moments[0]))
    for moment in moments[1:]:
        if the_run(here) is not None:
            answer = call(("resume", "latest"), here, signalled=(signum, moment))
    if (fault := _ended_badly(answer.status, signum)) or (
        answer.status != -signum and (fault := answer.unclean())
    ):
        return fault
    if the_run(here) is None:
        return None  # it died before it began: nothing is lost
    last = call(("resume", "latest"), here)
    if fault := last.unclean():
        return fault
    run = the_run(here)
    assert run is not None
    left = [path.name for path in run.rglob(".*.tmp")]
    if left:
        return f"left {', '.join(left)}"
    if not (run / "predictions.npz").is_file():
        return f"resume did not complete it: {last.last_line()}"
    return difference(run, expected)


def _ended_badly(status: int, signum: int) -> str | None:
    # Before the run has its handlers, a signal ends the program as it ends any other.
    if status in (0, 2, -signum, 128 + signum):
        return None
    return f"exit status {status} after signal {signum}"


CAMPAIGN = Campaign(
    "kills",
    "A training that is killed and resumed ends with the same predictions and metrics.",
    "SIGKILL, SIGTERM or SIGINT at a random moment, a third of them twice, then `resume`",
    trials,
)
