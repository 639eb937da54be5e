"""Pictures that somebody hands over, whatever the files hold."""

from __future__ import annotations

import io
import logging
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from cifar_lab.data import picture
from cifar_lab.data.given import pixels_of
from cifar_lab.data.picture import fitted, read_picture, without_warnings
from cifar_lab.refusal import Refusal

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
FRAMES = [Image.fromarray(np.roll(PIXELS, shift, axis=0)) for shift in range(3)]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9"/></svg>'


def encoded(kind: str, image: Image.Image = FRAMES[0], **settings) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **settings)
    return content.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    length, check = len(content), zlib.crc32(kind + content)
    return struct.pack(">I", length) + kind + content + struct.pack(">I", check)


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG file whose header states any size, in grey."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join([header, *chunks, chunk(b"IEND", b"")])


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "TGA"])
def test_content_counts_not_the_name(kind, tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(kind))
    np.testing.assert_array_equal(np.asarray(read_picture(path)), PIXELS)
    np.testing.assert_array_equal(np.asarray(read_picture(path.read_bytes())), PIXELS)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("GIF", {}),
        ("PNG", {}),
        ("PNG", {"default_image": True}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
    ],
)
def test_several_pictures_in_a_file_are_none(kind, settings):
    content = encoded(kind, save_all=True, append_images=FRAMES[1:], **settings)
    assert read_picture(content) == (
        "is animated or has several pages; save one as a file of its own"
    )
    with Image.open(io.BytesIO(content)) as opened, pytest.raises(Refusal, match="is animated"):
        pixels_of(opened, (12, 9))


def test_pages_are_not_counted(monkeypatch):
    """Of a small file with a hundred thousand pages, that would take a minute."""
    content = encoded("TIFF", save_all=True, append_images=FRAMES[1:])
    counted = property(lambda _: pytest.fail("they are counted"))
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "n_frames", counted)
    assert "has several pages" in read_picture(content)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_one_frame_is_a_picture(kind):
    content = encoded(kind, save_all=True)
    assert read_picture(content).size == (9, 12)


def test_a_camera_keeps_a_preview_beside_the_picture():
    red, blue = (Image.new("RGB", (9, 12), colour) for colour in ((200, 0, 0), (0, 0, 200)))
    content = encoded("MPO", red, save_all=True, append_images=[blue], quality=100)
    with Image.open(io.BytesIO(content)) as opened:
        assert (opened.format, opened.n_frames) == ("MPO", 2)
    assert np.abs(np.asarray(read_picture(content)) - np.asarray([200.0, 0, 0])).max() < 5


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((20_000, 10_000), "has more pixels than 100,000,000, which is the limit; scale it down"),
        ((10_000, 10_001), "has 10,000 × 10,001 pixels, more than 100,000,000; scale it down"),
        ((2**31 - 1, 2**31 - 1), "has more pixels than 100,000,000"),
    ],
)
def test_the_size_is_read_before_the_pixels(size, said):
    """The files hold no pixels at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with without_warnings():
            assert read_picture(png(*size)).startswith(said)


def test_a_large_picture_is_read(monkeypatch):
    monkeypatch.setattr(picture, "LARGE", 5)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # 108 pixels: a warning
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with without_warnings():
            np.testing.assert_array_equal(np.asarray(read_picture(encoded("PNG"))), PIXELS)
        assert read_picture(encoded("PNG")).startswith("has more pixels than")


def test_pillow_logs_nothing_inside():
    plugin = logging.getLogger("PIL.TiffImagePlugin")
    with without_warnings():
        assert not plugin.isEnabledFor(logging.ERROR)
    assert plugin.isEnabledFor(logging.ERROR)


def test_a_text_that_inflates_is_not_read():
    bomb = chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(100_000_000)))
    assert len(bomb) < 100_000
    assert read_picture(png(8, 8, bomb)).startswith("could not be read: Decompressed data too la")


def test_nothing_is_run_to_decode_a_file(monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    assert Image.open(io.BytesIO(drawing)).format == "EPS"
    assert read_picture(drawing) == "could not be read: not an image in a known format"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "could not be read: the file is empty"),
        (SVG, "could not be read: not an image in a known format"),
        (encoded("PNG")[:200], "could not be read: "),
        (encoded("JPEG")[:300], "could not be read: "),
        (png(0, 0), "could not be read: "),
        (encoded("TIFF", Image.fromarray(PIXELS[..., 0].astype(np.float32))), "could not be read"),
    ],
)
def test_damaged_files_are_told(content, said):
    assert read_picture(content).startswith(said)


def test_what_is_no_file_does_not_make_it_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "itself").symlink_to("itself")
    for name in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        assert read_picture(name) == "is not a file; name image files"
    assert read_picture(tmp_path / "nowhere") == "does not exist"
    assert read_picture(tmp_path / "itself").startswith("could not be read: Too many levels")
    assert read_picture(tmp_path / ("n" * 300)) == "could not be read: File name too long"


def test_a_pipe_in_the_place_of_a_file_does_not_make_it_wait(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "file").write_bytes(encoded("PNG"))
    plain, stat = os.stat(tmp_path / "file"), os.stat
    monkeypatch.setattr("os.stat", lambda path, **how: plain if path == pipe else stat(path, **how))
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(read_picture(pipe)), daemon=True)
    reader.start()
    reader.join(10)
    waited = reader.is_alive()
    os.close(os.open(pipe, os.O_RDWR))  # lets go of one that waits
    assert not waited
    assert found[0].startswith("could not be read: ")


def test_a_file_that_is_too_long_is_not_read(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(encoded("PNG"))
        file.truncate(2_000_000_000)
    assert read_picture(path) == "has more than 1.0 GB"


def test_extreme_proportions_are_a_picture():
    line = Image.new("L", (1, 100_000), 77)
    assert (pixels_of(line, (8, 8)) == 77).all()
    assert read_picture(encoded("PNG", line)).size == (1, 100_000)


def test_a_picture_is_fitted_as_pillow_resizes_it_and_a_reason_stays_one():
    found = fitted(read_picture(encoded("PNG")), (5, 7))
    assert (found.dtype, found.shape) == (np.uint8, (5, 7, 3))
    expected = FRAMES[0].resize((7, 5), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(found, np.asarray(expected))
    assert fitted("does not exist", (5, 7)) == "does not exist"


def test_too_little_memory_for_a_size_is_a_reason(monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(picture, "resized", full)
    assert fitted(FRAMES[0], (5, 7)) == "could not be resized: MemoryError"
