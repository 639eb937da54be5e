"""Files of hooks: entered in the manifest, by plain names only."""

from __future__ import annotations

import pytest

from cifar_lab.hooks.columns import Unfit
from cifar_lab.hooks.files import HookFiles
from cifar_lab.refusal import Refusal
from cifar_lab.run.claim import claim
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.manifest import entry
from cifar_lab.run.store import Store


@pytest.fixture
def store(tmp_path) -> Store:
    folder = RunFolder(tmp_path / "run")
    claim(folder, {})
    return Store(folder)


def test_a_file_is_written_replaced_entered_and_read(store):
    files = HookFiles(store, "mine")
    assert files.read("a.txt") is None
    files.write("a.txt", "ä")
    files.write("b.bin", b"\0\1")
    files.write("a.txt", "new")
    assert HookFiles(Store(store.folder), "mine").read("a.txt") == b"new"
    assert Store(store.folder).manifest.files["hooks/mine/a.txt"] == entry(b"new")
    assert files.described() == f"hooks.mine: 2 files, 5 bytes, in {store.folder.path}/hooks/mine"
    assert HookFiles(store, "other").described() is None


def test_a_file_that_was_changed_since_is_refused(store):
    files = HookFiles(store, "mine")
    files.write("a.txt", "as written")
    store.folder.hook_file("mine", "a.txt").write_text("otherwise")
    with pytest.raises(Refusal, match="its SHA-256 is not the one in"):
        files.read("a.txt")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../summary.json", "a/b", "/etc/x", ".hidden", "a\n", "x" * 101, 3]
)
def test_a_name_that_leads_elsewhere_is_refused(store, name):
    before = store.manifest
    with pytest.raises(Unfit, match="a file must have a name of at most 100 letters"):
        HookFiles(store, "mine").write(name, "x")
    assert store.manifest == before
    assert not (store.folder.path / "hooks").exists()


def test_content_of_another_kind_is_refused(store):
    with pytest.raises(Unfit, match=r"^a.json must be given as text or bytes, got dict$"):
        HookFiles(store, "mine").write("a.json", {})


def test_a_run_that_was_moved_gets_no_new_folder(store):
    store.folder.path.rename(store.folder.path.with_name("moved"))
    with pytest.raises(FileNotFoundError):
        HookFiles(store, "mine").write("a.txt", "x")
    assert not store.folder.path.exists()
