"""The leaderboard of a sweep: one entry a configuration, over its seeds, ranked by validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from cifar_lab.analysis.choice import Validated, goodness
from cifar_lab.analysis.noise import Noise, within_noise
from cifar_lab.results.plan import Job, Plan, read_plan
from cifar_lab.results.rows import Row, read_rows
from cifar_lab.run.sweep_folder import SweepFolder

#: The key of the seed, over which configurations are averaged.
SEED = "seed"


@dataclass(frozen=True)
class Entry:
    """A configuration and its runs.

    Attributes:
        configuration: its hash.
        values: text of its value for each key that varies, without the seed.
        rows: of its finished runs, by seed.
        failed: names of its failed jobs, and what ended each.
        rank: from 1 among those that can be compared; None without a ranking.
        within_noise: whether it is within noise of the best; None if that cannot be said.
        pareto: whether no other is as accurate with fewer multiply-adds.
    """

    configuration: str
    values: dict[str, str]
    rows: tuple[Row, ...]
    failed: tuple[tuple[str, str], ...]
    rank: int | None = None
    within_noise: bool | None = None
    pareto: bool = False

    @property
    def validation(self) -> list[float]:
        """Validation accuracy of each run, in percent."""
        return [100 * row.val_accuracy for row in self.rows if row.val_accuracy is not None]

    @property
    def test(self) -> list[float]:
        """Test accuracy of each run that evaluated the test images, in percent."""
        return [100 * row.test_accuracy for row in self.rows if row.test_accuracy is not None]

    @property
    def validated(self) -> Validated:
        """Means over the runs, to rank by."""
        losses = [float("nan") if row.val_loss is None else row.val_loss for row in self.rows]
        return Validated(mean(self.validation), mean(losses))

    @property
    def seconds(self) -> float | None:
        """Mean training time of a run, in seconds."""
        times = [row.training_seconds for row in self.rows if row.training_seconds is not None]
        return mean(times) if times else None

    @property
    def name(self) -> str:
        """Its values as a phrase."""
        return ", ".join(f"{key}={value}" for key, value in self.values.items()) or "all"


@dataclass(frozen=True)
class Ranking:
    """Configurations that are judged by the same images in the same way.

    Attributes:
        judged_by: these images and this way, in words by name.
        entries: the best first, if they are ranked.
        noise: which of them are within noise of the best; None without a ranking.
    """

    judged_by: dict[str, str]
    entries: tuple[Entry, ...]
    noise: Noise | None


@dataclass(frozen=True)
class Leaderboard:
    """The results of a sweep as far as it is.

    Attributes:
        plan: of the sweep.
        rankings: one for each way in which runs are judged; most sweeps have one.
        without: configurations of which no run has finished.
        unfinished: how many jobs have neither finished nor failed.
    """

    plan: Plan
    rankings: tuple[Ranking, ...]
    without: tuple[Entry, ...]
    unfinished: int

    @property
    def entries(self) -> list[Entry]:
        """All configurations with results."""
        return [entry for ranking in self.rankings for entry in ranking.entries]

    @property
    def best(self) -> Entry | None:
        """The best one; None if nothing is ranked, or there are several rankings."""
        if len(self.rankings) != 1 or self.rankings[0].noise is None:
            return None
        return self.rankings[0].entries[0]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """Names of the failed jobs, and what ended each."""
        return [each for entry in [*self.entries, *self.without] for each in entry.failed]


def leaderboard(folder: SweepFolder) -> Leaderboard:
    """Read the plan and the rows of a sweep, and rank them.

    Raises:
        Refusal: the plan is damaged.
    """
    return ranked(read_plan(folder), read_rows(folder))


def ranked(plan: Plan, rows: dict[int, Row]) -> Leaderboard:
    """Rank the configurations of a sweep.

    Args:
        plan: of the sweep.
        rows: by the number of the job.
    """
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in plan.jobs:
        jobs[job.configuration].append(job)
    entries = [_entry(configuration, each, rows) for configuration, each in jobs.items()]
    judged: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.rows:
            judged[repr(sorted(entry.rows[0].judged_by.items()))].append(entry)
    ended = sum(
        rows[job.number].state in ("done", "failed") for job in plan.jobs if job.number in rows
    )
    return Leaderboard(
        plan=plan,
        rankings=tuple(_ranking(plan, each) for each in judged.values()),
        without=tuple(entry for entry in entries if not entry.rows),
        unfinished=len(plan.jobs) - ended,
    )


def _entry(configuration: str, jobs: Sequence[Job], rows: dict[int, Row]) -> Entry:
    by_seed = sorted(jobs, key=lambda job: job.seed)
    ended = [(job, rows[job.number]) for job in by_seed if job.number in rows]
    return Entry(
        configuration=configuration,
        values={key: value for key, value in jobs[0].values.items() if key != SEED},
        rows=tuple(row for _, row in ended if row.state == "done"),
        failed=tuple((job.name, row.error or "") for job, row in ended if row.state == "failed"),
    )


def _ranking(plan: Plan, entries: Sequence[Entry]) -> Ranking:
    """Rank entries by validation; in the order of the plan if the sweep ranks nothing."""
    judged_by = entries[0].rows[0].judged_by
    if not plan.ranked or any(len(e.validation) < len(e.rows) for e in entries):
        return Ranking(judged_by, tuple(entries), None)
    # Equal ones stay in the order of the plan.
    order = sorted(entries, key=lambda entry: goodness(entry.validated), reverse=True)
    noise = within_noise([entry.validation for entry in order], 0)
    pareto = _pareto(order)
    placed = (
        replace(
            entry,
            rank=number + 1,
            within_noise=noise.within[number] if noise.marked else None,
            pareto=entry.configuration in pareto,
        )
        for number, entry in enumerate(order)
    )
    return Ranking(judged_by, tuple(placed), noise)


def _pareto(order: Sequence[Entry]) -> set[str]:
    """The configurations such that none before them costs as little; the best one comes first."""
    found: set[str] = set()
    least: int | None = None
    for entry in order:
        cost = entry.rows[0].multiply_adds
        if cost is not None and (least is None or cost < least):
            found.add(entry.configuration)
            least = cost
    return found
