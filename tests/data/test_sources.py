"""Sources: correct images, correct refusals, and no file decoded twice."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision
from PIL import Image
from sklearn.datasets import load_digits

from cifar_lab.data import sources
from cifar_lab.data.arrays import Outline
from cifar_lab.data.sources import Cifar10, Cifar100, Digits, ImageFolder
from cifar_lab.refusal import Refusal
from tests.conftest import write_image_folder

SPLIT = {
    "validation_fraction": 0.0,
    "split_seed": 0,
    "mean": None,
    "std": None,
    "limit_train_images": None,
}
WHAT_TO_DO = (
    r"arrange the images as train/<class>/\* and test/<class>/\* inside it, or put the official "
    r"{folder} there; dataset=digits needs no files"
)


def test_digits_are_those_of_scikit_learn_in_blocks_of_four_by_four(digits):
    originals = load_digits()
    for arrays in (digits.source.train, digits.source.test):
        assert arrays.images.dtype == np.uint8
        assert arrays.class_names == tuple("0123456789")
        rows = [int(name.removeprefix("digits/")) for name in arrays.sample_ids]
        expected = np.kron(originals.images[rows] * (255 / 16), np.ones((4, 4)))
        np.testing.assert_allclose(arrays.images[..., 0], expected, atol=0.5)
        assert (arrays.images == arrays.images[..., :1]).all()
        np.testing.assert_array_equal(arrays.labels, originals.target[rows])
        assert (arrays.original_sizes() == originals.images.shape[1:]).all()


def test_a_fifth_of_the_digits_is_for_testing_whatever_the_split_seed(digits):
    train, test = digits.source.train.sample_ids, digits.source.test.sample_ids
    assert (len(train), len(test)) == (1437, 360)
    assert len({*train, *test}) == 1797
    again = Digits(**SPLIT | {"split_seed": 5, "validation_fraction": 0.3}).load()
    np.testing.assert_array_equal(again.source.test.sample_ids, test)
    assert again.source.fingerprint == digits.source.fingerprint


def test_validation_is_split_off_the_training_images(digits):
    rows = [*digits.train_indices, *digits.val_indices]
    assert sorted(rows) == list(range(len(digits.source.train)))
    assert len(digits.val_indices) == 144  # a tenth, rounded up


def test_the_split_seed_alone_chooses_the_validation_images():
    first, again, other = (
        Digits(**SPLIT | {"validation_fraction": 0.1, "split_seed": seed}).load().val_indices
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_mean_and_deviation_are_those_of_the_images_trained_on(digits):
    pixels = digits.source.train.images[digits.train_indices] / 255
    np.testing.assert_allclose(digits.mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(digits.std, pixels.std(axis=(0, 1, 2)), rtol=1e-9)
    everything = digits.source.train.images / 255
    assert (digits.mean != everything.mean(axis=(0, 1, 2))).all()


def test_a_given_mean_and_deviation_are_kept():
    dataset = Digits(**SPLIT | {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}).load()
    np.testing.assert_array_equal(dataset.mean, [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(dataset.std, [0.4, 0.5, 0.6])


def test_a_channel_without_any_contrast_is_refused_unless_its_deviation_is_given(tmp_path):
    root = tmp_path / "images"
    for split in ("train", "test"):
        (root / split / "ant").mkdir(parents=True)
        for number, colour in enumerate([(0, 50, 7), (100, 150, 7)]):
            Image.new("RGB", (8, 8), colour).save(root / split / "ant" / f"{number}.png")
    message = r"a channel of the training images has standard deviation 0: .+; set dataset\.std"
    with pytest.raises(Refusal, match=message):
        folder_source(root, tmp_path).load()
    dataset = folder_source(root, tmp_path, std=(0.2, 0.2, 0.2)).load()
    np.testing.assert_allclose(dataset.mean, [50 / 255, 100 / 255, 7 / 255])


def test_a_limit_takes_from_the_training_rows_and_leaves_validation_as_it_was(digits):
    dataset = Digits(**SPLIT | {"validation_fraction": 0.1, "limit_train_images": 100}).load()
    assert len(dataset.train_indices) == 100
    assert np.isin(dataset.train_indices, digits.train_indices).all()
    np.testing.assert_array_equal(dataset.val_indices, digits.val_indices)


def test_an_image_folder_is_read_as_it_is(image_folder, tmp_path):
    dataset = folder_source(image_folder, tmp_path).load()
    train = dataset.source.train
    assert dataset.class_names == ("ant", "bee")
    assert dataset.image_size == (8, 8)
    assert (len(train), len(dataset.source.test)) == (8, 4)
    for pixels, name in zip(train.images, train.sample_ids, strict=True):
        np.testing.assert_array_equal(pixels, np.array(Image.open(image_folder / name)))


def test_a_second_load_decodes_nothing(image_folder, tmp_path, monkeypatch):
    source = folder_source(image_folder, tmp_path)
    first = source.load()
    with monkeypatch.context() as patched:
        patched.setattr(sources, "decode_folder", refuse_to_work)
        again = source.load()
    assert again.source.fingerprint == first.source.fingerprint


def test_a_changed_file_is_decoded_again(image_folder, tmp_path):
    before = folder_source(image_folder, tmp_path).load().source
    Image.new("RGB", (8, 8), (1, 2, 3)).save(image_folder / "train" / "ant" / "0.png")
    after = folder_source(image_folder, tmp_path).load().source
    assert (after.train.images[0] == (1, 2, 3)).all()
    assert after.fingerprint != before.fingerprint


def test_each_size_has_a_cache_of_its_own(image_folder, tmp_path):
    sizes = [
        folder_source(image_folder, tmp_path, resize=side).load().image_size
        for side in (None, 4, None)
    ]
    assert sizes == [(8, 8), (4, 4), (8, 8)]
    assert len(os.listdir(tmp_path / "cache")) == 2


def test_the_sizes_of_the_files_are_known_from_the_cache_as_well(image_folder, tmp_path):
    for _ in range(2):
        source = folder_source(image_folder, tmp_path, resize=4).load().source
        assert source.test.original_sizes().tolist() == [[8, 8]] * 4


def test_an_unreadable_file_is_skipped_only_when_asked(image_folder, tmp_path):
    bad = image_folder / "train" / "bee" / "1.png"
    bad.write_text("this is no image")
    lenient = folder_source(image_folder, tmp_path, skip_unreadable=True)
    assert len(lenient.load().source.train) == 7
    with pytest.raises(Refusal, match=rf"1 file\(s\) could not be read as images: {bad};"):
        folder_source(image_folder, tmp_path).load()


def test_the_home_folder_may_be_written_as_a_tilde(image_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    source = ImageFolder(
        root="~/images", cache_dir="~/kept", resize=None, skip_unreadable=False, **SPLIT
    )
    source.check()
    assert len(source.load().source.train) == 8
    assert (tmp_path / "kept").is_dir()


def test_checking_opens_no_image(image_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "open", refuse_to_work)
    folder_source(image_folder, tmp_path).check()
    assert not (tmp_path / "cache").exists()


def test_images_are_at_hand_from_the_first_load_until_a_file_changes(image_folder, tmp_path):
    source = folder_source(image_folder, tmp_path)
    assert not source.at_hand()
    source.load()
    assert source.at_hand()
    assert not folder_source(image_folder, tmp_path, resize=4).at_hand()
    os.utime(image_folder / "test" / "bee" / "0.png", ns=(0, 0))
    assert not folder_source(image_folder, tmp_path).at_hand()


def test_official_files_are_at_hand_once_they_were_read(tmp_path, unchecked):
    source = cifar(Cifar10, tmp_path / "official", tmp_path, download=True)
    assert not source.at_hand()
    official_cifar10(tmp_path / "official")
    assert not source.at_hand()
    source.load()
    assert source.at_hand()


SPLITS = [
    {"validation_fraction": 0.0},
    {"validation_fraction": 0.3, "limit_train_images": 4},
    {"validation_fraction": 0.25, "limit_train_images": 1000, "mean": (0.5, 0.25, 0.125)},
]


@pytest.mark.parametrize("split", SPLITS)
def test_the_outline_before_loading_matches_the_loaded_data(image_folder, tmp_path, split):
    resized = folder_source(image_folder, tmp_path / "cache", **split, resize=16)
    told = resized.outline()
    assert not (tmp_path / "cache").exists()
    loaded = resized.load().outline()
    assert told.mean == split.get("mean")
    assert told.or_else(loaded) == loaded
    assert None not in (told.classes, told.image_size, told.images, told.train_images)
    digits = Digits(**SPLIT | split | {"limit_train_images": 100})
    loaded = digits.load().outline()
    assert digits.outline().or_else(loaded) == loaded
    assert (loaded.images, loaded.train_images) == (1437, 100)


def test_the_outline_omits_what_only_decoding_shows(image_folder, tmp_path):
    as_they_are = folder_source(image_folder, tmp_path).outline()
    assert as_they_are == Outline(classes=2, images=8, train_images=8)
    (image_folder / "train" / "ant" / "notes.txt").write_text("no image")
    skipping = folder_source(image_folder, tmp_path, skip_unreadable=True, resize=8)
    assert skipping.outline() == Outline(classes=2, image_size=(8, 8))
    assert skipping.load().outline().images == 8


@pytest.mark.parametrize(("kind", "classes"), [(Cifar10, 10), (Cifar100, 100)])
def test_cifar_is_known_before_it_is_there(tmp_path, kind, classes):
    told = cifar(kind, tmp_path / "nowhere", tmp_path, download=True).outline()
    assert told == Outline(classes, (32, 32), images=50_000, train_images=50_000)


def test_the_outline_of_a_cifar_folder_matches_its_images(tmp_path):
    root = write_image_folder(tmp_path / "images", tuple("abcdefghij"), side=32, train=3)
    told = cifar(Cifar10, root, tmp_path / "cache").outline()
    assert told == Outline(classes=10, images=30, train_images=30)


def test_digits_are_always_at_hand():
    assert Digits(**SPLIT).at_hand()


@pytest.mark.parametrize("verb", ["check", "load"])
def test_a_missing_folder_is_refused_before_and_when_it_is_read(tmp_path, verb):
    source = folder_source(tmp_path / "nowhere", tmp_path)
    with pytest.raises(Refusal, match=rf"dataset\.root={tmp_path / 'nowhere'}: .* does not exist"):
        getattr(source, verb)()


def test_a_cache_folder_that_cannot_be_written_is_refused(image_folder, tmp_path):
    (tmp_path / "file").touch()
    source = folder_source(image_folder, tmp_path / "file")
    message = (
        rf"dataset\.cache_dir={tmp_path}/file/cache cannot be used: .+; choose a directory that "
        "can be written to"
    )
    with pytest.raises(Refusal, match=message):
        source.load()


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

    monkeypatch.setattr(torchvision.datasets.cifar, "download_and_extract_archive", unreachable)
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


def test_official_files_that_are_not_the_official_ones_are_refused(tmp_path):
    root = official_cifar10(tmp_path / "official")
    with pytest.raises(Refusal, match=r"does not contain CIFAR-10.*not found or corrupted"):
        cifar(Cifar10, root, tmp_path).load()


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
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", refuse_to_work)
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

    monkeypatch.setattr(torchvision.datasets.cifar, "download_and_extract_archive", download)
    source = cifar(Cifar10, tmp_path / "official", tmp_path, download=True)
    assert len(source.load().source.train) == 10


@pytest.fixture
def unchecked(monkeypatch):
    """Let torchvision accept any file with the right name: MD5 sums are those of the real files."""
    monkeypatch.setattr(
        torchvision.datasets.cifar, "check_integrity", lambda path, _: Path(path).is_file()
    )


def folder_source(root: Path, kept: Path, **changes) -> ImageFolder:
    settings = {"resize": None, "skip_unreadable": False, **SPLIT, **changes}
    return ImageFolder(root=str(root), cache_dir=str(kept / "cache"), **settings)


def cifar(kind: type[Cifar10], root: Path, kept: Path, download: bool = False) -> Cifar10:
    settings = {"resize": None, "skip_unreadable": False, **SPLIT}
    return kind(root=str(root), cache_dir=str(kept / "cache"), download=download, **settings)


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
