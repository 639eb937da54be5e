"""Runs an epoch of pytorch-cifar's main.py: ``pytorch_cifar_main.py MAIN_PY IMAGES_NPZ [ARGS]``.

The script has no options for the network, the epochs and the images, which are set here: ResNet18,
one, and those of a file. It reads the width of a terminal, which need not be there.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

#: What is replaced in the script, and by what; each must be found.
REPLACED = (
    (r"(?m)^net = [A-Z]\w*\(.*\)$", "net = ResNet18()"),
    (r"start_epoch\s*\+\s*200\b", "start_epoch + 1"),
)


class Images(Dataset[Any]):
    """Takes the place of ``torchvision.datasets.CIFAR10``, which has its pixels in memory too.

    Args:
        root: ignored.
        train: chooses the split.
        download: ignored.
        transform: of a PIL image.
    """

    arrays: ClassVar[dict[str, NDArray[Any]]] = {}

    def __init__(
        self, root: str, train: bool, download: bool, transform: Callable[[Image.Image], Any]
    ) -> None:
        split = "train" if train else "test"
        self.images, self.labels = (self.arrays[f"{split}_{kind}"] for kind in ("images", "labels"))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def main(script: str, images: str) -> None:
    """Runs the script with its replacements and the remaining arguments."""
    import torchvision

    Images.arrays = dict(np.load(images))
    torchvision.datasets.CIFAR10 = Images
    popen = os.popen
    os.popen = lambda cmd, *rest: (  # type: ignore[assignment]
        io.StringIO("24 80") if cmd.startswith("stty") else popen(cmd, *rest)
    )
    sys.path[0] = str(Path(script).resolve().parent)
    sys.argv = [script, *sys.argv[3:]]
    code = compile(replaced(Path(script).read_text()), script, "exec")
    exec(code, {"__name__": "__main__", "__file__": script})


def replaced(text: str) -> str:
    """Returns the script with :data:`REPLACED` replaced where it first occurs.

    Raises:
        SystemExit: something is not found.
    """
    for pattern, text_in_its_place in REPLACED:
        text, count = re.subn(pattern, text_in_its_place, text, count=1)
        if not count:
            sys.exit(f"main.py has nothing like {pattern!r}: this version of it is not known")
    return text


if __name__ == "__main__":
    main(*sys.argv[1:3])
