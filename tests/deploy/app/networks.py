"""A bundle with images, the answers of its network, and its page in a server."""

from __future__ import annotations

import base64
import contextlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from cifar_lab.deploy.app.answers import Answers
from cifar_lab.deploy.app.serving import LOCAL, server
from cifar_lab.deploy.bundle import WEIGHTS, Bundle, read_bundle
from cifar_lab.deploy.contents import contents_of
from cifar_lab.deploy.description import Shown
from cifar_lab.deploy.listening import listening
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.models import CustomResNet
from tests.deploy.bundles import a_bundle

CARD = "---\nlicense: mit\n---\n# Insects\n\nWhat it is good for.\n"


def png(pixels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(pixels), "png")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def sent(content: bytes) -> str:
    """A file as the browser sends it."""
    return f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def bundle(folder: Path, examples: int = 3, mistakes: int = 4, **changes: Any) -> Bundle:
    """A bundle with an image of noise for each example and each misclassified image."""
    shown = {
        "examples": tuple(Shown(f"examples/{n}.png", f"e{n}", n % 3, 0) for n in range(examples)),
        "misclassified": tuple(
            Shown(f"misclassified/{n}.png", f"m<b>{n}", 1, 2) for n in range(mistakes)
        ),
    }
    files = {
        of.file: png(noise(100 * len(kind) + n, 32, 32))
        for kind, several in shown.items()
        for n, of in enumerate(several)
    }
    files |= {"README.md": CARD.encode(), WEIGHTS: save(weights())}
    return read_bundle(a_bundle(folder, files, **shown, **changes))


def weights() -> dict[str, torch.Tensor]:
    """Of a network whose answers to images of noise differ, and whose maps have colours."""
    torch.manual_seed(1)
    model = CustomResNet(num_classes=3, width=4)
    model.head.weight.data *= 20
    return {name: tensor.contiguous() for name, tensor in model.state_dict().items()}


def answers_of(of: Bundle) -> Answers:
    return Answers(open_bundle(of), contents_of(of))


@contextlib.contextmanager
def served(answers: Answers) -> Iterator[str]:
    """Serve the page inside; its address."""
    ready, running = threading.Event(), []

    def run() -> None:
        running.append(server(answers, ready=ready.set))
        running[0].run(sockets=[listener])

    with listening(LOCAL, [0]) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(60)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running[0].should_exit = True
            thread.join(20)
            assert not thread.is_alive()
