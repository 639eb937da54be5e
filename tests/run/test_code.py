"""What is recorded and copied of a user's own Python files."""

from __future__ import annotations

import hashlib
import importlib
import sys

import pytest

from cifar_lab.own_code import OwnCode
from cifar_lab.run import code as module
from cifar_lab.run.code import Module, OwnModules, used
from tests.conftest import logged

CONFIG = {"model": {"_target_": "recorded_net.Net"}}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A package with a module, and a file that imports it; imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "recorded_parts").mkdir()
    (tmp_path / "recorded_parts" / "__init__.py").write_text("")
    (tmp_path / "recorded_parts" / "head.py").write_text("WIDTH = 1\n")
    (tmp_path / "recorded_net.py").write_text("import recorded_parts.head\nclass Net: ...\n")
    own = OwnCode((tmp_path,), frozenset({"recorded_net"}))
    own.make_importable()
    importlib.invalidate_caches()
    importlib.import_module("recorded_net")
    yield own
    for name in [name for name in sys.modules if name.startswith("recorded_")]:
        del sys.modules[name]


def test_modules_and_what_they_import_are_recorded_by_their_place_in_a_package(own, tmp_path):
    """Also those that a configuration may not name."""
    found = used(None, own, CONFIG)
    files = {
        "code/recorded_net.py": tmp_path / "recorded_net.py",
        "code/recorded_parts/__init__.py": tmp_path / "recorded_parts" / "__init__.py",
        "code/recorded_parts/head.py": tmp_path / "recorded_parts" / "head.py",
    }
    assert found.copies == {copy: file.read_bytes() for copy, file in files.items()}
    assert [(each.copy, each.file, each.sha256) for each in found.code.modules] == [
        (copy, str(file), hashlib.sha256(file.read_bytes()).hexdigest())
        for copy, file in files.items()
    ]
    assert [each.name for each in OwnModules.of(found.code).modules] == [
        "recorded_net", "recorded_parts", "recorded_parts.head",
    ]  # fmt: skip


def test_a_file_that_changes_after_it_was_imported_is_recorded_as_what_runs(own, tmp_path, caplog):
    before = used(None, own, CONFIG)
    (tmp_path / "recorded_net.py").write_text("class Net:\n    changed = True\n")
    with logged(caplog):
        assert used(None, own, CONFIG) == before
    assert "recorded_net.py has changed since it was imported" in caplog.text


def test_a_large_file_is_recorded_by_its_hash_only(own, monkeypatch, caplog):
    monkeypatch.setattr(module, "LARGEST_BYTES", 12)
    with logged(caplog):
        found = used(None, own, CONFIG)
    assert "code/recorded_net.py" not in found.copies
    assert len(found.copies) == 2
    assert len(found.code.modules) == 3
    assert caplog.text.count("recorded by SHA-256 only") == 1


def test_very_many_files_are_recorded_by_their_hashes_only(own, monkeypatch, caplog):
    monkeypatch.setattr(module, "MOST_FILES", 2)
    with logged(caplog):
        found = used(None, own, CONFIG)
    assert found.copies == {}
    assert len(found.code.modules) == 3
    assert caplog.text.count("at most 2 are copied into a run") == 1


def test_without_modules_of_ones_own_there_is_nothing_to_describe(own, tmp_path):
    assert used(None, own, {"model": {"_target_": "cifar_lab.models.ResNet18"}}) is None
    found = used(str(tmp_path), own, {})
    assert found.code.config_dir == str(tmp_path)
    assert OwnModules.of(found.code) is None
    assert OwnModules.of(None) is None


def test_a_copy_lies_where_its_module_would():
    assert Module("a.b", "/x/a/b.py", "").copy == "code/a/b.py"
    assert Module("a.b", "/x/a/b/__init__.py", "").copy == "code/a/b/__init__.py"
