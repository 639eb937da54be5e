"""Listing image folders: what is taken, what is left out, and the messages of refusals."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torchvision

from cifar_lab.data.folders import list_folder
from cifar_lab.refusal import Refusal
from tests.conftest import write_image_folder


def test_classes_are_the_folders_in_alphabetical_order(tmp_path):
    root = write_image_folder(tmp_path / "images", classes=("zebra", "ant", "größe"))
    listing = list_folder(root)
    assert listing.class_names == ("ant", "größe", "zebra")
    assert [len(files) for files in listing.files["train"].values()] == [4, 4, 4]
    assert {root / file for file in listing.all_files()} == set(root.rglob("*.png"))


def test_what_is_left_out_is_counted_and_named(image_folder):
    (image_folder / "train" / ".cache").mkdir()
    (image_folder / "train" / "README.txt").touch()
    (image_folder / "train" / "ant" / ".DS_Store").touch()
    (image_folder / "LICENSE").touch()
    shutil.copytree(image_folder / "test", image_folder / "validation")
    listing = list_folder(image_folder)
    assert listing.class_names == ("ant", "bee")
    assert len(listing.all_files()) == 12
    assert all(file.endswith(".png") for file in listing.all_files())
    assert listing.notes == (
        "left out: 1 folder beside the splits: validation/ (4 files)",
        "left out: 2 files beside the folders of images: LICENSE, train/README.txt",
        "left out: 2 hidden files or folders: train/.cache, train/ant/.DS_Store",
    )


def test_nothing_is_said_where_nothing_is_left_out(image_folder):
    assert list_folder(image_folder).notes == ()


def test_images_in_sub_folders_are_taken_as_torchvision_takes_them(image_folder):
    for split, name in [("train", "ant"), ("test", "bee")]:
        below = image_folder / split / name / "a kind" / "of it"
        shutil.copytree(image_folder / split / name, below)
    listing = list_folder(image_folder)
    for split in ("train", "test"):
        theirs = torchvision.datasets.ImageFolder(str(image_folder / split)).samples
        ours = [
            (str(image_folder / file), label)
            for label, name in enumerate(listing.class_names)
            for file in listing.files[split][name]
        ]
        assert sorted(ours) == sorted(theirs)


def odd_things(folder: Path) -> int:
    """Makes what is neither a file nor a folder of files; returns how many."""
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    (folder / "itself.png").symlink_to(folder / "itself.png")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    return 4


def test_what_can_never_be_read_is_refused_by_name_with_the_reason(image_folder):
    odd_things(image_folder / "train" / "ant")
    with pytest.raises(Refusal) as refusal:
        list_folder(image_folder)
    [problem] = refusal.value.problems
    assert "4 entries can never be read: " in problem
    assert "train/ant/dangling.png (a link to a file that does not exist)" in problem
    assert "train/ant/itself.png (a link that cannot be followed: Too many levels of" in problem
    assert "train/ant/again (a link that leads back to a folder above it)" in problem
    assert "train/ant/pipe.png (a pipe, socket or device, not a file)" in problem
    assert "set dataset.skip_unreadable=true to skip them" in problem


def test_what_can_never_be_read_is_left_out_and_said_when_asked(image_folder):
    odd_things(image_folder / "test" / "bee")
    listing = list_folder(image_folder, skip_unreadable=True)
    assert len(listing.all_files()) == 12
    [note] = listing.notes
    assert note.startswith("left out: 4 entries that can never be read: test/bee/again (a link")


def test_links_to_files_and_folders_are_followed(image_folder, tmp_path):
    shutil.copytree(image_folder / "train" / "ant", tmp_path / "elsewhere")
    (image_folder / "train" / "ant" / "more").symlink_to(tmp_path / "elsewhere")
    (image_folder / "train" / "bee" / "x.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    files = list_folder(image_folder).files["train"]
    assert files["ant"][-1] == "train/ant/more/3.png"
    assert files["bee"][-1] == "train/bee/x.png"
    assert len(files["ant"]) == 8


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_file_in_two_splits_is_refused(image_folder, link):
    link(image_folder / "train" / "ant" / "0.png", image_folder / "test" / "bee" / "9.png")
    message = (
        r"1 file is in two splits through links: train/ant/0\.png = test/bee/9\.png; an image may "
        "be in one split only"
    )
    with pytest.raises(Refusal, match=message):
        list_folder(image_folder)


def test_a_validation_folder_that_is_the_test_folder_is_refused(image_folder):
    (image_folder / "val").symlink_to(image_folder / "test")
    with pytest.raises(Refusal, match=r"4 files are in two splits through links: val/ant/0.png"):
        list_folder(image_folder)


def test_a_validation_folder_must_have_the_same_classes(image_folder):
    shutil.copytree(image_folder / "test" / "ant", image_folder / "val" / "ant")
    with pytest.raises(Refusal, match=r"val classes must match train .*only in train: bee; only"):
        list_folder(image_folder)


def test_one_class_cannot_be_learnt(tmp_path):
    root = write_image_folder(tmp_path / "images", classes=("cat",))
    with pytest.raises(
        Refusal, match=r"only class is cat, and one class cannot .*set dataset\.root"
    ):
        list_folder(root)


def test_a_root_one_level_too_high_is_refused_with_the_right_one(tmp_path):
    for name in ("flowers", "birds"):
        write_image_folder(tmp_path / "data" / name)
    with pytest.raises(Refusal) as refusal:
        list_folder(tmp_path / "data")
    birds, flowers = refusal.value.problems
    assert f"flowers/ holds folders of splits; set dataset.root={tmp_path}/data/flowers" in flowers
    assert "birds/ holds" in birds


def test_a_flat_folder_is_one_split_of_its_classes(tmp_path):
    root = write_image_folder(tmp_path / "images") / "train"
    listing = list_folder(root)
    assert list(listing.files) == ["train"]
    assert listing.all_files()[0] == "ant/0.png"
    assert listing.notes == (
        f"there is neither train/ nor test/ in {root}: its folders are the classes",
    )


def test_numbers_as_classes_are_in_the_order_of_their_values(tmp_path):
    root = write_image_folder(tmp_path / "images", classes=("10", "2", "0", "1"))
    assert list_folder(root).class_names == ("0", "1", "2", "10")
    assert list_folder(root, order="alphabetical").class_names == ("0", "1", "10", "2")
    assert list_folder(root, order=[10, 0, "2", 1]).class_names == ("10", "0", "2", "1")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_split_is_refused_with_the_expected_layout(image_folder, split):
    shutil.rmtree(image_folder / split)
    message = (
        rf"dataset\.root={image_folder}: {image_folder / split} does not exist; arrange the "
        r"images as train/<class>/\* and test/<class>/\* inside it"
    )
    with pytest.raises(Refusal, match=message):
        list_folder(image_folder, divisible=False)


def test_a_root_that_cannot_be_listed_is_refused_with_the_reason(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    roots = {
        tmp_path / "nowhere": "this directory does not exist; arrange",
        tmp_path / "file": "this directory is not a directory; arrange",
        tmp_path / "loop": r"this directory cannot be listed \(Too many levels",
        tmp_path / ("x" * 5000): r"…: this directory cannot be listed \(File name too long\)",
    }
    for root, message in roots.items():
        with pytest.raises(Refusal, match=rf"dataset\.root=.*{message}") as refusal:
            list_folder(root)
        assert len(str(refusal.value)) < 500


def test_an_empty_class_is_refused(image_folder):
    empty = image_folder / "test" / "ant"
    shutil.rmtree(empty)
    (empty / "deeper").mkdir(parents=True)
    message = f"class folder {empty} contains no files; add images or remove the folder"
    with pytest.raises(Refusal, match=message):
        list_folder(image_folder)


def test_a_split_without_classes_is_refused(image_folder):
    for name in ("ant", "bee"):
        shutil.rmtree(image_folder / "train" / name)
    with pytest.raises(Refusal, match=f"no class folders in {image_folder / 'train'}; arrange"):
        list_folder(image_folder)


def test_test_classes_unlike_the_training_classes_are_refused(image_folder):
    (image_folder / "test" / "bee").rename(image_folder / "test" / "wasp")
    message = (
        rf"dataset\.root={image_folder}: test classes must match train classes; "
        "only in train: bee; only in test: wasp$"
    )
    with pytest.raises(Refusal, match=message):
        list_folder(image_folder)


def test_of_many_classes_too_many_five_are_named(image_folder):
    for number in range(7):
        shutil.copytree(image_folder / "train" / "ant", image_folder / "train" / f"moth{number}")
    message = "only in train: moth0, moth1, moth2, moth3, moth4, …; only in test: none$"
    with pytest.raises(Refusal, match=message):
        list_folder(image_folder)


def test_several_problems_are_reported_at_once(image_folder):
    shutil.rmtree(image_folder / "test" / "bee")
    for split in ("train", "test"):
        (image_folder / split / "moth").mkdir()
    with pytest.raises(Refusal) as refusal:
        list_folder(image_folder)
    empty_train, empty_test, unlike = refusal.value.problems
    assert f"{image_folder / 'train' / 'moth'} contains no files" in empty_train
    assert f"{image_folder / 'test' / 'moth'} contains no files" in empty_test
    assert "only in train: bee; only in test: none" in unlike
