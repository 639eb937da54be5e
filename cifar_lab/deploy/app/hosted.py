"""Serves the page of a bundle, in a Hugging Face Space or from a copy of its folder."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from cifar_lab.deploy.app.answers import Answers
from cifar_lab.deploy.app.serving import LOCAL, PORTS, run, server
from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.contents import contents_of
from cifar_lab.deploy.hosts import LOCAL_NAMES
from cifar_lab.deploy.listening import address_of, listening
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.refusal import Refusal
from cifar_lab.wording import printable, shortened

#: Set in every Space, where the page has other names than this machine's and a fixed port.
IN_A_SPACE = "SPACE_ID"
EVERYWHERE, PORT, LAST_PORT = (
    "0.0.0.0",
    7860,
    65_535,
)  # a Space is a container, and nobody else's way to it is open


def host(path: Path, trust: bool) -> None:
    """Serve the page of the bundle in a folder.

    Args:
        path: of the bundle.
        trust: whether to import the Python files in it.

    Raises:
        SystemExit: with the reason if it cannot be opened.
    """
    try:
        bundle = read_bundle(path)
        answers = Answers(open_bundle(bundle, trust), contents_of(bundle))
        hosted = bool(os.environ.get(IN_A_SPACE))
        ports = [_port()] if hosted else PORTS
        listener = listening(EVERYWHERE if hosted else LOCAL, ports)
    except Refusal as refusal:
        raise SystemExit(_told(refusal)) from None
    torch.set_num_threads(min(answers.usage.threads, os.cpu_count() or 1))
    address = address_of(listener)
    served = server(
        answers,
        hosts=() if hosted else LOCAL_NAMES,
        ready=lambda: print(f"app: {address}", flush=True),
    )
    run(served, listener)


def _port() -> int:
    text = os.environ.get("GRADIO_SERVER_PORT", str(PORT))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= LAST_PORT):
        raise Refusal(
            f"GRADIO_SERVER_PORT={shortened(text)}: must be a whole number from 1 to {LAST_PORT}"
        )
    return int(text)


def _told(refusal: Refusal) -> str:
    return "\n".join(f"error: {printable(problem)}" for problem in refusal.problems)
