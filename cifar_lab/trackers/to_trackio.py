"""trackio: a folder of this machine, or a Space of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cifar_lab.trackers.facts import measured, results
from cifar_lab.trackers.tracker import Tracker

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.trackers.facts import Facts, State
    from cifar_lab.trackers.sent import Sent


@dataclass(kw_only=True, eq=False)
class Trackio(Tracker):
    """Sends configuration, metrics, result and figures to trackio; ``trackio show`` shows them.

    Args:
        project: name of the project.
        directory: trackio's data on this machine; ``TRACKIO_DIR`` for ``trackio show``.
        space_id: Space of Hugging Face to send to; None for this machine only.
    """

    package: ClassVar[str] = "trackio"

    project: str
    directory: str
    space_id: str | None

    def environment(self) -> Mapping[str, str]:
        offline = {"HF_HUB_OFFLINE": "1"} if self.space_id is None else {}
        return {
            "TRACKIO_DIR": self.directory,
            # Files of their own, which the dashboard collects: jobs at once would lock each other
            # out of one database.
            "TRACKIO_STORAGE_MODE": "jsonl",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "DO_NOT_TRACK": "1",
            **offline,
        }

    def session(self, facts: Facts, sent: Sent) -> TrackioRun:
        return TrackioRun(facts, sent, self)


class TrackioRun:
    """A run of trackio, which is not asked what it has: this is remembered in the run's folder.

    Args:
        facts: what to send.
        sent: what was sent before.
        tracker: where to send it.
    """

    def __init__(self, facts: Facts, sent: Sent, tracker: Trackio) -> None:
        self._facts, self._tracker = facts, tracker
        self.id = facts.id
        known = sent.id == self.id
        self._epochs = sent.epochs if known else 0
        self._has_result = known and sent.state == "done"

    def add(self, rows: Sequence[Row]) -> None:
        self._log({int(r["epoch"]): measured(r) for r in rows if r["epoch"] > self._epochs})
        self._epochs = max([self._epochs, *(int(row["epoch"]) for row in rows)])

    def end(self, state: State) -> None:
        import trackio

        summary = self._facts.summary()
        if summary is None or self._has_result:
            return
        figures = self._facts.figures().items()
        images = {f"figures/{name}": trackio.Image(str(path)) for name, path in figures}
        self._log({summary.reported_epoch: results(summary)})
        if images:
            self._log({self._epochs: images})

    def _log(self, metrics: Mapping[int, Mapping[str, Any]]) -> None:
        """Send metrics by step, and wait until trackio has them."""
        if metrics:
            run = self._opened()
            for step, values in metrics.items():
                run.log(dict(values), step=step)
            run.finish()

    def _opened(self) -> Any:
        import trackio

        facts, tracker = self._facts, self._tracker
        described = {
            "project": tracker.project,
            "name": facts.title,
            "group": facts.group,
            "config": {**facts.parameters(), **facts.tags()},
        }
        if tracker.space_id is None:  # init would give it another id each time
            return trackio.Run(url=None, client=None, run_id=self.id, **described)
        return trackio.init(
            **described,
            space_id=tracker.space_id,
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
