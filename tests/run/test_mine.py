from __future__ import annotations

import logging

import pytest

from cifar_lab.run.mine import is_mine, remember, state_folder


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_run_is_known_by_its_id_and_by_what_it_says():
    assert not is_mine("a" * 32, "here")
    remember("a" * 32, "here")
    remember("b" * 32, "there")
    assert is_mine("a" * 32, "here")
    assert is_mine("b" * 32, "there")
    assert not is_mine("a" * 32, "there")
    assert not is_mine("a" * 32, "here ")
    assert not is_mine("a" * 31, "here")


def test_the_list_is_private_and_is_not_believed_otherwise():
    remember("a" * 32, "here")
    path = state_folder() / "runs"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for mode in (0o644, 0o620, 0o602):
        path.chmod(mode)
        assert not is_mine("a" * 32, "here")
    remember("b" * 32, "here")  # made private again
    assert is_mine("b" * 32, "here")


def test_a_link_is_not_written_through(tmp_path, caplog):
    state_folder().mkdir(parents=True)
    target = tmp_path / "target"
    (state_folder() / "runs").symlink_to(target)
    with caplog.at_level(logging.WARNING, "cifar_lab"):
        remember("a" * 32, "here")
    assert not target.exists()
    assert "could not be entered in" in caplog.text


def test_the_folder_is_that_of_the_user(monkeypatch, tmp_path):
    assert state_folder() == tmp_path / "cifar-lab"
    for value in ("", "relative"):  # a relative one counts as not set
        monkeypatch.setenv("XDG_STATE_HOME", value)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert state_folder() == tmp_path / "home" / ".local" / "state" / "cifar-lab"
