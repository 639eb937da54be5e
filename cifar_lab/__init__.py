"""CIFAR Lab: describe an image-classification experiment as configuration, run it, compare it.

    import cifar_lab
    run = cifar_lab.train("experiments=digits", "seed=1")

The public names are listed in ``__init__.pyi`` and imported on first use.
"""

import os

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"

# On import, also in worker processes, albumentations looks up its newest version online.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
