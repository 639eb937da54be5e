"""Bodies of requests become the pixels that were sent, or one message."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tracemalloc

import httpx
import numpy as np
import pytest
from PIL import Image

from cifar_lab.deploy.server.bodies import pixels_in
from cifar_lab.deploy.server.rejected import Rejected

pytestmark = pytest.mark.extra("app")
SIZE = (32, 32)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def png(pixels: np.ndarray, kind: str = "png") -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def form(*files: tuple[str, bytes]) -> tuple[str, bytes]:
    """Content type and body of a form, as another library writes it."""
    sent = [(field, ("a.png", content)) for field, content in files]
    request = httpx.Request("POST", "http://localhost", files=sent)
    return request.headers["content-type"], request.read()


def read(content_type: str, body: bytes, most: int = 10) -> np.ndarray:
    return pixels_in(content_type, body, SIZE, most)


def as_json(value: object) -> np.ndarray:
    return read("application/json", json.dumps(value).encode())


@pytest.mark.parametrize("kind", ["image/png", "image/*", "IMAGE/PNG; a=b"])
def test_a_raw_image(kind):
    np.testing.assert_array_equal(read(kind, png(PIXELS[0])), PIXELS[:1])


def test_the_files_of_a_form_in_order_whatever_else_it_has():
    kind, body = form(("other", b"x" * 2_000_000), *(("image", png(each)) for each in PIXELS))
    np.testing.assert_array_equal(read(kind, body), PIXELS)
    np.testing.assert_array_equal(read(*form(("image", png(PIXELS[1])))), PIXELS[1:2])


def test_nothing_of_a_form_is_written_to_the_disk(monkeypatch):
    def never(*_, **__):
        raise AssertionError("a file was written")

    monkeypatch.setattr("tempfile.TemporaryFile", never)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", never)
    large = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    kind, body = form(("image", png(large)))
    assert len(body) > 2_000_000
    assert read(kind, body).shape == (1, 32, 32, 3)


def test_json_with_base64_and_with_pixels():
    encoded = [text(png(each)) for each in PIXELS]
    np.testing.assert_array_equal(as_json({"image": encoded[1]}), PIXELS[1:2])
    np.testing.assert_array_equal(as_json({"images": encoded}), PIXELS)
    np.testing.assert_array_equal(as_json({"pixels": PIXELS[2].tolist()}), PIXELS[2:])
    np.testing.assert_array_equal(as_json({"pixels": PIXELS.tolist()}), PIXELS)


def test_images_of_another_size_and_mode_are_converted():
    wide = np.full((10, 50), 90, dtype=np.uint8)
    assert (read("image/jpeg", png(wide, "jpeg")) == 90).all()
    assert (as_json({"pixels": [[[255, 0, 9], [255, 0, 9]]]}) == [255, 0, 9]).all()


DEEP = b"[" * 200_000


@pytest.mark.parametrize(
    ("kind", "body", "status", "said"),
    [
        ("", b"x", 415, "no Content-Type is not accepted: send an image"),
        ("text/plain", b"x", 415, "Content-Type text/plain is not accepted"),
        ("image", b"x", 415, "Content-Type image is not accepted"),
        ("image/png", b"", 422, "image: could not be read: the file is empty"),
        ("image/png", b"GIF89a", 422, "image: could not be read: not an image in a known format"),
        ("image/png", png(PIXELS[0])[:-40], 422, "image: .*truncated"),
        ("image/png", b"\x89PNG\r\n\x1a\n" + b"\xff" * 99, 422, "image: "),
        ("application/json", b"", 400, "the body is not valid JSON; send"),
        ("application/json", b"\xff\xfe", 400, "the body is not valid JSON"),
        ("application/json", DEEP, 400, "the body is not valid JSON"),
        ("application/json", b'{"pixels": ' + DEEP, 400, "the body is not valid JSON"),
        ("application/json", b'{"pixels": [[[NaN, 0, 0]]]}', 400, "the body is not valid JSON"),
        ("application/json", b"9" * 5000, 400, "the body is not valid JSON"),
        ("application/json", b"[]", 400, "JSON must be an object with exactly one key"),
        ("application/json", b"{}", 400, "exactly one key"),
        ("application/json", b'{"image": "", "pixels": []}', 400, "exactly one key"),
        ("application/json", b'{"img": ""}', 400, "unknown key 'img'"),
        ("application/json", b'{"image": 3}', 400, "image must be text in base64"),
        ("application/json", b'{"image": "a"}', 400, "image is not valid base64"),
        ("application/json", '{"image": "é"}'.encode(), 400, "image is not valid base64"),
        ("application/json", b'{"image": "QUFB\\n"}', 400, "image is not valid base64"),
        ("application/json", b'{"image": ""}', 422, "image: could not be read: the file is empty"),
        ("application/json", b'{"images": []}', 400, "images must be a list of at least one"),
        ("application/json", b'{"images": ["QUFB", 1]}', 400, r"images\[1\] must be text"),
        (
            "application/json",
            b'{"images": ["QUFB", ""]}',
            422,
            r"images\[0\]: could not be read: not an",
        ),
        ("application/json", b'{"pixels": []}', 400, "pixels must be equally long rows of"),
        ("application/json", b'{"pixels": [[[]]]}', 400, "pixels must be equally long rows"),
        ("application/json", b'{"pixels": 3}', 400, "pixels must be equally long rows"),
        ("application/json", b'{"pixels": "abc"}', 400, "pixels must be equally long rows"),
        ("application/json", b'{"pixels": {"a": 1}}', 400, "pixels must be equally long rows"),
        ("application/json", b'{"pixels": [[[1, 2]]]}', 400, r"got \(1, 1, 2\)"),
        ("application/json", b'{"pixels": [[[1, 2, 0.5]]]}', 400, "got 0.5"),
        ("application/json", b'{"pixels": [[[true, false, true]]]}', 400, "got true"),
        ("application/json", b'{"pixels": [[[1, 2, "3"]]]}', 400, 'got "3"'),
        ("application/json", b'{"pixels": [[[1, 2, null]]]}', 400, "got null"),
        ("application/json", b'{"pixels": [[[1, 2, true]]]}', 400, "got true"),
        ("application/json", b'{"pixels": [[[1, 2, [3]]]]}', 400, "got a list"),
        ("application/json", b'{"pixels": [[[1, 2, 1e400]]]}', 400, "got Infinity"),
        ("application/json", b'{"pixels": [[[1, 2, 256]]]}', 400, "got 1 to 256"),
        ("application/json", b'{"pixels": [[[1, 2, -1]]]}', 400, "got -1 to 2"),
        ("application/json", b'{"pixels": [[[1, 2, %s]]]}' % (b"9" * 4000), 400, "got 1 to 999"),
        ("application/json", b'{"pixels": [[[1, 2, 3]], []]}', 400, "must be equally long rows"),
        ("multipart/form-data", b"x", 400, "has no boundary"),
        ("multipart/form-data; boundary=", b"x", 400, "has no boundary"),
        ("multipart/form-data; boundary=b", b"", 400, "breaks off"),
        ("multipart/form-data; boundary=b", b"garbage", 400, "not a valid multipart form"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b", 400, "form"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", 400, "form"),
    ],
)
def test_what_cannot_be_read_is_one_message(kind, body, status, said):
    with pytest.raises(Rejected, match=said) as rejected:
        read(kind, body)
    assert rejected.value.status == status
    assert len(rejected.value.message) < 500


def test_texts_take_no_more_memory_than_they_need():
    # As an array of texts, these would take 4 MB for each of the 10,000.
    body = json.dumps({"pixels": ["x" * 1_000_000, *["x"] * 9_999]}).encode()
    tracemalloc.start()
    with pytest.raises(Rejected, match=r"got \(10000,\)"):
        read("application/json", body)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20e6


def test_pictures_in_motion_and_huge_ones_are_refused():
    """A file of a few kilobytes states 108 megapixels; they are not decoded."""
    moving, huge = io.BytesIO(), io.BytesIO()
    first, second = (Image.fromarray(each) for each in PIXELS[:2])
    first.save(moving, "gif", save_all=True, append_images=[second])
    Image.new("1", (90_000, 1_200)).save(huge, "png")
    assert len(huge.getvalue()) < 100_000
    for content, said in ((moving, "is animated"), (huge, "pixels")):
        with pytest.raises(Rejected, match=f"image: .*{said}") as rejected:
            read("image/png", content.getvalue())
        assert rejected.value.status == 422


def test_a_form_must_be_whole_and_have_an_image():
    kind, body = form(("image", png(PIXELS[0])))
    with pytest.raises(Rejected, match="breaks off before its last boundary"):
        read(kind, body[: len(body) // 2])
    with pytest.raises(Rejected, match="the form has no file in a field 'image'"):
        read(*form(("picture", png(PIXELS[0]))))


def test_images_beyond_the_most_are_too_many():
    kind, body = form(*(("image", png(each)) for each in PIXELS))
    with pytest.raises(Rejected, match="3 images are too many: send at most 2") as rejected:
        read(kind, body, most=2)
    assert rejected.value.status == 413
    assert len(read(kind, body, most=3)) == 3


def test_every_wrong_image_is_named_up_to_a_handful():
    with pytest.raises(Rejected) as rejected:
        as_json({"images": [text(b"x")] * 4 + [text(png(PIXELS[0]))] + [text(b"")] * 4})
    message = rejected.value.message
    assert message.count("not an image in a known format") == 4
    assert message.endswith("images[5]: could not be read: the file is empty; and 3 more")


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_never_raise_anything_else(seed):
    """Truncated, flipped and random: whole pixels, or a message."""
    rng = np.random.default_rng(seed)
    whole = [
        ("image/png", png(PIXELS[0])),
        ("image/jpeg", png(PIXELS[0], "jpeg")),
        ("image/gif", png(PIXELS[0], "gif")),
        ("image/tiff", png(PIXELS[0], "tiff")),
        ("application/json", json.dumps({"pixels": PIXELS[0].tolist()}).encode()),
        ("application/json", json.dumps({"images": [text(png(PIXELS[0]))]}).encode()),
        form(("image", png(PIXELS[0]))),
    ]
    for kind, body in whole:
        flipped = bytearray(body)
        for place in rng.integers(0, len(body), 5):
            flipped[place] ^= int(rng.integers(1, 256))
        for hostile in (flipped, body[: rng.integers(0, len(body))], rng.bytes(200)):
            with contextlib.suppress(Rejected):
                assert read(kind, bytes(hostile)).shape == (1, 32, 32, 3)
