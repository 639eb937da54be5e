"""CIFAR Lab: state an image-classification experiment as configuration, run it, compare it."""

import os

__version__ = "0.1.0"

# albumentations asks the network for its newest version when it is imported, in workers too.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
