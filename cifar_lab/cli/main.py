"""``cifar-lab VERB …``: dispatches to the verb and turns errors into exit statuses.

Imports nothing heavy, so that help, completion and ``--cfg`` need not wait for torch.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from cifar_lab import __version__
from cifar_lab.cli.terminal import say
from cifar_lab.cli.verbs import DONE, FAILED, REFUSED, VERBS, help_of, usage
from cifar_lab.engine.interrupts import Interrupted
from cifar_lab.refusal import Refusal, RunFailed, did_you_mean
from cifar_lab.wording import first_sentence, printable, shortened

#: A path that no file can have: too long, or a link that leads back to itself.
NO_SUCH_PATH = (errno.ENAMETOOLONG, errno.ELOOP)
#: Longest word that a message shows whole; a path may be that long.
LONGEST_WORD = 250


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
            say(f"error: {readable(problem)}", sys.stderr)
        return REFUSED
    except BrokenPipeError:  # `cifar-lab ls | head`
        sys.stderr.close()
        return DONE
    except RunFailed:  # the run has already printed and logged the reason
        return FAILED
    except RuntimeError as error:  # outside of a run, e.g. of `find-lr`
        from cifar_lab.recipe.failures import described_loss

        told = described_loss(error)
        if told is None:
            raise
        say(f"error: {told}, then repeat the command", sys.stderr)
        return FAILED
    except Interrupted as interruption:
        return 128 + interruption.signum
    except OSError as error:  # e.g. a full disk or a read-only folder: not a bug
        where = "" if error.filename is None else f"{error.filename}: "
        text = readable(f"{where}{first_sentence(error)}")
        say(f"error: {text}; when this is put right, repeat the command", sys.stderr)
        return REFUSED if error.errno in NO_SUCH_PATH else FAILED
    except KeyboardInterrupt:  # before a run has installed its signal handlers
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def readable(message: str) -> str:
    """Put a message on one line, without words that nobody would read to the end."""
    words = printable(message).split(" ")
    return " ".join(shortened(w) if len(w) > LONGEST_WORD else w for w in words)


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        say(usage())
        return DONE if words else REFUSED
    if words[0] == "--version":
        print(f"cifar-lab {__version__}")
        return DONE
    if words[0] in ("-sc", "--shell-completion"):
        from cifar_lab.cli.completion import complete

        return complete(words[1:])
    if words[0] not in VERBS:
        hint = did_you_mean(words[0][:100], VERBS)
        if "=" in words[0] or words[0].startswith("-"):
            hint = "; the verb comes first, e.g. cifar-lab train trainer.epochs=3"
        verbs = f"the verbs are: {', '.join(VERBS)}"
        raise Refusal(f"there is no verb '{shortened(words[0])}'{hint}; {verbs}")
    if words[0] != "train" and not {"-h", "--help"}.isdisjoint(words):
        say(help_of(words[0]))
        return DONE
    module, _, function = VERBS[words[0]].function.partition(".")
    run: Callable[[list[str]], int] = getattr(import_module(f"cifar_lab.cli.{module}"), function)
    return run(words[1:])
