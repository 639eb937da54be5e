"""From the body of a request to the pixels of its images."""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import FormParser, parse_options_header

from cifar_lab.data.picture import fitted, read_picture
from cifar_lab.deploy.server.rejected import Rejected
from cifar_lab.wording import shortened

#: The field of a form, and the key of JSON, that hold images.
FIELD = "image"
#: What is accepted, for messages.
ACCEPTED = (
    "send an image (Content-Type: image/png or another image type), a form with files in the "
    f"field '{FIELD}' (multipart/form-data), or JSON (application/json)"
)
#: What JSON may hold, for messages.
JSON_ACCEPTED = (
    'send {"image": "<base64>"}, {"images": ["<base64>", …]} or {"pixels": [[[r, g, b], …], …]}'
)
#: Most problems that a message lists.
MOST_LISTED = 5

#: An encoded image, or pixels of any type and shape.
Sent = bytes | NDArray[Any]


def pixels_in(
    content_type: str, body: bytes, size: tuple[int, int], most: int
) -> NDArray[np.uint8]:
    """Decode the images of a request and resize them.

    Args:
        content_type: as the header states it.
        body: of the request.
        size: height and width of the result.
        most: images in a request.

    Returns:
        uint8 ``(n, height, width, 3)``.

    Raises:
        Rejected: with every image that could not be read; or there are none or too many.
    """
    sent = _images(content_type, body)
    if len(sent) > most:
        raise Rejected(413, f"{len(sent)} images are too many: send at most {most} in a request")
    found, problems = [], []
    for name, image in sent.items():
        decoded = _decoded(image, size)
        if isinstance(decoded, str):
            problems.append(f"{name}: {decoded}")
        else:
            found.append(decoded)
    if problems:
        more = len(problems) - MOST_LISTED
        listed = problems[:MOST_LISTED] + ([f"and {more} more"] if more > 0 else [])
        raise Rejected(422, "; ".join(listed))
    return np.stack(found)


def _images(content_type: str, body: bytes) -> dict[str, Sent]:
    """Return the images of a request by the names that messages give them."""
    kind, options = parse_options_header(content_type)
    if kind.startswith(b"image/"):
        return {FIELD: body}
    if kind == b"multipart/form-data":
        return _of_form(options.get(b"boundary"), body)
    if kind == b"application/json":
        return _of_json(body)
    came = f"Content-Type {shortened(content_type)}" if content_type else "no Content-Type"
    raise Rejected(415, f"{came} is not accepted: {ACCEPTED}")


def _of_form(boundary: bytes | None, body: bytes) -> dict[str, Sent]:
    """Return the files of a form; fields of other names are not looked at."""
    if not boundary:
        raise Rejected(400, "multipart/form-data has no boundary in its Content-Type")
    files: list[bytes] = []
    ended: list[bool] = []

    def keep(file: Any) -> None:
        if file.field_name == FIELD.encode():
            file.file_object.seek(0)
            files.append(file.file_object.read())
        file.close()

    # Nothing is written to the disk; the body is in memory already.
    in_memory = {"MAX_MEMORY_FILE_SIZE": math.inf}
    form = "multipart/form-data"
    try:
        parser = FormParser(
            form, lambda _: None, keep, lambda: ended.append(True), boundary, config=in_memory
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise Rejected(400, "the body is not a valid multipart form") from error
    if not ended:
        raise Rejected(400, "the form breaks off before its last boundary")
    if not files:
        raise Rejected(400, f"the form has no file in a field '{FIELD}'; {ACCEPTED}")
    return _numbered(FIELD, files)


def _of_json(body: bytes) -> dict[str, Sent]:
    try:
        sent = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Rejected(400, f"the body is not valid JSON; {JSON_ACCEPTED}") from error
    if not isinstance(sent, dict) or len(sent) != 1:
        raise Rejected(400, f"JSON must be an object with exactly one key: {JSON_ACCEPTED}")
    key, value = next(iter(sent.items()))
    if key == "pixels":
        return _of_pixels(value)
    if key == "image":
        return {"image": _of_base64("image", value)}
    if key == "images":
        if not isinstance(value, list) or not value:
            raise Rejected(400, f"images must be a list of at least one image: {JSON_ACCEPTED}")
        return {f"images[{n}]": _of_base64(f"images[{n}]", each) for n, each in enumerate(value)}
    raise Rejected(400, f"JSON has the unknown key {shortened(repr(key))}: {JSON_ACCEPTED}")


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _of_base64(name: str, text: Any) -> bytes:
    if not isinstance(text, str):
        raise Rejected(400, f"{name} must be text in base64: {JSON_ACCEPTED}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected(400, f"{name} is not valid base64") from error


def _of_pixels(value: Any) -> dict[str, Sent]:
    """Convert nested lists, of one image or of several of the same size."""
    wrong = "pixels must be equally long rows of [r, g, b], each a whole number from 0 to 255"
    # As objects: of texts, NumPy would give each as much memory as the longest one needs.
    array = np.asarray(value, dtype=object)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or array.size == 0:
        raise Rejected(400, f"{wrong}: (height, width, 3), got {array.shape}")
    if set(map(type, array.flat)) != {int}:
        other = next(each for each in array.flat if type(each) is not int)
        raise Rejected(400, f"{wrong}, got {_json(other)}")
    if array.min() < 0 or array.max() > 255:
        raise Rejected(400, shortened(f"{wrong}, got {array.min()} to {array.max()}", 200))
    images = array.astype(np.uint8)
    return {"pixels": images} if array.ndim == 3 else _numbered("pixels", list(images))


def _json(value: Any) -> str:
    """Show a value as in JSON, but no list or object, which may be huge."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return shortened(json.dumps(value, ensure_ascii=False))


def _numbered(name: str, images: list[Any]) -> dict[str, Sent]:
    if len(images) == 1:
        return {name: images[0]}
    return {f"{name}[{number}]": image for number, image in enumerate(images)}


def _decoded(image: Sent, size: tuple[int, int]) -> NDArray[np.uint8] | str:
    """Return uint8 ``(height, width, 3)``, or the reason why it is not an image."""
    from PIL import Image

    picture = read_picture(image) if isinstance(image, bytes) else Image.fromarray(image)
    return fitted(picture, size)
