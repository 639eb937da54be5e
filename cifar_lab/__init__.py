"""CIFAR Lab: describe an image-classification experiment as configuration, run it, compare it."""

import os

__version__ = "0.1.0"

# On import, also in worker processes, albumentations looks up its newest version online.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
