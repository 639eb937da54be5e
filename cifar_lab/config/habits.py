"""What people type from habit in other programs, and what it is called here.

Keys and options are those of lightning-hydra-template and of Lightning, flags those of timm's
training script and of other scripts.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import zip_longest

from hydra.core.override_parser.types import Override

_HOOKS = "trackers and callbacks are hooks: hooks={}"
_CHECKPOINT = (
    "continue a run with `cifar-lab resume RUN`, or begin with its weights: model.weights=RUN"
)
_EPOCHS, _BATCH, _WORKERS = "write trainer.epochs={}", "write trainer.batch_size={}", (
    "write trainer.workers={}"
)  # fmt: skip
_DEVICE = "write device=cuda or device=cpu; several devices: trainer=lightning trainer.devices=2"
_SEARCH = (
    "search with `cifar-lab train -m hydra/sweeper=search`; an experiment states the space in "
    "hydra.sweeper.params"
)
_EVAL = "`cifar-lab eval RUN` evaluates a run without training it"
_CLOSED = "evaluate_test=false keeps the test set closed"

#: What to do for each key; ``{}`` stands for the value.
KEYS = {
    "ckpt_path": _CHECKPOINT,
    "ckpt": _CHECKPOINT,
    "resume_from_checkpoint": _CHECKPOINT,
    "trainer.resume_from_checkpoint": _CHECKPOINT,
    "logger": _HOOKS,
    "callbacks": f"{_HOOKS}; checkpoints are always saved, and trainer.early_stopping_patience "
    "stops early",
    "tags": "`cifar-lab tag RUN WORD` tags a run",
    "hparams_search": _SEARCH,
    "train": _EVAL,
    "test": f"{_CLOSED}; {_EVAL}",
    "optimized_metric": "write sweep.objective={}",
    "task_name": "write name={}",
    "experiment_name": "write name={}",
    "data": "write dataset={}",
    "datamodule": "write dataset={}",
    "data.data_dir": "write dataset.root={}",
    "paths.data_dir": "write dataset.root={}",
    "data.batch_size": _BATCH,
    "dataset.batch_size": _BATCH,
    "data.num_workers": _WORKERS,
    "dataset.num_workers": _WORKERS,
    "num_workers": _WORKERS,
    "workers": _WORKERS,
    "net": "write model={}",
    "arch": "write model={}",
    "lr": "write optimizer.lr={}",
    "learning_rate": "write optimizer.lr={}",
    "model.lr": "write optimizer.lr={}",
    "model.optimizer.lr": "write optimizer.lr={}",
    "model.optimizer": "write optimizer={}",
    "model.scheduler": "write scheduler={}",
    "model.net": "write model={}",
    "model.compile": "leave it out; the fast path is in trainer.*",
    "wd": "write optimizer.weight_decay={}",
    "weight_decay": "write optimizer.weight_decay={}",
    "momentum": "write optimizer.momentum={}",
    "bs": _BATCH,
    "batch_size": _BATCH,
    "max_epochs": _EPOCHS,
    "num_epochs": _EPOCHS,
    "trainer.max_epochs": _EPOCHS,
    "trainer.min_epochs": "leave it out; trainer.early_stopping_patience alone stops early",
    "gpu": _DEVICE,
    "gpus": _DEVICE,
    "accelerator": _DEVICE,
    "trainer.gpus": _DEVICE,
    "trainer.accelerator": _DEVICE,
    "trainer.devices": "write trainer=lightning trainer.devices={}",
    "trainer.strategy": "write trainer=lightning, which trains on several devices",
    "trainer.gradient_clip_val": "write trainer.clip_gradient_norm={}",
    "trainer.accumulate_grad_batches": "write trainer.accumulate_batches={}",
    "trainer.limit_train_batches": "write trainer.limit_batches={}",
    "trainer.fast_dev_run": "write debug=smoke",
    "trainer.overfit_batches": "write debug=overfit",
    "trainer.profiler": "write debug=profile",
    "trainer.deterministic": "leave it out; a seed gives the same run again",
    "trainer.max_time": "write trainer.max_minutes=…",
    "amp": "write trainer.precision=bfloat16",
    "ema": "write trainer.ema_decay=0.999",
}
#: What to do for each option of a group.
OPTIONS = {
    ("trainer", "gpu"): "write device=cuda",
    ("trainer", "cpu"): "write device=cpu",
    ("trainer", "ddp"): "write trainer=lightning, which trains on several devices",
    ("trainer", "ddp_sim"): "write trainer=lightning device=cpu",
    ("trainer", "default"): "leave it out; trainer=native is the default",
    ("debug", "default"): "write debug=smoke",
    ("debug", "fdr"): "write debug=smoke",
    ("debug", "limit"): "write debug=smoke",
    ("debug", "profiler"): "write debug=profile",
    ("hydra/sweeper", "optuna"): "write hydra/sweeper=search",
}
#: The override that each flag stands for; one without ``{}`` takes no value.
FLAGS = {
    "--lr": "optimizer.lr={}",
    "--opt": "optimizer={}",
    "--optimizer": "optimizer={}",
    "--momentum": "optimizer.momentum={}",
    "--weight-decay": "optimizer.weight_decay={}",
    "--wd": "optimizer.weight_decay={}",
    "--sched": "scheduler={}",
    "--scheduler": "scheduler={}",
    "--warmup-epochs": "scheduler.warmup_epochs={}",
    "--epochs": "trainer.epochs={}",
    "-b": "trainer.batch_size={}",
    "--batch-size": "trainer.batch_size={}",
    "--batch_size": "trainer.batch_size={}",
    "--workers": "trainer.workers={}",
    "--num-workers": "trainer.workers={}",
    "-j": "trainer.workers={}",
    "--clip-grad": "trainer.clip_gradient_norm={}",
    "--grad-accum-steps": "trainer.accumulate_batches={}",
    "--amp": "trainer.precision=bfloat16",
    "--model-ema": "trainer.ema_decay=0.999",
    "--model": "model={}",
    "--arch": "model={}",
    "-a": "model={}",
    "--dataset": "dataset={}",
    "--data-dir": "dataset.root={}",
    "--data-path": "dataset.root={}",
    "--smoothing": "criterion.label_smoothing={}",
    "--mixup": "mixing=mixup mixing.alpha={}",
    "--cutmix": "mixing=cutmix mixing.alpha={}",
    "--seed": "seed={}",
    "--device": "device={}",
    "--gpus": "device=cuda",
    "--gpu": "device=cuda",
    "--name": "name={}",
    "--experiment": "name={}",
    "--output": "hydra.run.dir={}",
    "--pretrained": "model.weights=RUN",
}


def lead(override: Override) -> str | None:
    """Return what an override that cannot be used is called here; None if no habit is known.

    Args:
        override: its key, or the option that it chooses, does not exist.
    """
    key, value = override.key_or_group, str(override.input_line).partition("=")[2]
    known = OPTIONS.get((key, value)) or KEYS.get(key)
    return None if known is None else known.format(value or "…")


def flag_problems(words: Sequence[str]) -> list[str]:
    """Return a sentence for each flag of another program that a command line has."""
    problems = []
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if flag not in FLAGS:
            continue
        meant = FLAGS[flag]
        takes = "{}" in meant and not equals
        if takes and not following.startswith("-") and "=" not in following:
            value = following
        shown = f"{word} {value}" if takes and value else word
        meant = meant.format(shlex.quote(value) if value else "…")
        problems.append(f"{shown}: is not a flag here; write {meant}")
    return problems
