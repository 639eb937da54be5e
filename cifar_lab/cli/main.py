"""``cifar-lab VERB …``: dispatches to the verb and turns errors into exit statuses.

Imports nothing heavy, so that help, completion and ``--cfg`` need not wait for torch.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from cifar_lab import __version__
from cifar_lab.cli.verbs import DONE, FAILED, REFUSED, RUN_HELP, VERBS, usage
from cifar_lab.engine.interrupts import Interrupted
from cifar_lab.refusal import Refusal, RunFailed, did_you_mean


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb.

    Returns:
        The exit status: 0, it succeeded; 1, it failed while running; 2, the input was refused
        before anything ran; 130, 143 or 129, it was interrupted by Ctrl-C, SIGTERM or SIGHUP.
    """
    if arguments is not None:
        return _status(list(arguments))
    try:
        status = _status(sys.argv[1:])
        _end_quietly(status)
    except KeyboardInterrupt:  # a second one, while the first was being reported
        status = 128 + signal.SIGINT
        _end_quietly(status)
    return status


def _end_quietly(status: int) -> None:
    """Make sure that what remains of the process prints no traceback and keeps its exit status."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(status))  # a further Ctrl-C
    try:
        sys.stdout.flush()
    except OSError:  # the terminal was closed: Python would try again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status(words: list[str]) -> int:
    """Run a verb and turn what it raises into a message and an exit status."""
    try:
        return _dispatch(words)
    except Refusal as refusal:
        for problem in refusal.problems:
            print(f"error: {problem}", file=sys.stderr)
        return REFUSED
    except BrokenPipeError:  # `cifar-lab ls | head`
        sys.stderr.close()
        return DONE
    except RunFailed:  # the run has already printed and logged the reason
        return FAILED
    except Interrupted as interruption:
        return 128 + interruption.signum
    except OSError as error:  # e.g. a full disk or a read-only folder: not a bug
        print(f"error: {error}; when this is put right, repeat the command", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:  # before a run has installed its signal handlers
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return DONE if words else REFUSED
    if words[0] == "--version":
        print(f"cifar-lab {__version__}")
        return DONE
    if words[0] in ("-sc", "--shell-completion"):
        from cifar_lab.cli.completion import complete

        return complete(words[1:])
    if words[0] not in VERBS:
        hint = did_you_mean(words[0], VERBS)
        raise Refusal(f"there is no verb '{words[0]}'{hint}; the verbs are: {', '.join(VERBS)}")
    if words[0] != "train" and not {"-h", "--help"}.isdisjoint(words):
        verb = VERBS[words[0]]
        print(f"usage: cifar-lab {verb.usage}\n\n{verb.help}\n\n{RUN_HELP}")
        return DONE
    module, _, function = VERBS[words[0]].function.partition(".")
    run: Callable[[list[str]], int] = getattr(import_module(f"cifar_lab.cli.{module}"), function)
    return run(words[1:])
