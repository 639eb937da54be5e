from __future__ import annotations

import importlib
import sys

import pytest

from cifar_lab.own_code import (
    OwnCode,
    as_plain,
    beside,
    from_plain,
    inside_a_run,
    permitted,
)


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_a_module_is_found_beside_the_folder_of_options_and_in_it(tmp_path):
    conf = tmp_path / "conf"
    (conf / "package" / "deep").mkdir(parents=True)
    for path in ("net.py", "conf/inner.py", "conf/package/__init__.py", "conf/package/deep/a.py"):
        (tmp_path / path).write_text("")
    own = beside(str(conf), None)
    assert own.file_of("net") == tmp_path / "net.py"
    assert own.file_of("inner") == conf / "inner.py"
    assert own.file_of("package") == conf / "package" / "__init__.py"
    assert own.file_of("package.deep.a") == conf / "package" / "deep" / "a.py"
    for name in ("nothing", "package.deep", "", "..net", "net.x", "/net", "package.__init__"):
        assert own.file_of(name) is None
    assert OwnCode(own.folders, frozenset({"net"})).file_of("inner") is None


@pytest.mark.parametrize("name", ["torch", "json", "cifar_lab", "os", "__main__"])
def test_no_file_stands_for_what_the_program_itself_imports(name, tmp_path):
    (tmp_path / f"{name}.py").write_text("")
    assert beside(None, tmp_path).file_of(name) is None


@pytest.mark.parametrize("mark", ["status.json", "provenance.json", "bundle.json", None])
def test_nothing_is_found_inside_a_run_or_below_outputs(mark, tmp_path):
    run = tmp_path / ("outputs" if mark is None else "run")
    inside = run / "a" / "conf"
    inside.mkdir(parents=True)
    if mark is not None:
        (run / mark).write_text("")
    (inside / "net.py").write_text("")
    (tmp_path / "link").symlink_to(inside)
    for place in (inside, tmp_path / "link"):
        assert inside_a_run(place)
        own = beside(str(place), None)
        assert own.file_of("net") is None
        assert "--trust" in own.instead
        assert beside(str(place), None, trusted=True).file_of("net") is not None
    assert not inside_a_run(tmp_path)


def test_a_started_process_is_told_the_same(tmp_path):
    codes = [OwnCode((tmp_path,)), OwnCode((tmp_path, tmp_path / "x"), frozenset({"b", "a"}))]
    codes.append(OwnCode((tmp_path,), frozenset({"a"}), copied=True))
    assert from_plain(as_plain(codes)) == codes


def test_folders_come_last_on_the_path_so_that_no_library_is_replaced(tmp_path):
    before = list(sys.path)
    beside(None, tmp_path).make_importable()
    beside(None, tmp_path).make_importable()
    assert sys.path == [*before, str(tmp_path)]


def test_copies_come_first_and_are_forgotten_with_the_next_files(tmp_path):
    files, copies = tmp_path / "files", tmp_path / "copies"
    for folder in (files, copies):
        folder.mkdir()
        (folder / "own_mod_8.py").write_text(f"WHERE = {folder.name!r}\n")
    before = list(sys.path)
    for folder, copied in ((files, False), (copies, True), (files, False)):
        OwnCode((folder,), copied=copied).make_importable()
        importlib.invalidate_caches()
        assert folder.name == importlib.import_module("own_mod_8").WHERE
        assert sys.path[0] == (str(copies) if copied else before[0])
    assert permitted() == [OwnCode((files,))]
    del sys.modules["own_mod_8"]


def test_a_copy_does_not_stand_for_a_library(tmp_path):
    (tmp_path / "yaml.py").write_text("")
    own = OwnCode((tmp_path,), frozenset({"yaml"}), copied=True)
    assert "'yaml' is already" in str(own.shadowed_by("yaml"))


def test_a_name_that_python_finds_elsewhere_is_told(tmp_path):
    for name in ("yaml", "own_mod_7"):
        (tmp_path / f"{name}.py").write_text("")
    own = beside(None, tmp_path)
    own.make_importable()
    assert own.shadowed_by("own_mod_7") is None
    assert "'yaml' is already" in str(own.shadowed_by("yaml"))
