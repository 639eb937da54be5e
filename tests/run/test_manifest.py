"""Tests that the manifest describes the files of a run."""

from __future__ import annotations

import hashlib

from cifar_lab.run.manifest import entry


def test_an_entry_has_size_and_hash_of_the_content():
    assert vars(entry(b"abc")) == {"size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
