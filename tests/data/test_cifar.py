"""CIFAR from image folders, from official files and from a download."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision

from cifar_lab.data import cifar as module
from cifar_lab.data.arrays import Outline
from cifar_lab.data.cifar import Cifar10, Cifar100
from cifar_lab.data.official import missing
from cifar_lab.refusal import Refusal
from tests.conftest import write_image_folder
from tests.data.sources import FOLDER

WHAT_TO_DO = (
    r"arrange the images as train/<class>/\* and test/<class>/\* inside it, or put the official "
    r"{folder} there; dataset=digits needs no files"
)


def test_official_files_are_at_hand_once_they_were_read(tmp_path, unchecked):
    source = cifar(Cifar10, tmp_path / "official", tmp_path, download=True)
    assert not source.at_hand()
    official_cifar10(tmp_path / "official")
    assert not source.at_hand()
    source.load()
    assert source.at_hand()


@pytest.mark.parametrize(("kind", "classes"), [(Cifar10, 10), (Cifar100, 100)])
def test_cifar_is_known_before_it_is_there(tmp_path, kind, classes):
    told = cifar(kind, tmp_path / "nowhere", tmp_path, download=True).outline()
    assert told == Outline(classes, (32, 32), images=50_000, train_images=50_000, validated=False)


def test_the_outline_of_a_cifar_folder_matches_its_images(tmp_path):
    root = write_image_folder(tmp_path / "images", tuple("abcdefghij"), side=32, train=3)
    told = cifar(Cifar10, root, tmp_path / "cache").outline()
    assert told == Outline(classes=10, images=30, train_images=30, validated=False)


@pytest.mark.parametrize("verb", ["check", "load"])
@pytest.mark.parametrize(
    ("kind", "name", "folder"),
    [
        (Cifar10, "CIFAR-10", "cifar-10-batches-py"),
        (Cifar100, "CIFAR-100", "cifar-100-python"),
    ],
)
def test_missing_cifar_is_refused_with_what_to_do(tmp_path, kind, name, folder, verb):
    source = cifar(kind, tmp_path / "empty", tmp_path)
    message = (
        rf"dataset\.root={tmp_path}/empty does not contain {name}, and it could not be downloaded "
        rf"\(only `cifar-lab train` downloads.*\); {WHAT_TO_DO.format(folder=folder)}"
    )
    with pytest.raises(Refusal, match=message):
        getattr(source, verb)()


def test_a_download_that_fails_is_refused_with_its_reason_and_leaves_nothing(tmp_path, monkeypatch):
    def unreachable(url, root, **_):
        Path(root).mkdir(parents=True)
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.datasets.utils, "download_and_extract_archive", unreachable)
    source = cifar(Cifar10, tmp_path / "new" / "folder", tmp_path, download=True)
    source.check()  # nothing to report before a download is tried
    with pytest.raises(Refusal, match=r"not be downloaded \(.*no route to host.*\); arrange the"):
        source.load()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["check", "load"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Cifar10, "CIFAR-10 has 10 classes, got 2; for other images use dataset=image_folder"),
        (Cifar100, "CIFAR-100 has 100 classes, got 2; for other images use dataset=image_folder"),
    ],
)
def test_an_image_folder_of_other_classes_is_not_cifar(image_folder, tmp_path, kind, message, verb):
    with pytest.raises(Refusal, match=rf"dataset\.root={image_folder}: {message}"):
        getattr(cifar(kind, image_folder, tmp_path), verb)()


@pytest.mark.parametrize("missing", ["train", "test"])
def test_half_an_image_folder_is_refused_as_one(image_folder, tmp_path, missing):
    shutil.rmtree(image_folder / missing)
    with pytest.raises(Refusal, match=rf"{missing} does not exist; arrange the images"):
        cifar(Cifar10, image_folder, tmp_path, download=True).check()


def test_cifar10_may_be_an_image_folder(tmp_path):
    names = tuple(f"class{number}" for number in range(10))
    root = write_image_folder(tmp_path / "images", classes=names, train=1)
    dataset = cifar(Cifar10, root, tmp_path).load()
    assert dataset.class_names == names
    assert len(dataset.source.train) == 10


def test_official_files_that_are_not_the_official_ones_are_refused_each_by_name(tmp_path):
    root = official_cifar10(tmp_path / "official")
    with pytest.raises(Refusal) as refusal:
        cifar(Cifar10, root, tmp_path).load()
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]
    assert len(refusal.value.problems) == 7
    for name, problem in zip(names, refusal.value.problems, strict=True):
        path = root / "cifar-10-batches-py" / name
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert f"{path} is corrupted: its MD5 sum is {found}, not " in problem
        assert "set dataset.download=true" in problem


@pytest.mark.parametrize("verb", ["check", "load"])
def test_official_files_that_do_not_exist_are_named(tmp_path, verb):
    root = official_cifar10(tmp_path / "official")
    (root / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(Refusal, match=r"cifar-10-batches-py/data_batch_3 does not exist; replace"):
        getattr(cifar(Cifar10, root, tmp_path), verb)()


def test_damaged_official_files_are_downloaded_again_and_then_read_once(tmp_path, monkeypatch):
    root, downloads = official_cifar10(tmp_path / "official"), []

    def download(url, folder, filename, md5):
        downloads.append(url)
        official_cifar10(Path(folder))

    monkeypatch.setattr(torchvision.datasets.utils, "download_and_extract_archive", download)
    monkeypatch.setattr(module, "corrupted", lambda *_: [] if downloads else ["data_batch_1 is"])
    for _ in range(2):
        assert len(cifar(Cifar10, root, tmp_path, download=True).load().source.train) == 10
    assert len(downloads) == 1


def test_official_cifar10_files_are_read(tmp_path, unchecked):
    root = official_cifar10(tmp_path / "official")
    source = cifar(Cifar10, root, tmp_path).load().source
    assert source.train.images.shape == (10, 32, 32, 3)
    assert source.test.images.shape == (2, 32, 32, 3)
    # Each file stores one plane per channel (red, green, blue), row by row.
    records = np.concatenate([record(seed) for seed in range(1, 6)])
    for row, column, channel in [(0, 0, 0), (3, 7, 1), (31, 30, 2)]:
        expected = records[:, channel * 1024 + row * 32 + column]
        np.testing.assert_array_equal(source.train.images[:, row, column, channel], expected)
    assert source.train.labels.tolist() == [1, 7, 2, 7, 3, 7, 4, 7, 5, 7]
    assert source.test.labels.tolist() == [0, 7]
    assert source.train.class_names == tuple(f"name{i}" for i in range(10))
    assert source.train.sample_ids[[0, 9]].tolist() == ["train/00000", "train/00009"]
    assert source.test.sample_ids[0] == "test/00000"


def test_official_cifar10_files_are_read_once(tmp_path, unchecked, monkeypatch):
    source = cifar(Cifar10, official_cifar10(tmp_path / "official"), tmp_path)
    first = source.load().source
    monkeypatch.setattr(module, "official_images", refuse_to_work)
    again = source.load().source
    np.testing.assert_array_equal(again.train.images, first.train.images)
    assert again.fingerprint == first.fingerprint


def test_official_cifar100_files_have_fine_classes(tmp_path, unchecked):
    root = tmp_path / "official"
    folder = root / "cifar-100-python"
    for name, seed in (("train", 1), ("test", 2)):
        write_pickle(folder / name, {"data": record(seed), "fine_labels": [99, seed]})
    names = [f"fine{i}" for i in range(100)]
    write_pickle(folder / "meta", {"fine_label_names": names, "coarse_label_names": ["coarse"]})
    dataset = cifar(Cifar100, root, tmp_path).load()
    assert dataset.class_names == tuple(names)
    assert dataset.source.train.labels.tolist() == [99, 1]


def test_cifar10_is_downloaded_where_it_is_missing(tmp_path, unchecked, monkeypatch):
    def download(url, root, **_):
        assert url.endswith("cifar-10-python.tar.gz")
        official_cifar10(Path(root))

    monkeypatch.setattr(torchvision.datasets.utils, "download_and_extract_archive", download)
    source = cifar(Cifar10, tmp_path / "official", tmp_path, download=True)
    assert len(source.load().source.train) == 10


@pytest.fixture
def unchecked(monkeypatch):
    """Accept any file with the right name: MD5 sums are those of the real files."""
    monkeypatch.setattr(module, "corrupted", missing)


def cifar(kind: type[Cifar10], root: Path, kept: Path, download: bool = False) -> Cifar10:
    return kind(root=str(root), cache_dir=str(kept / "cache"), download=download, **FOLDER)


def official_cifar10(root: Path) -> Path:
    """Files with CIFAR-10's names and format, with two images each."""
    folder = root / "cifar-10-batches-py"
    for seed, name in enumerate(["test_batch", *(f"data_batch_{i}" for i in range(1, 6))]):
        write_pickle(folder / name, {"data": record(seed), "labels": [seed, 7]})
    write_pickle(folder / "batches.meta", {"label_names": [f"name{i}" for i in range(10)]})
    return root


def record(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (2, 3072), dtype=np.uint8)


def write_pickle(file: Path, content: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(content))


def refuse_to_work(*_, **__):
    raise AssertionError("called, though it should not be")
