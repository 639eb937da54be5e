"""Output of a run: lines for the terminal, which run.log also receives."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import Any, TypeVar

from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.run.files import not_followed
from cifar_lab.run.folder import RunFolder
from cifar_lab.wording import printable_lines, wrapped

log = logging.getLogger("cifar_lab")

T = TypeVar("T")

#: Seconds between plain progress lines when there is no terminal for a progress bar.
LINE_EVERY_SECONDS = 60.0


class _Stdout(logging.Handler):
    """Prints to the current ``sys.stdout``, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        # The terminal may be closed, or the reader of a pipe gone: run.log has the line.
        with contextlib.suppress(OSError):
            text = printable_lines(self.format(record))
            if sys.stdout.isatty():
                text = wrapped(text, shutil.get_terminal_size().columns)
            tqdm.write(text, file=sys.stdout)


class _RunLog(logging.FileHandler):
    """Appends to run.log; does not follow a link."""

    _failed = False

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=not_followed)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Say once that lines are lost; logging would print a traceback for each of them."""
        if not self._failed:
            self._failed = True
            reason = sys.exc_info()[1]
            print(f"warning: {self.baseFilename} could not be written: {reason}", file=sys.stderr)


def speak() -> None:
    """Sends the package's log and Python's warnings to the terminal. May be called repeatedly.

    Lines at debug level, such as tracebacks of what a run outlives, go to run.log alone.
    """
    logging.captureWarnings(True)
    for name in ("cifar_lab", "py.warnings"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        if not any(isinstance(handler, _Stdout) for handler in logger.handlers):
            logger.addHandler(_Stdout(logging.INFO))


@contextlib.contextmanager
def spoken() -> Iterator[None]:
    """Does what :func:`speak` does, inside the context only.

    A level that somebody has set for the package's log holds for the terminal, not for run.log.
    """
    loggers = [logging.getLogger(name) for name in ("cifar_lab", "py.warnings")]
    before = [(log.propagate, log.level, list(log.handlers)) for log in loggers]
    captured = getattr(logging, "_warnings_showwarning", None) is not None
    speak()
    talking = [(h, h.level) for log in loggers for h in log.handlers if isinstance(h, _Stdout)]
    for logger, (_, level, _) in zip(loggers, before, strict=True):
        for handler, quietest in talking:
            if handler in logger.handlers:
                handler.setLevel(max(level, quietest))
    try:
        yield
    finally:
        for logger, (propagate, level, handlers) in zip(loggers, before, strict=True):
            logger.propagate, logger.handlers[:] = propagate, handlers
            logger.setLevel(level)
        for handler, quietest in talking:
            handler.setLevel(quietest)
        logging.captureWarnings(captured)


@contextlib.contextmanager
def logged_to(folder: RunFolder) -> Iterator[None]:
    """Appends everything logged inside the context to the run's log as well."""
    handler = _RunLog(folder.log)
    loggers = [logging.getLogger(name) for name in ("cifar_lab", "py.warnings")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        with contextlib.suppress(OSError):  # lines that did not fit on the disk
            handler.close()


def counted(things: Sequence[T], what: str) -> Iterator[T]:
    """Yields each thing, under a progress bar on a terminal, or with a line from time to time."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
        yield from tqdm(things, desc=what, bar_format=layout, leave=False)
        return
    last = time.monotonic()
    for number, thing in enumerate(things):
        if time.monotonic() - last >= LINE_EVERY_SECONDS:
            last = time.monotonic()
            log.info(f"{what}: {number} of {len(things)}")
        yield thing


class Progress(Hooks):
    """A progress bar on a terminal, or a line from time to time; a line per epoch in any case."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._bar: Any = None
        self._epochs = self._batches = 0
        self._first_batch = 0
        self._started = self._last_line = time.monotonic()

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        self._epochs, self._batches = epochs, batches
        self._first_batch = state.epoch * batches + state.batches_done
        self._started = self._last_line = time.monotonic()
        if sys.stderr.isatty():
            from tqdm import tqdm

            layout = "{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
            self._bar = tqdm(
                total=epochs * batches, initial=self._first_batch, bar_format=layout, leave=False
            )

    def on_batch_end(self, state: TrainingState) -> None:
        if self._bar is None:
            if time.monotonic() - self._last_line >= LINE_EVERY_SECONDS:
                self._last_line = time.monotonic()
                log.info(f"epoch {state.epoch + 1}/{self._epochs}, {self._glimpse(state)}")
            return
        if self._bar.update():  # True when the bar was redrawn, at most ten times per second
            self._bar.set_description_str(f"epoch {state.epoch + 1}/{self._epochs} ", refresh=False)
            self._bar.set_postfix_str(self._glimpse(state), refresh=False)

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        parts = [f"epoch {int(row['epoch'])}/{self._epochs}"]
        for split in ("train", "val", "test"):
            if f"{split}_loss" in row:
                loss, accuracy = row[f"{split}_loss"], row[f"{split}_accuracy"]
                parts.append(f"{split} loss {loss:.4f} accuracy {accuracy:.2%}")
        parts.append(f"lr {row['lr']:.3g}")
        parts.append(f"{row['images_per_second']:,.0f} images/s, {row['epoch_seconds']:.1f} s")
        log.info("  ".join(parts))

    def on_interrupt(self, state: TrainingState) -> None:
        log.info(f"saving after epoch {state.epoch}, batch {state.batches_done} of {self._batches}")

    def on_fit_end(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _glimpse(self, state: TrainingState) -> str:
        """Loss, accuracy, speed and time left, without waiting for the device."""
        metrics = state.train_metrics.running_average()
        seen = (
            "" if metrics is None else f"loss {metrics.loss:.3f}, accuracy {metrics.accuracy:.1%}, "
        )
        done = state.epoch * self._batches + state.batches_done
        batches_per_second = (done - self._first_batch) / (time.monotonic() - self._started)
        text = f"{seen}{batches_per_second * self._batch_size:,.0f} images/s"
        if self._bar is None and batches_per_second > 0:
            left = (self._epochs * self._batches - done) / batches_per_second
            text = f"batch {state.batches_done}/{self._batches}, {text}, {left / 60:.0f} min left"
        return text
