"""Trackers: hooks that send a run to TensorBoard, MLflow, Weights & Biases or trackio.

A process of its own sends from the run's folder, so that nothing of a tracker's library reaches the
process that trains. The public names are listed in ``__init__.pyi`` and imported on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
