"""``cifar_lab.sweep``, ``cifar_lab.ablate`` and ``cifar_lab.open_sweep``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifar_lab.api.calls import PathLike, at_work, given_of, overrides_of, path_of
from cifar_lab.api.collection import Runs
from cifar_lab.api.columns import Listed
from cifar_lab.api.table import FrameName, Table
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal
from cifar_lab.results.leaderboard import Entry, Leaderboard, leaderboard
from cifar_lab.results.leaderboard_text import measured, varied
from cifar_lab.results.plan import Plan, read_plan
from cifar_lab.run.find import find_sweep
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.record import Run as Recorded
from cifar_lab.run.sweep_folder import SweepFolder

#: Begins the override that chooses a sweeper, and those that can be chosen here.
SWEEPER, SWEEPERS = "hydra/sweeper=", ("lab", "search")


def sweep(
    *overrides: str,
    sets: Sequence[str] = (),
    exclude: Sequence[str] = (),
    config_dir: PathLike | None = None,
    timing: bool = True,
) -> Sweep:
    """Train one experiment for each combination of values, as ``cifar-lab train -m`` does.

        found = cifar_lab.sweep("experiments=digits", "optimizer.lr=0.01,0.1", "seed=range(3)")
        found.leaderboard

    Args:
        overrides: any of them may list values.
        sets: as ``--set``: several overrides in one text each, one of which each job uses.
        exclude: as ``--exclude``: combinations to leave out, as overrides in one text each.
        config_dir: folder with further groups, as ``--config-dir``.
        timing: whether to time a few batches before, to tell how long it will take.

    Returns:
        The sweep; jobs that failed are among its ``runs``, and the others ran all the same.

    Raises:
        Refusal: with the problems of all jobs; nothing was written.
        KeyboardInterrupt: it was interrupted; ``open_sweep("latest").resume()`` continues it.
    """
    words = overrides_of("sweep", overrides)
    others = [word for word in words if word.startswith(SWEEPER)]
    if any(word.removeprefix(SWEEPER) not in SWEEPERS for word in others):
        raise Refusal(
            f"{others[0]}: cifar_lab.sweep knows {' and '.join(SWEEPERS)}; other sweepers run by "
            "`cifar-lab train -m`"
        )
    with at_work():
        from cifar_lab.config.own_folder import composer_for
        from cifar_lab.config.space import Request
        from cifar_lab.sweeps.commands import sweep_command
        from cifar_lab.sweeps.start import Start, start

        composer = composer_for(path_of(config_dir))
        request = Request(tuple(words), tuple(sets), tuple(exclude))
        command = sweep_command(composer, request)
        outcome = start(composer, Start(request, command, timing=timing))
    return _ran(outcome.folder, Given(path_of(config_dir)))


def ablate(
    *words: str,
    without: Sequence[str] = (),
    add_one_in: bool = False,
    config_dir: PathLike | None = None,
    timing: bool = True,
) -> Sweep:
    """Leave out each step of a group in turn, and rank what they are worth.

        cifar_lab.ablate("augmentation", "experiments=digits", "seed=range(3)")

    Args:
        words: the group, and overrides of the baseline, of which only ``seed`` may list values.
        without: overrides that each take one further piece away, as ``--without``.
        add_one_in: whether to start from none of the steps, and add each alone.
        config_dir, timing: as for :func:`sweep`.

    Raises:
        Refusal: with the problems of all jobs; nothing was written.
        KeyboardInterrupt: as :func:`sweep`.
    """
    given = overrides_of("ablate", words)
    with at_work():
        from cifar_lab.config.own_folder import composer_for
        from cifar_lab.sweeps.ablation import Ablation
        from cifar_lab.sweeps.commands import ablation_command
        from cifar_lab.sweeps.start import start_ablation

        composer = composer_for(path_of(config_dir))
        asked = Ablation.of(given, without, add_one_in)
        command = ablation_command(composer, asked)
        outcome = start_ablation(composer, asked, command, False, timing)
    return _ran(outcome.folder, Given(path_of(config_dir)))


def open_sweep(name: PathLike, *, config_dir: PathLike | None = None, trust: bool = False) -> Sweep:
    """Open a sweep, an ablation, a search or a confirmation.

    Args:
        name: the path of its folder, the end of it, or ``"latest"``.
        config_dir, trust: as for :func:`cifar_lab.open_run`.

    Raises:
        Refusal: there is no such sweep, or there are several.
    """
    folder = find_sweep(OUTPUTS, os.fspath(name))
    if folder is None:
        raise Refusal(
            f"SWEEP={os.fspath(name)}: no sweep below {OUTPUTS}/ has this path, or several have; "
            "give the path of its folder, or 'latest'"
        )
    return Sweep(folder, given_of(config_dir, trust))


def _ran(folder: SweepFolder | None, given: Given) -> Sweep:
    if folder is None:
        raise Refusal(
            "the configuration names a sweeper whose results only Hydra knows; "
            "cifar_lab.runs() has its runs"
        )
    return Sweep(folder, given)


class Sweep:
    """A sweep in its folder; what it shows is read whenever it is asked for.

    Args:
        folder: its folder.
        given: whose Python files its runs may name.
    """

    def __init__(self, folder: SweepFolder, given: Given = Given()) -> None:  # noqa: B008
        self.folder, self._given = folder, given

    @property
    def path(self) -> Path:
        """Its folder, which has a page, ``sweep.html``."""
        return self.folder.path

    @property
    def plan(self) -> Plan:
        """What it runs."""
        return read_plan(self.folder)

    @property
    def runs(self) -> Runs:
        """Its runs that have started, in the order of the plan."""
        folders = [self.folder.job(job.name) for job in self.plan.jobs]
        listed = [Listed(Recorded(folder)) for folder in folders if folder.exists()]
        return Runs(lambda: listed, self._given)

    @property
    def leaderboard(self) -> Table:
        """A row a configuration, the best by validation first; accuracies from 0 to 1.

        Columns as in leaderboard.csv; ``within_noise`` tells which cannot be told from the best,
        and is None where nothing can be said, e.g. of single seeds.
        """
        board = leaderboard(self.folder)
        return Table([_row(board, entry) for entry in [*board.entries, *board.without]])

    def to_frame(self, columns: Sequence[str] | None = None, frame: FrameName = "auto") -> Any:
        """Return the leaderboard as a data frame; ``runs.to_frame()`` has a row a run.

        The arguments are those of :meth:`Table.to_frame`.
        """
        return self.leaderboard.to_frame(columns, frame)

    def resume(self) -> Sweep:
        """Run the jobs that are not done; returns the sweep.

        Raises:
            Refusal: somebody else made it and is not trusted, or another process runs it.
            KeyboardInterrupt: as :func:`sweep`.
        """
        with at_work():
            from cifar_lab.sweeps.start import go_on
            from cifar_lab.sweeps.trusted import composer_of

            go_on(composer_of(self.folder, self._given), self.folder)
        return self

    def __repr__(self) -> str:
        return f"Sweep({self.path.as_posix()})\n{self.leaderboard!r}"

    def _repr_html_(self) -> str:
        return self.leaderboard._repr_html_()


def _row(board: Leaderboard, entry: Entry) -> dict[str, Any]:
    values = {key: _typed(entry.values.get(key)) for key in varied(board)}
    return {"rank": entry.rank, **values, **measured(entry)}


def _typed(text: str | None) -> Any:
    """Return the value that an override's text stands for: a number, or the text itself."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
