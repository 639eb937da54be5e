"""A training script as Lightning and Hydra users write it, with the same groups.

``lightning_hydra_script.py CONF_FOLDER [overrides]`` exits after its first training step.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A
import cv2
import hydra
import lightning as L
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from omegaconf import DictConfig
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Classifier(L.LightningModule):
    """Trains what the configuration names."""

    def __init__(self, config: DictConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        del config.model.weights  # no key of a model: ours reads it beside them
        self.model = hydra.utils.instantiate(config.model, num_classes=classes)
        self.criterion = hydra.utils.instantiate(config.criterion)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        images, labels = batch
        logits = self.model(images)
        loss: Tensor = self.criterion(logits, labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        print("first step done", flush=True)
        os._exit(0)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        settings = self.config.optimizer
        return torch.optim.SGD(
            self.parameters(),
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
        )


def _loader(config: DictConfig) -> tuple[DataLoader[Any], int]:
    stack = A.Compose(
        [
            A.PadIfNeeded(40, 40, border_mode=cv2.BORDER_REFLECT_101),
            A.RandomCrop(32, 32),
            A.HorizontalFlip(p=0.5),
            A.CoarseDropout((1, 1), (8, 8), (8, 8), p=0.5),
            A.Normalize(MEAN, STD),
            ToTensorV2(),
        ]
    )
    images = ImageFolder(
        str(Path(config.dataset.root) / "train"),
        transform=lambda image: stack(image=np.asarray(image))["image"],
    )
    loader: DataLoader[Any] = DataLoader(
        images,
        batch_size=config.trainer.batch_size,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    return loader, len(images.classes)


def main(folder: str) -> None:
    """Composes the configuration and trains."""

    @hydra.main(version_base="1.3", config_path=folder, config_name="config")
    def app(config: DictConfig) -> None:
        L.seed_everything(config.seed)
        loader, classes = _loader(config)
        trainer = L.Trainer(
            max_epochs=config.trainer.epochs,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Classifier(config, classes), loader)

    app()


if __name__ == "__main__":
    main(sys.argv.pop(1))
