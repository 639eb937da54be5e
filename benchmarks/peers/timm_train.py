"""Runs timm's training script with ResNet18 for small images: ``timm_train.py TRAIN_PY [ARGS]``.

timm's own ResNet18 is for larger images; with a 3×3 stem of stride 1 and without a max-pool, it is
the network of the other peers. What the script logs goes to stdout.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

NAME = "resnet18_small_images"


def main(script: str) -> None:
    """Registers the network and runs the script with the arguments that follow it."""
    sys.path[0] = str(Path(script).resolve().parent)  # timm as it is in the clone
    register()
    sys.argv = sys.argv[1:]
    sys.stderr = sys.stdout
    runpy.run_path(script, run_name="__main__")


def register() -> None:
    """Makes the network known to timm by :data:`NAME`."""
    from timm.models import register_model
    from timm.models.resnet import resnet18
    from torch import nn

    def resnet18_small_images(pretrained: bool = False, **settings: Any) -> nn.Module:
        model = resnet18(pretrained=pretrained, **settings)
        model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        model.maxpool = nn.Identity()
        return model

    register_model(resnet18_small_images)


if __name__ == "__main__":
    main(sys.argv[1])
