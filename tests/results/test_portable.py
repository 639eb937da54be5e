"""What a record keeps: everything that repeats a run, and no place of somebody's machine."""

from __future__ import annotations

import json

import pytest

from cifar_lab.results.portable import portable, portable_command, portable_provenance
from cifar_lab.run.code import OwnModule, OwnModules
from cifar_lab.run.files import as_object
from cifar_lab.run.origin import Difference
from tests.made import a_provenance


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("cifar-lab train experiments=digits seed=1", None),
        (
            "cifar-lab train dataset.root=/work/data seed=0",
            "cifar-lab train dataset.root=DIR seed=0",
        ),
        ("cifar-lab train dataset.root=~/data", "cifar-lab train dataset.root=DIR"),
        ("cifar-lab train dataset.root=../data", "cifar-lab train dataset.root=DIR"),
        ("cifar-lab train dataset.root=data/mine", None),
        (r"""cifar-lab train 'dataset.root="/home/j d/x"'""", "cifar-lab train dataset.root=DIR"),
        (
            "cifar-lab train hydra.run.dir=/tmp/x +hydra.sweep.dir=/y seed=1",
            "cifar-lab train seed=1",
        ),
        ("cifar-lab train dataset.cache_dir=/tmp/cache", "cifar-lab train"),
        ("cifar-lab train --config-dir /home/me/conf", "cifar-lab train --config-dir DIR/conf"),
        ("cifar-lab train --config-dir=/home/me/conf", "cifar-lab train --config-dir=DIR/conf"),
        ("cifar-lab rerun /home/me/outputs/a=1/b seed=2", "cifar-lab rerun DIR/b seed=2"),
        ("cifar-lab rerun outputs/a=1/b seed=2", None),
        ("cifar-lab train +model.weights=/home/me/w.pt", "cifar-lab train +model.weights=DIR/w.pt"),
        (
            "cifar-lab train '+a.files=[/home/me/x.npy,/y/z.npy]'",
            "cifar-lab train '+a.files=[DIR/x.npy,DIR/z.npy]'",
        ),
        ("cifar-lab train '+a={b: /home/me/x}'", "cifar-lab train '+a={b: DIR/x}'"),
        ("cifar-lab train +model.weights=https://host/a/w.pt", None),
        (
            "cifar-lab train +model.weights=file:///a/w.pt",
            "cifar-lab train +model.weights=DIR/w.pt",
        ),
        ("cifar-lab train hydra/launcher=joblib '~model.width'", None),
        ("cifar-lab train 'unbalanced", None),
    ],
)
def test_a_command_repeats_the_run_anywhere(command, kept):
    assert portable_command(command) == (command if kept is None else kept)


def test_places_are_replaced_at_any_depth_of_a_configuration():
    config = {
        "dataset": {"root": "/home/me/data", "cache_dir": "~/.cache/x", "_target_": "a.b.C"},
        "augmentation": {"train": {"a": {"files": ["/x/1.png", "2.png", 3, None]}}},
        "model": {"ratio": "1/2", "weights": "~me/w.pt"},
    }
    assert portable(config) == {
        "dataset": {"root": "DIR", "cache_dir": "DIR", "_target_": "a.b.C"},
        "augmentation": {"train": {"a": {"files": ["DIR/1.png", "2.png", 3, None]}}},
        "model": {"ratio": "1/2", "weights": "DIR/w.pt"},
    }


def test_provenance_keeps_all_but_the_places_and_the_kernel():
    made = a_provenance(
        command="cifar-lab train dataset.root=/work/data",
        working_directory="/home/me",
        platform="Linux-6.1.2-some-x86_64-with-glibc2.36",
        environment={
            "OMP_NUM_THREADS": "2",
            "CUDA_HOME": "/usr/local/cuda",
            "TORCH_HOME": "~/torch",
            "CUDA_VISIBLE_DEVICES": "3",
        },
        fast_path={"step": "eager: /home/me/.cache/x.so: cannot open"},
        differences=(
            Difference("dataset.root", "data/cifar10", "/work/data"),
            Difference("trainer.epochs", "24", "30"),
        ),
        own_code=OwnModules((OwnModule("net", "0" * 64),), None, None),
    )
    before = as_object(made)
    kept = portable_provenance(before)
    assert list(kept) == list(before)
    changed = {key: kept[key] for key in kept if kept[key] != before[key]}
    assert changed == {
        "command": "cifar-lab train dataset.root=DIR",
        "working_directory": None,
        "platform": "Linux-x86_64-with-glibc2.36",
        "environment": {"OMP_NUM_THREADS": "2"},
        "fast_path": {"step": "eager: DIR/x.so: cannot open"},
        "differences": [
            {"key": "dataset.root", "default": "data/cifar10", "value": "DIR"},
            {"key": "trainer.epochs", "default": "24", "value": "30"},
        ],
    }
    assert "/home" not in json.dumps(kept)


def test_what_is_clean_stays_as_it_is():
    once = portable_provenance(as_object(a_provenance()))
    assert portable_provenance(once) == once
    older = {key: once[key] for key in ("command", "working_directory", "platform", "seed")}
    assert portable_provenance(older) == older
