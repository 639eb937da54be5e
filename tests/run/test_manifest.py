"""Tests that the manifest describes the files of a run, and vouches for itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.manifest import Manifest, entry, read_manifest, write_manifest

MANIFEST = Manifest.of("0123456789abcdef" * 2, {"figures/a.png": entry(b"abc")})


@pytest.fixture
def path(tmp_path) -> Path:
    write_manifest(tmp_path / "manifest.json", MANIFEST)
    return tmp_path / "manifest.json"


def test_an_entry_has_size_and_hash_of_the_content():
    assert vars(entry(b"abc")) == {"size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}


def test_the_checksum_is_the_hash_of_the_file_with_an_empty_checksum(path):
    said = json.loads(path.read_text())["checksum"]
    assert said == hashlib.sha256(path.read_bytes().replace(said.encode(), b"")).hexdigest()
    found = read_manifest(path)
    assert (found.id, found.files, found.pending) == (MANIFEST.id, MANIFEST.files, {})


def test_a_flipped_bit_of_any_byte_is_damage_of_the_manifest(path):
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8  # of all bits would take ten times as long
        path.write_bytes(flipped)
        with pytest.raises(Refusal, match=f"^{path}"):
            read_manifest(path)


def test_a_shorter_manifest_is_refused(path):
    whole = path.read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(Refusal, match=f"^{path}"):
            read_manifest(path)


def test_a_manifest_without_a_checksum_must_be_older(path):
    fields = json.loads(path.read_text())
    del fields["checksum"]
    path.write_text(json.dumps({**fields, "format": 3}))
    assert read_manifest(path) == MANIFEST
    path.write_text(json.dumps(fields))
    with pytest.raises(Refusal, match=f"^{path}: checksum: is missing; restore a copy"):
        read_manifest(path)
