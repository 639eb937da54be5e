"""Calls the hooks of a run so that whatever they do, the run is the same."""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from cifar_lab.data.workers import lost_worker
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.restoring import looked_on
from cifar_lab.engine.state import TrainingState
from cifar_lab.hooks.base import Hook, RunView
from cifar_lab.hooks.columns import Columns, Unfit
from cifar_lab.hooks.files import HookFiles
from cifar_lab.run.store import Store
from cifar_lab.run.summary import Summary
from cifar_lab.wording import first_sentence, shortened

log = logging.getLogger("cifar_lab")

T = TypeVar("T")

#: Longest reason to stop, in characters.
LONGEST = 200


class HookCalls(Hooks):
    """Passes on what happens in a run to the hooks of its configuration, in their order.

    It comes before what writes the rows, as it adds columns to them.

    Args:
        hooks: by name.
        files: of the run.
        config: of the run, as plain values.
        learner: the model being trained.
        loaders: the batches.
        rows: of the epochs that were completed before.
    """

    def __init__(
        self,
        hooks: Mapping[str, Hook],
        files: Store,
        config: Mapping[str, Any],
        learner: Learner,
        loaders: Loaders,
        rows: Sequence[Row],
    ) -> None:
        self._hooks = dict(hooks)
        self._path = files.folder.path
        self._files = {name: HookFiles(files, name) for name in hooks}
        self._config = copy.deepcopy(dict(config))
        self._learner, self._loaders = learner, loaders
        self._rows = [dict(row) for row in rows]
        self._columns = Columns(rows)
        self._evaluated_model = learner.model
        self._started = False

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        self._evaluated_model, self._started = state.evaluated_model, True
        for name in list(self._hooks):
            self._call(name, "on_run_start")

    def on_epoch_evaluated(self, state: TrainingState, row: Row) -> None:
        given: Row = {}
        for name in list(self._hooks):
            given |= self._asked(name, "columns", partial(self._columns.checked, name)) or {}
        self._columns.complete(row, given)
        self._rows.append(dict(row))
        for name in list(self._hooks):
            self._call(name, "on_epoch_end", dict(row))

    def reason_to_stop(self, state: TrainingState) -> str | None:
        for name in list(self._hooks):
            reason = self._asked(name, "reason_to_stop", _reason)
            if reason is not None:
                return f"hooks.{name}: {reason}"
        return None

    def end(self, summary: Summary) -> None:
        """Tell the hooks that the run is done, and the log what they have written."""
        for name in list(self._hooks):
            self._call(name, "on_run_end", summary)
        for files in self._files.values():
            described = files.described()
            if described is not None:
                log.info(described)

    @contextlib.contextmanager
    def told_of_failure(self) -> Iterator[None]:
        """Tell the hooks if what happens inside fails or is interrupted."""
        try:
            yield
        except BaseException as error:
            if self._started:
                why = " ".join(str(error).split()) or type(error).__name__
                for name in list(self._hooks):
                    self._call(name, "on_run_broken_off", why)
            raise

    def _call(self, name: str, method: str, *arguments: Any) -> None:
        self._asked(name, method, lambda _: None, *arguments)

    def _asked(self, name: str, method: str, read: Callable[[Any], T], *arguments: Any) -> T | None:
        """Call a method of a hook and read its answer; None if either fails, and ever after."""
        models = dict.fromkeys((self._learner.model, self._evaluated_model))
        try:
            with looked_on(*models):
                return read(getattr(self._hooks[name], method)(self._view(name), *arguments))
        except Exception as error:  # whatever it does, the run goes on
            if isinstance(error, RuntimeError) and lost_worker(error) is not None:
                raise  # told by torch anywhere: the run has lost a worker, and not the hook
            self._leave_out(name, method, error)
            return None

    def _view(self, name: str) -> RunView:
        return RunView(
            path=self._path,
            config=self._config,
            rows=tuple(dict(row) for row in self._rows),
            write=self._files[name].write,
            learner=self._learner,
            loaders=self._loaders,
            evaluated_model=self._evaluated_model,
            read=self._files[name].read,
        )

    def _leave_out(self, name: str, method: str, error: Exception) -> None:
        del self._hooks[name]
        said = first_sentence(error)
        kind = type(error).__name__
        what = said if isinstance(error, Unfit) or said == kind else f"{kind}: {said}"
        log.warning(f"hooks.{name} failed in {method}: {what}; the run goes on without it")
        log.debug("traceback:", exc_info=error)


def _reason(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        raise Unfit(f"it must return a reason or None, got {shortened(repr(given))}")
    return shortened(" ".join(given.split()), LONGEST)
