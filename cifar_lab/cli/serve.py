"""``serve``: a bundle's network behind HTTP."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.cli.classifiers import cores
from cifar_lab.cli.flags import LAST_PORT, Parser, Range, numbers
from cifar_lab.cli.terminal import say
from cifar_lab.cli.verbs import DONE, FAILED, VERBS
from cifar_lab.refusal import Refusal, missing_packages
from cifar_lab.wording import plural, printable

if TYPE_CHECKING:
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.classifier import Classifier
    from cifar_lab.deploy.server.limits import Limits

#: What the extra installs that a server needs.
PACKAGES = ("starlette", "uvicorn", "python_multipart")
#: What its flags accept.
NUMBERS = {
    "--port": Range(int, 0, LAST_PORT),
    "--batch-size": Range(int, 1, 10_000),
    "--batch-wait-ms": Range(float, 0, 10_000),
    "--max-queue": Range(int, 1, 1_000_000),
    "--max-body-mb": Range(float, 0.001, 10_000),
    "--grace": Range(float, 0, 86_400),
    "--threads": Range(int, 1, 1024),
}


def serve(words: list[str]) -> int:
    """Serve a bundle until SIGTERM or Ctrl-C; 0 if everything that was accepted was answered."""
    flags = _parsed(words)
    bundle = _bundle(flags.bundle)
    from cifar_lab.deploy.hosts import names_of
    from cifar_lab.deploy.listening import address_of, listening
    from cifar_lab.deploy.server.app import Service
    from cifar_lab.deploy.server.serving import Server, log_requests

    with listening(flags.host, [flags.port]) as listener:
        classifier, limits, address = _opened(bundle, flags), _limits(flags), address_of(listener)
        hosts = names_of(listener.getsockname()[0])
        service = Service(classifier, bundle.description, limits, address, hosts)
        server = Server(service, limits.grace_seconds, flags.access_log)
        if flags.access_log:
            log_requests()
        say(_announcement(bundle, address, limits))
        server.run([listener])
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


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser("serve")
    parser.add_argument("bundle", nargs="?")
    parser.add_argument("--host", default="127.0.0.1")
    for flag, default in (
        ("--port", "8000"),
        ("--batch-size", "32"),
        ("--batch-wait-ms", "2"),
        ("--max-queue", "256"),
        ("--max-body-mb", "20"),
        ("--grace", "30"),
        ("--threads", str(cores())),
    ):
        parser.add_argument(flag, default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--trust", action="store_true")
    parser.add_argument("--access-log", action="store_true")
    flags = parser.parse_intermixed_args(words)
    problems = [] if flags.bundle else [f"name a bundle: `cifar-lab {VERBS['serve'].usage}`"]
    problems += numbers(flags, NUMBERS)
    problems += missing_packages("`cifar-lab serve`", PACKAGES, "app")
    if problems:
        raise Refusal(problems)
    return flags
