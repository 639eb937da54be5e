"""Tests how foreign training scripts are found, started and read, with stand-ins for both."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import timm

from benchmarks.cases import training_scripts
from benchmarks.measure import Different
from benchmarks.peers import MissingPeer, pytorch_cifar_main, timm_train
from benchmarks.peers.clones import VARIABLE, clone
from benchmarks.processes import run
from tests.benchmarks import stub_clones

IMAGES = training_scripts.Images(None, None, 10, 64)


@pytest.fixture
def clones(tmp_path, monkeypatch):
    stub_clones.write(tmp_path / "clones")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "clones"))
    return tmp_path / "clones"


def test_without_a_folder_of_clones_there_is_no_row(quick, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    for measure in (training_scripts.timm, training_scripts.pytorch_cifar):
        result = measure(quick)
        assert result.value is None
        assert result.notes == ["BENCH_PEERS does not name a folder of clones"]


def test_a_clone_that_is_missing_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    wanted = re.escape(
        f"BENCH_PEERS={tmp_path}: {tmp_path}/pytorch-cifar/main.py does not exist; git clone "
        f"https://github.com/kuangliu/pytorch-cifar in {tmp_path}"
    )
    with pytest.raises(MissingPeer, match=wanted):
        clone("kuangliu/pytorch-cifar", "main.py")


def test_timms_network_has_the_size_of_the_others():
    timm_train.register()
    model = timm.create_model(timm_train.NAME, num_classes=10, in_chans=3)
    # As He et al.'s ResNet18 with a 3×3 stem has, for ten classes.
    assert sum(p.numel() for p in model.parameters()) == 11_173_962


def test_only_the_network_and_the_epochs_of_the_script_are_replaced():
    lines = pytorch_cifar_main.replaced(stub_clones.PYTORCH_CIFAR).splitlines()
    before = stub_clones.PYTORCH_CIFAR.splitlines()
    changed = [new for new, old in zip(lines, before, strict=True) if new != old]
    assert changed == ["net = ResNet18()", "for epoch in range(start_epoch, start_epoch + 1):"]
    with pytest.raises(SystemExit, match=r"main.py has nothing like .*start_epoch"):
        pytorch_cifar_main.replaced("net = VGG('VGG19')\nfor epoch in range(300): ...")


def test_a_script_without_its_result_is_refused():
    with pytest.raises(Different, match="parameters: ours is '1200', theirs '1300'"):
        training_scripts._read_timm("Net, 1,200 parameters", "param count: 1,300", IMAGES)
    with pytest.raises(Different, match="a number of parameters was not printed: 'killed'"):
        training_scripts._read_timm("Net, 1,200 parameters", "killed", IMAGES)
    with pytest.raises(Different, match="test images: ours is 64, theirs 63"):
        training_scripts._read_pytorch_cifar("", "Acc: 10.0% (6/63)", IMAGES)
    with pytest.raises(Different, match="no accuracy was printed: 'killed'"):
        training_scripts._read_pytorch_cifar("", "killed", IMAGES)


def test_the_images_have_every_class_in_both_forms(quick, tmp_path):
    images = training_scripts._images(quick, tmp_path)
    arrays = np.load(images.file)
    assert len(arrays["train_labels"]) == 128
    assert len(arrays["test_labels"]) == images.test == 64
    for split in ("train", "test"):
        names = sorted(folder.name for folder in (images.folder / split).iterdir())
        counts = [len(list((images.folder / split / name).iterdir())) for name in names]
        assert counts == np.bincount(arrays[f"{split}_labels"], minlength=10).tolist()
        assert min(counts) > 0


def test_pytorch_cifars_script_runs_an_epoch_on_given_images(quick, tmp_path, clones):
    images = training_scripts._images(quick, tmp_path)
    script = clone("kuangliu/pytorch-cifar", "main.py")
    command = [sys.executable, pytorch_cifar_main.__file__, script, images.file, "--lr", "0.05"]
    output = run(command, folder=tmp_path).output
    assert output.splitlines() == ["ResNet18 epoch 0", "0/1 Acc: 1.562% (1/64)"]


@pytest.mark.slow
def test_timms_script_is_measured_beside_our_command(quick, clones):
    result = training_scripts.timm(quick)
    assert result.value > 0
    assert "theirs ends with 25.000 %" in result.notes[0]


@pytest.mark.slow
def test_pytorch_cifars_script_is_measured_beside_our_command(quick, clones):
    result = training_scripts.pytorch_cifar(quick)
    assert result.value > 0
    assert "theirs ends with 1.562 %" in result.notes[0]
