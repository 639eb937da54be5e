"""A hook whose own process sends the run to a tracker."""

from __future__ import annotations

import dataclasses
import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from cifar_lab.bounds import NonNegativeFloat
from cifar_lab.hooks.base import Hook, RunView
from cifar_lab.trackers.sending import Order, Sending

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.run.summary import Summary
    from cifar_lab.trackers.facts import Facts, State
    from cifar_lab.trackers.sent import Sent

log = logging.getLogger("cifar_lab")

#: Longest time, in seconds, that a run which was interrupted or has failed waits for a tracker.
GRACE_SECONDS = 2.0


class Session(Protocol):
    """What a tracker does in the process that sends. Errors are exceptions of any kind."""

    @property
    def id(self) -> str:
        """Name of the run at the tracker."""

    def add(self, rows: Sequence[Row]) -> None:
        """Send rows that have not been sent; ``rows`` are all rows so far."""

    def end(self, state: State) -> None:
        """Send results, figures and files, and close the run."""


@dataclass(kw_only=True, eq=False)
class Tracker(Hook):
    """Sends a run to a tracker, from its folder, in a process of its own.

    Nothing that happens there costs the run anything, except for waiting at its end.

    Args:
        patience: seconds to wait at most, at the end of a run, for what has not been sent.
    """

    #: The package that is needed, which is also the name of the extra that installs it.
    package: ClassVar[str]

    patience: NonNegativeFloat
    _sending: Sending | None = field(default=None, init=False, repr=False)
    _told: bool = field(default=False, init=False, repr=False)

    @abstractmethod
    def session(self, facts: Facts, sent: Sent) -> Session:
        """Open the run at the tracker, in the process that sends.

        Args:
            facts: what to send.
            sent: what was sent to it before.
        """

    def environment(self) -> Mapping[str, str]:
        """Environment variables of the process that sends."""
        return {}

    def options(self) -> dict[str, Any]:
        """The arguments that this tracker was made from."""
        given = [each.name for each in dataclasses.fields(self) if each.init]
        return {name: getattr(self, name) for name in given}

    def missing(self) -> str | None:
        """Say which package is not installed; None if it is."""
        if find_spec(self.package) is not None:
            return None
        return (
            f"{self.package} is not installed, so nothing is sent there; install it with "
            f"`pip install 'cifar-lab[{self.package}]'`"
        )

    def sending(self, path: Path, name: str) -> Sending:
        """Start the process that sends a run.

        Args:
            path: of the run's folder.
            name: of this hook.
        """
        target = f"{type(self).__module__}:{type(self).__qualname__}"
        return Sending(Order(target, self.options(), str(path), name), self.environment())

    def on_run_start(self, run: RunView) -> None:
        missing = self.missing()
        if missing is None:
            self._sending = self.sending(run.path, self._name(run))
        else:
            log.warning(
                f"hooks.{self._name(run)}: {missing}, then send it with `cifar-lab sync {run.path}`"
            )

    def on_epoch_end(self, run: RunView, row: Row) -> None:
        """Say if sending has failed; what there is to send, its process notices by itself."""
        if self._sending is not None:
            self._tell(run, self._sending.failure())

    def on_run_end(self, run: RunView, summary: Summary) -> None:
        self._end(run, "done", self.patience)

    def on_run_broken_off(self, run: RunView, why: str) -> None:
        state: State = (
            "interrupted" if why.startswith(("interrupted", "KeyboardInterrupt")) else "failed"
        )
        self._end(run, state, min(self.patience, GRACE_SECONDS))

    def _end(self, run: RunView, state: State, patience: float) -> None:
        sending, self._sending = self._sending, None
        if sending is None:
            return
        finished = sending.end(state, patience)
        self._tell(run, sending.failure())
        if finished is None and not self._told:
            log.warning(
                f"hooks.{self._name(run)}: not everything was sent within {patience:g} s; "
                f"`cifar-lab sync {run.path}` sends the rest"
            )

    def _tell(self, run: RunView, failure: str | None) -> None:
        """Say that sending has failed, but only once."""
        if failure is None or self._told:
            return
        self._told = True
        log.warning(
            f"hooks.{self._name(run)}: {failure}; the run does not need it, and `cifar-lab sync "
            f"{run.path}` sends what is missing"
        )

    def _name(self, run: RunView) -> str:
        """Return this hook's name in the run's configuration; a new one has its package's."""
        mine = {key: value for key, value in self.options().items() if key != "patience"}
        for name, node in (run.config.get("hooks") or {}).items():
            same = mine.items() <= {**node}.items() if isinstance(node, Mapping) else False
            if same and str(node.get("_target_", "")).endswith(f".{type(self).__name__}"):
                return str(name)
        return self.package
