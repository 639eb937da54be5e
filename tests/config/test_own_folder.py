"""Where a user's own options are found."""

from __future__ import annotations

from pathlib import Path

import pytest

import cifar_lab
from cifar_lab.config.own_folder import command, composer_for, found_by_itself

CHECKOUT = Path(cifar_lab.__file__).parents[1]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with ``conf/model/mine.yaml``; one stands in it."""
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "mine.yaml").write_text("_target_: mine.Net\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_conf_is_found_where_one_stands_and_its_options_are_listed(here):
    assert found_by_itself(here) == str(here / "conf")
    composer = composer_for(None)
    assert {"mine", "resnet18"} <= set(composer.options("model"))
    assert command(composer, ["train", "model=mine", "x=a b"]) == (
        f"cifar-lab train model=mine 'x=a b' --config-dir {here / 'conf'}"
    )


def test_the_given_folder_decides_alone_and_is_told_absolutely(here):
    (here / "other" / "model").mkdir(parents=True)
    composer = composer_for("other")
    assert "mine" not in composer.options("model")
    assert composer.config_dir == str(here / "other")


def test_without_options_there_is_no_folder(here):
    (here / "conf" / "model" / "mine.yaml").unlink()
    (here / "conf" / "x.yaml").write_text("")
    assert found_by_itself(here) is None
    assert command(composer_for(None), ["train"]) == "cifar-lab train"


def test_options_of_a_nested_group_count(here):
    (here / "conf" / "model").rename(here / "conf" / "elsewhere")
    assert found_by_itself(here) is None
    (here / "conf" / "hydra" / "launcher").mkdir(parents=True)
    (here / "conf" / "hydra" / "launcher" / "mine.yaml").write_text("")
    assert found_by_itself(here) is not None


def test_standing_in_a_checkout_of_the_lab_changes_nothing(here, monkeypatch):
    assert found_by_itself(CHECKOUT) is None
    monkeypatch.chdir(CHECKOUT)
    assert composer_for(None).config_dir is None
    (here / "cifar_lab").mkdir()  # another one than is installed
    (here / "cifar_lab" / "__init__.py").write_text("")
    assert found_by_itself(here) is None


def test_a_link_to_the_packaged_folder_is_the_packaged_folder(tmp_path):
    (tmp_path / "conf").symlink_to(CHECKOUT / "conf")
    assert found_by_itself(tmp_path) is None


def test_another_programs_and_what_lies_inside_a_run_are_not_used(here):
    (here / "conf" / "config.yaml").write_text("x: 1\n")
    assert found_by_itself(here) is None
    (here / "conf" / "config.yaml").unlink()
    (here / "provenance.json").write_text("{}")
    assert found_by_itself(here) is None
