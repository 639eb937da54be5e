"""The folder of an exported network: its files, and that they are what they were.

The hashes tell damage and careless changes. They are no signature: whoever rewrites a bundle can
rewrite them as well. What keeps a stranger's bundle harmless is that nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cifar_lab.deploy.description import FORMAT, Description, contradictions
from cifar_lab.refusal import Refusal, in_our_words
from cifar_lab.wording import shortened

#: Names of its files.
DESCRIPTION, WEIGHTS, MANIFEST, CARD = (
    "bundle.json",
    "model.safetensors",
    "manifest.json",
    "README.md",
)
#: Folders of the copies of Python files, and of images.
CODE, EXAMPLES, MISCLASSIFIED = "code", "examples", "misclassified"
#: Largest size in bytes of each file: of the weights, of JSON, which takes a multiple of it in
#: memory, and of all else.
LARGEST_WEIGHTS, LARGEST_JSON, LARGEST = 8 * 2**30, 8 * 2**20, 64 * 2**20
#: Of files that have a limit of their own.
LIMITS = {WEIGHTS: LARGEST_WEIGHTS, DESCRIPTION: LARGEST_JSON, MANIFEST: LARGEST_JSON}
#: What to do about a bundle that is not as it was.
AGAIN = "export it again, or fetch it again from where it came"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose description was read.

    Attributes:
        path: of the folder.
        description: what it holds.
        hashes: SHA-256 of each file, in hexadecimal, by path in the folder.
    """

    path: Path
    description: Description
    hashes: Mapping[str, str]

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            Refusal: the file is missing, a link, or not what the manifest says.
        """
        return _read(self.path, name, self.hashes)


def is_bundle(path: Path) -> bool:
    """Whether a folder is that of a bundle."""
    return (path / DESCRIPTION).is_file()


def read_bundle(path: Path) -> Bundle:
    """Read the description of a bundle; executes nothing.

    Raises:
        Refusal: with every file that is missing or not what the manifest says; or the description
            is of a newer version or has the wrong structure.
    """
    hashes = _manifest(path)
    problems = []
    for name in hashes:
        try:
            _check(path, name, hashes)
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(problems)
    return Bundle(path, _description(path, _read(path, DESCRIPTION, hashes)), hashes)


def description_text(description: Description) -> str:
    """Format a description as the content of bundle.json."""
    return _text({"format": FORMAT, **asdict(description)})


def manifest_text(contents: Mapping[str, bytes]) -> str:
    """Format the hashes of files, by path in the bundle, as the content of manifest.json."""
    hashes = {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}
    return _text({"format": FORMAT, "sha256": hashes})


def _manifest(path: Path) -> dict[str, str]:
    if not is_bundle(path):
        raise Refusal(
            f"{path} is not a bundle: it has no {DESCRIPTION}; `cifar-lab export` makes one"
        )
    file = _plain(path, MANIFEST)
    try:
        hashes = json.loads(file.read_bytes())["sha256"]
        names = {str(name): str(value) for name, value in hashes.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refusal(f"{file} is not a manifest; {AGAIN}") from error
    missing = {DESCRIPTION, WEIGHTS} - names.keys()
    if missing:
        raise Refusal(f"{file} does not name {' and '.join(sorted(missing))}; {AGAIN}")
    return names


def _check(path: Path, name: str, hashes: Mapping[str, str]) -> None:
    """Compare a file with its hash, without keeping its content."""
    with _listed(path, name, hashes).open("rb") as file:
        _refuse_other(path / name, hashlib.file_digest(file, "sha256").hexdigest(), hashes[name])


def _read(path: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    content = _listed(path, name, hashes).read_bytes()
    _refuse_other(path / name, hashlib.sha256(content).hexdigest(), hashes[name])
    return content


def _refuse_other(file: Path, found: str, stated: str) -> None:
    if found != stated:
        raise Refusal(f"{file} is not what {MANIFEST} says: its SHA-256 differs; {AGAIN}")


def _listed(path: Path, name: str, hashes: Mapping[str, str]) -> Path:
    """Return the path of a file that the manifest names, and that lies in the folder."""
    if not name.isprintable():  # no system has such a file, and no terminal shows it
        raise Refusal(f"{path}: {name!a} is not a file of the bundle; {AGAIN}")
    path_in_it = Path(name)
    outside = path_in_it.is_absolute() or ".." in path_in_it.parts
    # Otherwise, many names could stand for a file.
    if outside or path_in_it.as_posix() != name or name not in hashes:
        raise Refusal(f"{path}: {name} is not a file of the bundle; {AGAIN}")
    return _plain(path, name)


def _plain(path: Path, name: str) -> Path:
    """Return the path of a plain file; refuse all else, such as links, devices and huge files."""
    file = path / name
    folders = [path / folder for folder in Path(name).parents][:-1]
    try:
        status = file.lstat()
    except OSError as error:
        raise Refusal(f"{file} is missing; {AGAIN}") from error
    if not stat.S_ISREG(status.st_mode) or any(folder.is_symlink() for folder in folders):
        raise Refusal(f"{file} is not a plain file; {AGAIN}")
    most = LIMITS.get(name, LARGEST)
    if status.st_size > most:
        raise Refusal(
            f"{file} has {status.st_size:,} bytes, and at most {most:,} are read; {AGAIN}"
        )
    return file


def _description(path: Path, content: bytes) -> Description:
    file = path / DESCRIPTION
    try:
        version = TypeAdapter(_Format).validate_json(content).format
    except ValidationError as error:
        raise Refusal(f"{file} is not a bundle's description; {AGAIN}") from error
    if version != FORMAT:
        raise Refusal(
            f"{file} has format {shortened(str(version))}, and this version of cifar-lab reads "
            f"{FORMAT}; install the version that wrote it, or export it again"
        )
    try:
        found = TypeAdapter(Description).validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise Refusal(f"{file}: {key} {in_our_words(first['msg'])}; {AGAIN}") from error
    wrong = contradictions(found)
    if wrong:
        raise Refusal([f"{file}: {each}; {AGAIN}" for each in wrong])
    return found


@dataclass(frozen=True)
class _Format:
    """What is known of a description of any version."""

    format: Any


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
