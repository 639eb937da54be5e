"""Weights & Biases: offline below the run's folder, or online."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from cifar_lab.trackers.facts import measured, results
from cifar_lab.trackers.tracker import Tracker

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.trackers.facts import Facts, State
    from cifar_lab.trackers.sent import Sent

#: Exit status of the run that W&B shows.
STATUS = {"done": 0, "failed": 1, "interrupted": 130}


@dataclass(kw_only=True, eq=False)
class WandB(Tracker):
    """Sends configuration, metrics, result and figures to Weights & Biases.

    Offline, nothing leaves the machine until ``wandb sync`` is run by hand.

    Args:
        project: name of the project.
        entity: user or team; None for the default of the account.
        mode: ``offline`` or ``online``.
    """

    package: ClassVar[str] = "wandb"

    project: str
    entity: str | None
    mode: Literal["offline", "online"]

    def environment(self) -> Mapping[str, str]:
        return {
            "WANDB_ERROR_REPORTING": "false",
            "DO_NOT_TRACK": "true",
            # Where nothing can be: else a link to a log there is put into the run's folder.
            "WANDB_CACHE_DIR": f"{os.devnull}/none",
        }

    def session(self, facts: Facts, sent: Sent) -> WandBRun:
        return WandBRun(facts, self)


class WandBRun:
    """A run of W&B; an offline one cannot be resumed, so it is written anew.

    Args:
        facts: what to send.
        tracker: where to send it.
    """

    def __init__(self, facts: Facts, tracker: WandB) -> None:
        import wandb

        self._facts, self._rows = facts, 0
        self.id = facts.id[:16] if facts.run.id else facts.title
        offline = tracker.mode == "offline"
        facts.place.mkdir(parents=True, exist_ok=True)
        for earlier in facts.place.glob(f"wandb/offline-run-*-{self.id}") if offline else ():
            shutil.rmtree(earlier)
        settings = wandb.Settings(
            console="off",
            silent=True,
            symlink=False,
            disable_git=True,
            disable_code=True,
            disable_job_creation=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
        )
        self._run = wandb.init(
            project=tracker.project,
            entity=tracker.entity,
            id=self.id,
            name=facts.title,
            group=facts.group,
            config={**facts.run.config, **facts.tags()},
            dir=str(facts.place),
            mode=tracker.mode,
            resume=None if offline else "allow",
            reinit="finish_previous",
            settings=settings,
        )
        self._first = self._run.starting_step  # of a run that goes on online; else 0

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows[self._rows :]:
            if row["epoch"] >= self._first:
                self._run.log(measured(row), step=int(row["epoch"]), commit=True)
        self._rows = len(rows)

    def end(self, state: State) -> None:
        import wandb

        facts, summary = self._facts, self._facts.summary()
        if summary is not None:
            self._run.summary.update(results(summary))
        for name, path in facts.figures().items():  # not in the history: they are of no epoch
            self._run.summary[f"figures/{name}"] = wandb.Image(str(path))
        self._run.finish(exit_code=STATUS[state])
