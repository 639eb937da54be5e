"""Image folders as sources: no file decoded twice, and every layout."""

from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data import image_folder as module
from cifar_lab.data.arrays import Outline, SourceImages
from cifar_lab.data.image_folder import ImageFolder
from cifar_lab.data.splits import stratified_split
from cifar_lab.refusal import Refusal
from tests.data.sources import OWN, folder_source


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
        patched.setattr(module, "decode_folder", refuse_to_work)
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
    with pytest.raises(Refusal, match=r"1 file could not be read as images: train/bee/1.png \("):
        folder_source(image_folder, tmp_path).load()


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


def test_the_outline_omits_what_only_decoding_shows(image_folder, tmp_path):
    as_they_are = folder_source(image_folder, tmp_path).outline()
    assert as_they_are == Outline(classes=2, images=8, train_images=8, validated=False)
    (image_folder / "train" / "ant" / "notes.txt").write_text("no image")
    skipping = folder_source(image_folder, tmp_path, skip_unreadable=True, resize=8)
    assert skipping.outline() == Outline(classes=2, image_size=(8, 8), validated=False)
    assert skipping.load().outline().images == 8


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


def test_the_home_folder_may_be_written_as_a_tilde(image_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    source = ImageFolder(root="~/images", cache_dir="~/kept", **OWN)
    source.check()
    assert len(source.load().source.train) == 8
    assert (tmp_path / "kept").is_dir()


def test_a_validation_folder_is_the_validation_split(image_folder, tmp_path):
    shutil.copytree(image_folder / "test", image_folder / "valid")
    dataset = folder_source(image_folder, tmp_path, validation_fraction=0.5).load()
    ids = dataset.source.train.sample_ids
    assert ids[dataset.val_indices].tolist() == [
        f"valid/{name}/{number}.png" for name in ("ant", "bee") for number in (0, 1)
    ]
    assert all(name.startswith("train/") for name in ids[dataset.train_indices])
    assert len(dataset.train_indices) == 8
    assert dataset.source.notes == (
        "valid/ is the validation split; dataset.validation_fraction is not used",
    )
    assert dataset.mean.tolist() == pytest.approx(
        (dataset.source.train.images[:8] / 255).mean((0, 1, 2)).tolist()
    )


def test_without_a_test_folder_the_validation_folder_is_the_test_split(image_folder, tmp_path):
    (image_folder / "test").rename(image_folder / "val")
    dataset = folder_source(image_folder, tmp_path, validation_fraction=0.25).load()
    assert [name.split("/")[0] for name in dataset.source.test.sample_ids] == ["val"] * 4
    ids = dataset.source.train.sample_ids
    assert all(name.startswith("train/") for name in ids)
    assert (len(dataset.train_indices), len(dataset.val_indices)) == (6, 2)
    [note] = dataset.source.notes
    assert note.startswith("there is no test/, so val/ is the test split")
    assert "validation images are split off from train/" in note


@pytest.mark.parametrize("layout", ["flat", "train alone"])
def test_without_any_other_folder_a_seeded_rule_makes_the_splits(image_folder, tmp_path, layout):
    root = image_folder / "train" if layout == "flat" else image_folder
    shutil.rmtree(image_folder / "test")
    sources = [
        folder_source(root, tmp_path, test_seed=seed, validation_fraction=0.3, split_seed=split)
        for seed, split in ((0, 0), (0, 0), (0, 5), (1, 0))
    ]
    assert sources[0].outline() == Outline(classes=2, validated=True)
    loaded = [source.load() for source in sources]
    tests = [dataset.source.test.sample_ids.tolist() for dataset in loaded]
    assert tests[0] == tests[1] == tests[2] != tests[3]
    dataset = loaded[0]
    rows = [*dataset.train_indices, *dataset.val_indices]
    ids = [*dataset.source.train.sample_ids[rows], *tests[0]]
    files = [path.relative_to(root).as_posix() for path in root.rglob("*.png")]
    assert sorted(ids) == sorted(files)  # each image in exactly one split
    assert (len(dataset.train_indices), len(dataset.val_indices), len(tests[0])) == (4, 2, 2)
    assert dataset.source.notes[0] == (
        "25 % of the images of each class are the test split (dataset.test_fraction=0.25, "
        "dataset.test_seed=0)"
    )
    assert dataset.source.notes[1].startswith("there is n")


@pytest.mark.parametrize("seed", range(4))
def test_copies_and_links_of_an_image_are_never_in_two_splits(image_folder, tmp_path, seed):
    root = image_folder / "train"
    for name in ("ant", "bee"):
        for number in range(4):
            os.link(root / name / f"{number}.png", root / name / f"hard{number}.png")
            (root / name / f"soft{number}.png").symlink_to(root / name / f"{number}.png")
            Image.open(root / name / f"{number}.png").save(root / name / f"{number}.bmp")
    settings = {"test_seed": seed, "test_fraction": 0.25, "validation_fraction": 0.3}
    dataset = folder_source(root, tmp_path, split_seed=seed, **settings).load()
    assert len(dataset.source.test) == 8  # a quarter of the eight images, four times each
    train = dataset.source.train.images
    splits = [train[dataset.train_indices], train[dataset.val_indices], dataset.source.test.images]
    pixels = [{image.tobytes() for image in images} for images in splits]
    assert sum(map(len, pixels)) == 8
    assert len(set.union(*pixels)) == 8


def test_a_validation_split_may_separate_copies_as_older_versions_did(image_folder, tmp_path):
    for number in range(4):
        for name in ("ant", "bee"):
            folder = image_folder / "train" / name
            shutil.copy(folder / f"{number}.png", folder / f"copy{number}.png")
    as_ever = folder_source(
        image_folder, tmp_path, validation_fraction=0.5, copies_together=False
    ).load()
    _, expected = stratified_split(as_ever.source.train.labels, 0.5, 0)
    np.testing.assert_array_equal(as_ever.val_indices, expected)
    assert len(copied_across(as_ever)) > 0
    together = folder_source(image_folder, tmp_path, validation_fraction=0.5).load()
    assert len(together.val_indices) == 8
    assert not copied_across(together)


def copied_across(dataset):
    """Pixels of images in both the training and the validation split."""
    images = dataset.source.train.images
    train, val = (
        {images[row].tobytes() for row in rows}
        for rows in (dataset.train_indices, dataset.val_indices)
    )
    return train & val


def test_what_was_skipped_is_said_each_time(image_folder, tmp_path):
    (image_folder / "train" / "bee" / "1.png").write_bytes(b"")
    (image_folder / "train" / "bee" / "2.png").unlink()
    (image_folder / "train" / "bee" / "2.png").symlink_to("nowhere")
    for _ in range(2):
        source = folder_source(image_folder, tmp_path, skip_unreadable=True).load().source
        never, skipped = source.notes
        assert never.startswith("left out: 1 entry that can never be read: train/bee/2.png (a link")
        assert skipped.startswith(
            "skipped 1 file that could not be read as images: train/bee/1.png"
        )


def test_another_order_of_classes_is_another_entry_of_the_cache(image_folder, tmp_path):
    as_named = folder_source(image_folder, tmp_path).load()
    turned = folder_source(image_folder, tmp_path, class_order=["bee", "ant"]).load()
    assert turned.class_names == ("bee", "ant")
    assert (turned.source.train.labels == as_named.source.train.labels).all()
    assert turned.source.train.sample_ids[0] == "train/bee/0.png"


@pytest.mark.parametrize("layout", ["val", "train and val", "flat"])
def test_every_layout_is_read_from_the_cache_as_it_was_decoded(image_folder, tmp_path, layout):
    if layout != "flat":
        shutil.copytree(image_folder / "test", image_folder / "val")
    if layout == "train and val":
        shutil.rmtree(image_folder / "test")
    root = image_folder / "train" if layout == "flat" else image_folder
    first, again = (folder_source(root, tmp_path).load() for _ in range(2))
    assert first.source.fingerprint == again.source.fingerprint
    assert first.source.notes == again.source.notes
    np.testing.assert_array_equal(first.val_indices, again.val_indices)
    np.testing.assert_array_equal(first.source.test.images, again.source.test.images)
    fresh = SourceImages.of(again.source.train, again.source.test, again.source.validation)
    assert fresh.fingerprint == again.source.fingerprint


@pytest.mark.parametrize("key", ["root", "cache_dir"])
@pytest.mark.parametrize("kind", ["too long", "a link to itself", "an unknown user"])
def test_a_path_that_cannot_be_followed_is_refused(image_folder, tmp_path, key, kind):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    path = {
        "too long": str(tmp_path / ("x" * 300) / "y"),
        "a link to itself": str(tmp_path / "loop"),
        "an unknown user": "~nobody-of-this-name/x",
    }[kind]
    settings = {**OWN, "root": str(image_folder), "cache_dir": str(tmp_path / "kept"), key: path}
    source = ImageFolder(**settings)
    with pytest.raises(Refusal, match=rf"dataset\.{key}="):
        source.load()


def test_a_full_disk_is_refused_with_what_to_do_and_leaves_nothing(
    image_folder, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    source = folder_source(image_folder, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        message = r"dataset\.cache_dir=.* No space left on device; free some space, or choose"
        with pytest.raises(Refusal, match=message):
            source.load()
    assert os.listdir(tmp_path / "cache") == []
    assert len(source.load().source.train) == 8


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_grey_files_become_three_equal_channels_and_a_note_says_so(image_folder, tmp_path, mode):
    levels = {"L": 90, "1": 255, "LA": (90, 255), "I;16": 90 * 257}
    for file in image_folder.rglob("*.png"):
        Image.new(mode, (8, 8), 1 if mode == "1" else levels[mode]).save(file)
    Image.new("L", (8, 8), 7).save(image_folder / "train" / "ant" / "0.png")
    source = folder_source(image_folder, tmp_path, validation_fraction=0.0).load().source
    expected = 255 if mode == "1" else 90
    assert (source.test.images == expected).all()
    assert source.notes == ("all images are grey: their three channels are equal",)
    Image.new("RGB", (8, 8), (1, 2, 3)).save(image_folder / "test" / "bee" / "1.png")
    assert folder_source(image_folder, tmp_path).load().source.notes == ()


def refuse_to_work(*_, **__):
    raise AssertionError("called, though it should not be")
