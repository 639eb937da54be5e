"""``serve``: a bundle's network behind HTTP."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from cifar_lab.cli.terminal import say
from cifar_lab.cli.verbs import DONE, FAILED, VERBS
from cifar_lab.refusal import Refusal
from cifar_lab.wording import plural, printable

if TYPE_CHECKING:
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.classifier import Classifier
    from cifar_lab.deploy.server.limits import Limits

Number = TypeVar("Number", int, float)
#: What the extra installs that a server needs.
PACKAGES = ("starlette", "uvicorn", "python_multipart")


def serve(words: list[str]) -> int:
    """Serve a bundle until SIGTERM or Ctrl-C; 0 if everything that was accepted was answered."""
    flags = _parsed(words)
    bundle = _bundle(flags.bundle)
    from cifar_lab.deploy.hosts import names_of
    from cifar_lab.deploy.server.app import Service
    from cifar_lab.deploy.server.serving import Server, address_of, bound, log_requests

    with bound(flags.host, flags.port) as listening:
        classifier, limits, address = _opened(bundle, flags), _limits(flags), address_of(listening)
        hosts = names_of(listening.getsockname()[0])
        service = Service(classifier, bundle.description, limits, address, hosts)
        server = Server(service, limits.grace_seconds, flags.access_log)
        if flags.access_log:
            log_requests()
        say(_announcement(bundle, address, limits))
        server.run([listening])
    if server.unanswered:
        were = plural(server.unanswered, "request was", "requests were")
        say(f"error: {were} not answered within --grace {flags.grace:g}")
        return FAILED
    say("every request that was accepted has been answered")
    return DONE


def _bundle(word: str) -> Bundle:
    from cifar_lab.deploy.bundle import is_bundle, read_bundle
    from cifar_lab.run.find import find_run
    from cifar_lab.run.folder import OUTPUTS

    path = Path(word)
    if not is_bundle(path):
        try:
            find_run(OUTPUTS, word)
        except Refusal:
            return read_bundle(path)  # which says what a bundle is
        raise Refusal(
            f"{word} is a run, and a server needs a bundle: export it first with "
            f"`cifar-lab export {word}`, then serve the folder that it writes"
        )
    return read_bundle(path)


def _opened(bundle: Bundle, flags: argparse.Namespace) -> Classifier:
    from cifar_lab.cli.classifiers import classifier_of
    from cifar_lab.own_code import Given

    given = Given(None, flags.trust, False)
    return classifier_of(bundle, given, flags.device, threads=flags.threads)


def _limits(flags: argparse.Namespace) -> Limits:
    from cifar_lab.deploy.server.limits import MEMORY_BYTES, Limits

    body_bytes = int(flags.max_body_mb * 1e6)
    return Limits(
        batch_size=flags.batch_size,
        batch_wait_seconds=flags.batch_wait_ms / 1000,
        queue=flags.max_queue,
        body_bytes=body_bytes,
        memory_bytes=max(MEMORY_BYTES, body_bytes),
        grace_seconds=flags.grace,
    )


def _announcement(bundle: Bundle, address: str, limits: Limits) -> str:
    name, wait = printable(bundle.description.name), 1000 * limits.batch_wait_seconds
    return (
        f"serving {name} on {address} (documentation: {address}/docs): batches of up to "
        f"{limits.batch_size} images, which wait up to {wait:g} ms; at most {limits.queue} images "
        f"in the queue, {limits.body_bytes / 1e6:g} MB in a request and "
        f"{limits.memory_bytes / 1e6:g} MB in all requests together; Ctrl-C or SIGTERM stops it "
        f"once all is answered, after {limits.grace_seconds:g} s at the latest"
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message}; usage: `cifar-lab {VERBS['serve'].usage}`")


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="cifar-lab serve", add_help=False, allow_abbrev=False)
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("--host", default="127.0.0.1")
    for flag, default in (
        ("--port", "8000"),
        ("--batch-size", "32"),
        ("--batch-wait-ms", "2"),
        ("--max-queue", "256"),
        ("--max-body-mb", "20"),
        ("--grace", "30"),
        ("--threads", str(_cores())),
    ):
        parser.add_argument(flag, default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--trust", action="store_true")
    parser.add_argument("--access-log", action="store_true")
    flags = parser.parse_intermixed_args(words)
    problems = [] if flags.bundle else [f"name a bundle: `cifar-lab {VERBS['serve'].usage}`"]
    problems += _numbers(flags)
    lacking = [name for name in PACKAGES if find_spec(name) is None]
    if lacking:
        problems.append(
            f"`cifar-lab serve` needs {' and '.join(lacking)}, which is not installed: "
            "pip install 'cifar-lab[app]'"
        )
    if problems:
        raise Refusal(problems)
    return flags


def _numbers(flags: argparse.Namespace) -> list[str]:
    """Convert the numbers among the flags; return what is wrong with them."""
    problems = []
    for name, kind, least, most in (
        ("port", int, 0, 65_535),
        ("batch_size", int, 1, 10_000),
        ("batch_wait_ms", float, 0, 10_000),
        ("max_queue", int, 1, 1_000_000),
        ("max_body_mb", float, 0.001, 10_000),
        ("grace", float, 0, 86_400),
        ("threads", int, 1, 1024),
    ):
        given = getattr(flags, name)
        number = _number(given, kind)
        if number is None or not least <= number <= most:
            sort = "a whole number" if kind is int else "a number"
            flag = f"--{name.replace('_', '-')}"
            problems.append(f"{flag} {given}: must be {sort} from {least:,} to {most:,}")
        setattr(flags, name, number)
    return problems


def _number(text: str, kind: Callable[[str], Number]) -> Number | None:
    try:
        number = kind(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
