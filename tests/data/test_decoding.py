"""Decoding, and the messages of refusals."""

from __future__ import annotations

import logging
import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data.decoding import decode_folder
from cifar_lab.data.folders import list_folder
from cifar_lab.refusal import Refusal
from tests.conftest import logged, write_image_folder


def test_pixels_labels_and_names_are_those_of_the_files(image_folder):
    listing = list_folder(image_folder)
    for arrays, split, count in zip(
        decode(listing, None, False), ("train", "test"), (4, 2), strict=True
    ):
        assert arrays.images.shape == (2 * count, 8, 8, 3)
        assert arrays.images.dtype == np.uint8
        assert arrays.class_names == ("ant", "bee")
        assert arrays.labels.tolist() == [0] * count + [1] * count
        assert arrays.labels.dtype == np.int64
        names = [f"{split}/{c}/{i}.png" for c in ("ant", "bee") for i in range(count)]
        assert arrays.sample_ids.tolist() == names
        for pixels, name in zip(arrays.images, names, strict=True):
            np.testing.assert_array_equal(pixels, np.array(Image.open(image_folder / name)))


def test_many_images_keep_their_order(tmp_path):
    root = tmp_path / "images"
    for split in ("train", "test"):
        for name in ("grey", "other"):
            (root / split / name).mkdir(parents=True)
        for level in range(200):  # more than the pool's threads and chunks
            solid(4, 4, (level, level, level)).save(root / split / "grey" / f"{level:03}.png")
        solid(4, 4, (1, 2, 3)).save(root / split / "other" / "0.png")
    train, _ = decode(list_folder(root), None, False)
    np.testing.assert_array_equal(train.images[:200, 0, 0, 0], np.arange(200))


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("1", 1, (255, 255, 255)),
        ("I;16", 257 * 100, (100, 100, 100)),
        ("LA", (100, 255), (100, 100, 100)),
        pytest.param("RGBA", (10, 20, 30, 0), (255, 255, 255), id="what is transparent is white"),
        pytest.param("RGBA", (0, 100, 200, 51), (204, 224, 244), id="a fifth of a colour"),
    ],
)
def test_other_modes_become_rgb(image_folder, mode, value, expected):
    Image.new(mode, (8, 8), value).save(image_folder / "train" / "ant" / "0.png")
    train, _ = decode(list_folder(image_folder), None, False)
    assert (train.images[0] == expected).all()


def test_a_palette_with_a_transparent_colour_becomes_rgb_on_white(image_folder):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((2, 0), 0)
    for transparency in (0, bytes([0, 255])):  # one transparent colour, or an opacity per colour
        image.save(image_folder / "train" / "ant" / "0.png", transparency=transparency)
        train, _ = decode(list_folder(image_folder), None, False)
        assert train.images[0, 0, :3].tolist() == [[10, 20, 30], [10, 20, 30], [255, 255, 255]]


def test_photographs_stand_upright(image_folder):
    """EXIF orientation 6: the camera was rotated, and the first row is the right side."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(image_folder / "train" / "ant" / "0.png", exif=exif)
    train, _ = decode(list_folder(image_folder), None, False)
    np.testing.assert_array_equal(train.images[0], np.rot90(pixels, k=-1))


def test_height_comes_before_width(tmp_path):
    root = tmp_path / "images"
    for split in ("train", "test"):
        for name in ("flag", "map"):
            (root / split / name).mkdir(parents=True)
            solid(6, 4, (1, 2, 3)).save(root / split / name / "0.png")
    train, _ = decode(list_folder(root), None, False)
    assert train.image_size == (4, 6)


def test_unreadable_files_are_refused_by_name_with_the_reason(image_folder):
    spoil(image_folder / "train" / "bee" / "2.png")
    message = (
        rf"dataset\.root={image_folder}: 1 file could not be read as images: train/bee/2\.png "
        r"\(not an image in a known format\); remove them, or set dataset\.skip_unreadable=true to "
        "skip them"
    )
    with pytest.raises(Refusal, match=message):
        decode(list_folder(image_folder), None, False)


def test_all_that_is_wrong_in_any_split_is_reported_at_once(image_folder):
    spoil(image_folder / "train" / "bee" / "2.png")
    (image_folder / "test" / "ant" / "1.png").write_bytes(b"")
    solid(9, 8, (0, 0, 0)).save(image_folder / "test" / "ant" / "0.png")
    for file in (image_folder / "test" / "bee").iterdir():
        spoil(file)
    with pytest.raises(Refusal) as refusal:
        decode(list_folder(image_folder), None, False)
    unreadable, emptied, sizes = refusal.value.problems
    assert "4 files could not be read" in unreadable
    assert "train/bee/2.png (not an image in a known format)" in unreadable
    assert "test/ant/1.png (the file is empty)" in unreadable
    assert "no readable images of bee in test" in emptied
    assert "got 2 sizes: 8×8 (7, e.g. train/ant/0.png), 8×9 (1, e.g. test/ant/0.png)" in sizes


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("png", "broken PNG|Truncated|truncated"), ("jpg", "."), ("gif", "."), ("bmp", "truncated")],
)
def test_a_file_that_breaks_off_is_unreadable(image_folder, ending, reason):
    file = image_folder / "train" / "ant" / f"broken.{ending}"
    solid(8, 8, (1, 2, 3)).save(file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])
    message = rf"read as images: train/ant/broken\.{ending} \(.*({reason}).*\); remove"
    with pytest.raises(Refusal, match=message):
        decode(list_folder(image_folder), None, False)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, struct.error, MemoryError])
def test_whatever_a_decoder_raises_makes_a_file_unreadable(image_folder, monkeypatch, error):
    def fail(_):
        raise error("odd")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(Refusal, match=r"12 files could not be read .*train/ant/0\.png \('?odd'?\)"):
        decode(list_folder(image_folder), None, False)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_grey_levels_of_no_known_range_are_unreadable(image_folder, mode):
    file = image_folder / "train" / "ant" / "0.tiff"
    Image.new(mode, (8, 8), 70_000).save(file)
    message = r"train/ant/0\.tiff \(grey levels without a known range\); remove"
    with pytest.raises(Refusal, match=message):
        decode(list_folder(image_folder), None, False)


def test_a_file_that_claims_an_enormous_size_is_unreadable(image_folder):
    file = image_folder / "train" / "ant" / "bomb.bmp"
    solid(8, 8, (1, 2, 3)).save(file)
    content = bytearray(file.read_bytes())
    content[18:26] = struct.pack("<ii", 100_000, 100_000)  # width and height
    file.write_bytes(content)
    with pytest.raises(Refusal, match=r"train/ant/bomb\.bmp \(Image size .* exceeds limit"):
        decode(list_folder(image_folder), None, False)


def test_of_many_unreadable_files_five_are_named(tmp_path):
    root = write_image_folder(tmp_path / "images", train=8)
    files = sorted((root / "train" / "ant").iterdir())[:7]
    for file in files:
        spoil(file)
    shown = ", ".join(rf"train/ant/{file.name} \([a-z ]+\)" for file in files[:5])
    with pytest.raises(Refusal, match=rf"7 files could not be read as images: {shown}, …;"):
        decode(list_folder(root), None, False)


def test_unreadable_files_are_left_out_with_a_warning_when_asked(image_folder, caplog):
    bad = [spoil(image_folder / "train" / "ant" / name) for name in ("0.png", "3.png")]
    with logged(caplog):
        train, test = decode(list_folder(image_folder), None, True)
    assert train.labels.tolist() == [0] * 2 + [1] * 4
    assert train.sample_ids[0] == "train/ant/1.png"
    assert train.images.shape == (6, 8, 8, 3)
    assert len(test) == 4
    warnings = {r.getMessage() for r in caplog.records if r.levelno == logging.WARNING}
    reason = "not an image in a known format"
    assert warnings == {f"skipped, not an image: {file} ({reason})" for file in bad}


def test_skipped_files_are_counted_in_a_note(image_folder, tmp_path):
    spoil(image_folder / "train" / "ant" / "0.png")
    (image_folder / "test" / "bee" / "1.png").write_bytes(b"")
    decoded = decode_folder(list_folder(image_folder), None, True, tmp_path)
    assert decoded.notes == (
        "skipped 2 files that could not be read as images: train/ant/0.png (not an image in a "
        "known format), test/bee/1.png (the file is empty)",
    )


def test_images_of_a_validation_folder_follow_the_training_images(image_folder, tmp_path):
    shutil.copytree(image_folder / "test", image_folder / "val")
    spoil(image_folder / "train" / "ant" / "0.png")
    decoded = decode_folder(list_folder(image_folder), None, True, tmp_path)
    assert decoded.validation.tolist() == [7, 8, 9, 10]
    ids = decoded.train.sample_ids[decoded.validation].tolist()
    assert ids == ["val/ant/0.png", "val/ant/1.png", "val/bee/0.png", "val/bee/1.png"]


def test_a_class_of_nothing_but_unreadable_files_is_refused_even_then(image_folder):
    for file in (image_folder / "test" / "bee").iterdir():
        spoil(file)
    message = rf"dataset\.root={image_folder}: no readable images of bee in test; add images or"
    with pytest.raises(Refusal, match=message):
        decode(list_folder(image_folder), None, True)


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_of_several_sizes_are_refused(image_folder, split):
    solid(9, 8, (0, 0, 0)).save(image_folder / split / "ant" / "0.png")
    message = (
        rf"dataset\.root={image_folder}: images must all have the same size, got 2 sizes: "
        rf"8×8 \(11, e\.g\. .+\), 8×9 \(1, e\.g\. {split}/ant/0\.png\); set dataset\.resize=32 "
        r"\(or another size\)"
    )
    with pytest.raises(Refusal, match=message):
        decode(list_folder(image_folder), None, False)


def test_of_many_sizes_four_are_shown(image_folder):
    for number, side in enumerate((9, 10, 11, 12)):
        solid(side, side, (0, 0, 0)).save(image_folder / "train" / "ant" / f"{number}.png")
    with pytest.raises(Refusal, match=r"5 sizes: 8×8 \(8, .+?\)(, \d+×\d+ \(1, .+?\)){3}, …; set"):
        decode(list_folder(image_folder), None, False)


def test_resizing_makes_all_images_square_and_keeps_what_they_show(image_folder):
    halves = np.zeros((12, 20, 3), np.uint8)
    halves[:, 10:] = (200, 100, 50)
    Image.fromarray(halves).save(image_folder / "train" / "ant" / "0.png")
    train, test = decode(list_folder(image_folder), 16, False)
    assert train.image_size == test.image_size == (16, 16)
    assert train.original_sizes().tolist() == [[12, 20]] + [[8, 8]] * 7
    assert test.original_sizes().tolist() == [[8, 8]] * 4
    assert (train.images[0, :, :6] == 0).all()
    assert (train.images[0, :, 10:] == (200, 100, 50)).all()


def test_images_of_the_wanted_size_are_not_resampled(image_folder):
    listing = list_folder(image_folder)
    as_they_are, resized = (decode(listing, side, False)[0] for side in (None, 8))
    np.testing.assert_array_equal(resized.images, as_they_are.images)


def test_decoding_says_how_much_there_is_to_do(image_folder, caplog):
    with logged(caplog):
        decode(list_folder(image_folder), None, False)
    assert f"decoding 12 images from {image_folder}" in caplog.text


def solid(width: int, height: int, colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def spoil(file: Path) -> Path:
    file.write_text("this is no image")
    return file


def decode(listing, resize, skip_unreadable):
    space = Path(tempfile.mkdtemp(dir=listing.root.parent))
    decoded = decode_folder(listing, resize, skip_unreadable, space)
    return decoded.train, decoded.test


def test_pixels_go_into_a_mapped_file_as_long_as_there_are_images(image_folder, tmp_path):
    broken = sorted((image_folder / "train").glob("*/*"))[0]
    broken.write_bytes(b"no image")
    train = decode_folder(list_folder(image_folder), None, True, tmp_path).train
    assert isinstance(train.images, np.memmap)
    on_disk = np.load(tmp_path / "train_images.npy", mmap_mode="r")
    np.testing.assert_array_equal(on_disk, train.images)
    assert len(on_disk) == len(train.labels)
