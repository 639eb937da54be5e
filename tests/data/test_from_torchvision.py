"""torchvision's data sets: pixels, labels and names are those that torchvision reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torchvision
from PIL import Image

from cifar_lab.data.arrays import Outline
from cifar_lab.data.from_torchvision import TorchvisionImages
from cifar_lab.data.official import official_images
from cifar_lab.data.torchvision_sets import SETS
from cifar_lab.refusal import Refusal
from tests.data import torchvision_files as files
from tests.data.sources import SPLIT
from tests.data.test_cifar import official_cifar10

IN_ORDER = "0123456789"
GARMENTS = torchvision.datasets.FashionMNIST.classes


def source(name: str, root, **changes: Any) -> TorchvisionImages:
    settings = {"options": {}, "resize": None, **SPLIT, **changes}
    return TorchvisionImages(
        name=name, root=str(root), cache_dir=str(root.parent / "cache"), **settings
    )


@pytest.fixture
def root(tmp_path, monkeypatch):
    """All data sets in one folder, each in its own format."""
    root = tmp_path / "data"
    root.mkdir()
    for name in ("MNIST", "FashionMNIST", "KMNIST"):
        files.mnist(root, name)
    for write in (files.qmnist, files.emnist_letters, files.usps, files.gtsrb, files.dtd):
        write(root)
    files.pets(root)
    files.svhn(root, monkeypatch)
    files.stl10(root, monkeypatch)
    return root


@pytest.mark.parametrize(
    ("name", "options", "resize", "size", "classes"),
    [
        ("MNIST", {}, None, 28, tuple(torchvision.datasets.MNIST.classes)),
        ("FashionMNIST", {}, None, 28, tuple(GARMENTS)),
        (
            "KMNIST",
            {},
            None,
            28,
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        ),
        ("QMNIST", {}, None, 28, tuple(torchvision.datasets.QMNIST.classes)),
        ("EMNIST", {"split": "letters"}, None, 28, tuple("abcdefghijklmnopqrstuvwxyz")),
        ("USPS", {}, None, 16, tuple(IN_ORDER)),
        ("SVHN", {}, None, 32, tuple(IN_ORDER)),
        ("SVHN", {}, 48, 48, tuple(IN_ORDER)),
        ("STL10", {}, None, 96, None),
        ("GTSRB", {}, 32, 32, ("0", "1", "2")),
        ("DTD", {}, 32, 32, ("banded", "woven")),
        ("OxfordIIITPet", {}, 24, 24, ("Abyssinian", "American Bulldog")),
    ],
)
def test_images_labels_and_names_are_those_of_torchvision(
    root, name, options, resize, size, classes
):
    own = source(name, root, options=options, resize=resize)
    own.check()
    dataset = own.load()
    assert dataset.image_size == (size, size)
    outline = own.outline()
    assert outline.image_size == (size, size)
    first = 1 if name == "EMNIST" else 0
    for split, images in (("train", dataset.source.train), ("test", dataset.source.test)):
        theirs = getattr(torchvision.datasets, name)(root, **SETS[name].splits[split], **options)
        names = classes or tuple(theirs.classes)
        assert images.class_names == names
        own_validation = len(dataset.val_indices) if split == "train" else 0
        assert len(images) - own_validation == len(theirs)
        for row in range(len(theirs)):
            image, label = theirs[row]
            image = image.convert("RGB")
            if resize is not None:
                assert tuple(images.original_sizes()[row]) == (image.height, image.width)
                image = image.resize((resize, resize), Image.Resampling.BICUBIC)
            np.testing.assert_array_equal(images.images[row], np.asarray(image))
            assert images.labels[row] == label - first


def test_the_pixels_are_those_that_were_written(root):
    np.testing.assert_array_equal(
        source("SVHN", root).load().source.train.images, files.colour(20, 32)
    )
    np.testing.assert_array_equal(
        source("STL10", root).load().source.test.images, files.colour(10, 96)
    )
    fashion = source("FashionMNIST", root).load().source
    np.testing.assert_array_equal(fashion.test.images[..., 1], files.grey(10, 28))
    assert fashion.notes[-1].startswith("all images are grey")


def test_the_digit_zero_of_svhn_has_the_label_zero(root):
    assert source("SVHN", root).load().source.train.labels[:10].tolist() == [*range(1, 10), 0]


def test_a_validation_split_of_the_data_set_is_used(root):
    dataset = source("DTD", root, resize=32, validation_fraction=0.5).load()
    np.testing.assert_array_equal(dataset.val_indices, [4, 5])
    assert dataset.source.train.sample_ids[4] == "validation/00000"
    assert source("DTD", root, resize=32).outline() == Outline(image_size=(32, 32), validated=True)


def test_images_are_decoded_once_until_a_file_or_an_option_changes(root, monkeypatch):
    own = source("STL10", root)
    assert not own.at_hand()
    first = own.load()
    with monkeypatch.context() as patched:
        patched.setattr(torchvision.datasets, "STL10", None)
        assert source("STL10", root).load().source.fingerprint == first.source.fingerprint
    assert source("STL10", root).at_hand()
    assert not source("STL10", root, options={"folds": 1}).at_hand()
    assert not source("STL10", root, resize=32).at_hand()
    (root / "stl10_binary" / "train_y.bin").write_bytes(bytes(2 - row % 2 for row in range(20)))
    assert not source("STL10", root).at_hand()


def test_cifar_is_read_without_unpickling_objects(tmp_path, monkeypatch):
    root = official_cifar10(tmp_path / "cifar")
    monkeypatch.setattr("cifar_lab.data.from_torchvision.corrupted", lambda *_: [])
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", None)
    train, test = official_images(root, SETS["CIFAR10"].official)
    dataset = source("CIFAR10", root).load()
    np.testing.assert_array_equal(dataset.source.train.images, train.images)
    np.testing.assert_array_equal(dataset.source.test.labels, test.labels)
    assert source("CIFAR10", root, resize=16).load().image_size == (16, 16)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Kitti", "not for image classification with labelled training and test images"),
        ("EuroSAT", "it has no test split; use dataset=image_folder"),
        ("Fashion_MNIST", "no such data set; did you mean 'FashionMNIST'[?]; choose one of: CIFAR"),
        ("os", "torchvision.datasets has no such data set"),
    ],
)
def test_other_names_are_refused_with_those_that_are_allowed(tmp_path, name, message):
    with pytest.raises(Refusal, match=rf"^dataset\.name={name}: .*{message}"):
        source(name, tmp_path).check()


def test_every_name_is_a_data_set_of_torchvision():
    assert set(SETS) <= set(torchvision.datasets.__all__)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("SVHN", ["split='train', download=True)", "split='test', download=True)"]),
        ("STL10", ["split='train', download=True)"]),
        ("MNIST", ["train=True, download=True)"]),
    ],
)
def test_missing_files_are_named_with_the_call_that_downloads_them(tmp_path, name, calls):
    with pytest.raises(Refusal) as refused:
        source(name, tmp_path).check()
    [problem] = refused.value.problems
    for place in SETS[name].places:
        assert place in problem
    assert problem.count("download=True") == len(calls)
    for call in calls:
        assert f"torchvision.datasets.{name}('{tmp_path}', {call}" in problem


def test_options_and_sizes_are_told_at_once(tmp_path):
    with pytest.raises(Refusal) as refused:
        source("DTD", tmp_path, options={"partition": 11, "split": "val"}).check()
    value, unknown, size = refused.value.problems
    assert value.startswith("dataset.options.partition=11: must be one of 1, 2, 3")
    assert unknown == "dataset.options.split: DTD has no such option; its options are: partition"
    assert size.startswith("dataset.resize must be set: the images of DTD differ in size")
    with pytest.raises(Refusal, match=r"split must be set for EMNIST: \+dataset.options.split=…"):
        source("EMNIST", tmp_path).check()


def test_files_that_torchvision_does_not_accept_are_refused_with_its_reason(root, monkeypatch):
    changed = {s: ["", f"{s}_32x32.mat", "0" * 32] for s in ("train", "test")}
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", changed)
    message = r"torchvision could not read SVHN \(Dataset not found or corrupted\); download it"
    with pytest.raises(Refusal, match=message):
        source("SVHN", root).load()


def test_a_damaged_image_and_a_missing_class_are_refused(root):
    (root / "dtd" / "dtd" / "images" / "woven" / "1.jpg").write_bytes(b"no image")
    (root / "dtd" / "dtd" / "labels" / "test1.txt").write_text("banded/3.jpg\n")
    with pytest.raises(Refusal) as refused:
        source("DTD", root, resize=32).load()
    damaged, empty = refused.value.problems
    assert "images that could not be read: train/00003 (cannot identify image file" in damaged
    assert "DTD has no test images of woven; its files are incomplete" in empty
