"""What a bundle holds is read strictly; whatever was changed, or leads elsewhere, is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cifar_lab.deploy.bundle import is_bundle, manifest_text, read_bundle
from cifar_lab.refusal import Refusal
from tests.deploy.bundles import DESCRIBED, a_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_bundle(tmp_path / "bundle")


def rewritten(folder: Path, name: str, content: bytes) -> None:
    """Change a file and the manifest, as whoever means harm would."""
    (folder / name).write_bytes(content)
    names = json.loads((folder / "manifest.json").read_text())["sha256"]
    contents = {each: (folder / each).read_bytes() for each in names}
    (folder / "manifest.json").write_text(manifest_text(contents))


def test_it_is_read_as_it_was_written(folder):
    assert is_bundle(folder)
    assert read_bundle(folder).description == DESCRIBED


def test_every_changed_and_missing_file_is_named(folder):
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    (folder / "bundle.json").write_text((folder / "bundle.json").read_text() + " ")
    with pytest.raises(Refusal) as refused:
        read_bundle(folder)
    assert len(refused.value.problems) == 2
    for name in ("model.safetensors", "bundle.json"):
        assert f"{name} is not what manifest.json says: its SHA-256 differs" in str(refused.value)
    (folder / "model.safetensors").unlink()
    with pytest.raises(Refusal, match=r"model\.safetensors is missing; export it again"):
        read_bundle(folder)


def test_nothing_outside_of_the_folder_is_read(folder):
    (folder.parent / "secret").write_bytes(b"secret")
    content = manifest_text(
        {
            "../secret": b"secret",
            **{n: (folder / n).read_bytes() for n in ("bundle.json", "model.safetensors")},
        }
    )
    (folder / "manifest.json").write_text(content)
    with pytest.raises(Refusal, match=r"\.\./secret is not a file of the bundle"):
        read_bundle(folder)


def test_a_link_is_not_followed(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "elsewhere")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refusal, match=r"model\.safetensors is not a plain file"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "has format 99, and this version of cifar-lab reads 1"),
        ({"parameters": "many"}, "parameters must be a valid integer"),
        ({"usage": {}}, "usage.class_names "),
        ({"layers": "layer"}, "layers must be a valid array"),
        ({"parameters": 12.0}, "parameters must be a valid integer"),
    ],
)
def test_a_description_of_another_structure_is_refused(folder, change, said):
    fields = json.loads((folder / "bundle.json").read_text())
    rewritten(folder, "bundle.json", json.dumps({**fields, **change}).encode())
    with pytest.raises(Refusal, match=said):
        read_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"{}"])
def test_a_description_that_is_none_is_refused(folder, content):
    rewritten(folder, "bundle.json", content)
    with pytest.raises(Refusal, match="is not a bundle's description"):
        read_bundle(folder)


@pytest.mark.parametrize("content", ["", "[]", '{"sha256": 3}', "[" * 100_000, '{"format": 1}'])
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(Refusal, match="is not a manifest; export it again"):
        read_bundle(folder)


def test_another_folder_is_not_a_bundle(tmp_path):
    assert not is_bundle(tmp_path)
    with pytest.raises(Refusal, match=r"is not a bundle: it has no bundle\.json"):
        read_bundle(tmp_path)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    folder = a_bundle(tmp_path / "bundle", {"examples/0.png": b"image"})
    (folder / "examples").rename(tmp_path / "elsewhere")
    (folder / "examples").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refusal, match=r"examples/0\.png is not a plain file"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "a\nb", "\x1b[2J"])
def test_a_name_that_no_file_has_is_refused_as_text(folder, name):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][name] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Refusal, match="is not a file of the bundle") as refused:
        read_bundle(folder)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["./more.txt", "folder//more.txt", "folder/./more.txt"])
def test_a_file_has_one_name(tmp_path, name):
    with pytest.raises(Refusal, match=r"more\.txt is not a file of the bundle"):
        read_bundle(a_bundle(tmp_path / "bundle", {name: b""}))


@pytest.mark.parametrize("name", ["bundle.json", "manifest.json", "more.txt"])
def test_only_the_weights_may_be_huge(tmp_path, name):
    folder = a_bundle(tmp_path / "bundle", {"more.txt": b""})
    with (folder / name).open("r+b") as file:
        file.truncate(65 * 2**20)  # takes no space
    most = "67,108,864" if name == "more.txt" else "8,388,608"
    with pytest.raises(Refusal, match=f"has 68,157,440 bytes, and at most {most} are read"):
        read_bundle(folder)


def test_weights_beyond_any_network_are_not_even_hashed(folder):
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(Refusal, match="has 1,099,511,627,776 bytes, and at most 8,589,934,592"):
        read_bundle(folder)


SHOWN = {"file": "examples/0.png", "sample_id": "0", "label": 0, "predicted": 1}


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("usage", {"class_names": ["ant", "bee"]}, "there are 2 class names for 3 classes"),
        ("usage", {"class_names": ["ant", "bee", "ant"]}, "names a class twice"),
        ("usage", {"image_size": [32, 1025]}, "image_size must be at most 1024"),
        ("usage", {"batch_size": 65_537}, "batch_size must be at most 65,536"),
        ("usage", {"energy_limit": float("nan")}, "energy_limit must be finite"),
        ("test", {"loss": float("inf")}, "losses and usage.energy_limit must be finite"),
        (
            "architecture",
            {"arguments": {"num_classes": 3, "image_size": [64, 64]}},
            "image_size is not that of the architecture",
        ),
        (
            "architecture",
            {"name": "mine.Net", "own": True},
            r"architecture mine\.Net is in no Python file of the bundle",
        ),
        (
            "",
            {"examples": [{**SHOWN, "file": f"examples/{n}.png"} for n in range(100_000)]},
            "its images have more than 100,000,000 pixels together",
        ),
        ("usage", {"mean": [0.0, 0.0, float("nan")]}, "usage.mean must be finite"),
        ("usage", {"std": [0.0, 1.0, 1.0]}, "usage.std must be finite and positive"),
        ("", {"evaluated": "train"}, "evaluated must be test or validation"),
        ("", {"examples": [{**SHOWN, "predicted": 3}]}, "of a class that has no name"),
        ("", {"examples": [SHOWN], "misclassified": [SHOWN]}, "named for two images"),
    ],
)
def test_values_that_contradict_each_other_are_refused(folder, part, change, said):
    fields = json.loads((folder / "bundle.json").read_text())
    (fields[part] if part else fields).update(change)
    rewritten(folder, "bundle.json", json.dumps(fields).encode())
    with pytest.raises(Refusal, match=said):
        read_bundle(folder)
