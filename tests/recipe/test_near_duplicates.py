"""What is kept of a search, and when it is used again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.data.arrays import ImageArrays, SourceImages
from cifar_lab.recipe import near_duplicates as module
from cifar_lab.recipe.near_duplicates import kept_near_duplicates
from tests.data.test_near_duplicates import PLANTED, arrays, noisy, pictures


def source(**changes: ImageArrays) -> SourceImages:
    train = pictures()
    splits = {"train": arrays(train), "test": arrays(noisy(train[PLANTED])[None])}
    return SourceImages.of(**(splits | changes))


@pytest.fixture
def searched(monkeypatch, tmp_path) -> list[int]:
    """Number of images of each search; nothing is kept yet, and even few images are."""
    calls: list[int] = []
    original = module.near_duplicates

    def observed(splits):
        calls.append(sum(map(len, splits)))
        return original(splits)

    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "SMALL", 10)
    monkeypatch.setattr(module, "near_duplicates", observed)
    return calls


def same(first, second) -> bool:
    return first.reason == second.reason and all(
        np.array_equal(getattr(first, name), getattr(second, name))
        and getattr(first, name).dtype == getattr(second, name).dtype
        for name in ("pairs", "alike", "mirrored")
    )


def test_a_data_set_is_searched_once(searched):
    first, again = kept_near_duplicates(source()), kept_near_duplicates(source())
    assert searched == [61]
    assert first.pairs.tolist() == [[PLANTED, 60]]
    assert same(first, again)


def test_why_none_were_looked_for_is_kept_as_well(searched, monkeypatch):
    monkeypatch.setattr(module.search, "MOST_CANDIDATES", 0)
    first, again = kept_near_duplicates(source()), kept_near_duplicates(source())
    assert len(searched) == 1
    assert first.reason.startswith("more than 0 pairs")
    assert same(first, again)


@pytest.mark.parametrize("change", ["images", "sizes", "threshold", "version"])
def test_other_images_or_settings_are_searched_again(searched, monkeypatch, change):
    kept_near_duplicates(source())
    changed = source()
    if change == "images":
        changed = source(test=arrays(pictures(2, seed=9)))
    elif change == "sizes":
        tall = replace(arrays(pictures()), file_sizes=np.full((60, 2), 50, np.int32))
        changed = source(train=tall)
    elif change == "threshold":
        monkeypatch.setattr(module.search, "ALIKE", 0.9)
    else:
        monkeypatch.setattr(module, "VERSION", 99)
    kept_near_duplicates(changed)
    assert len(searched) == 2


@pytest.mark.parametrize("damage", [b"", b"not a zip file", "cut", "other"])
def test_a_damaged_file_is_replaced(searched, tmp_path, damage):
    first = kept_near_duplicates(source())
    [file] = (tmp_path / "cache" / "near_duplicates").iterdir()
    content = file.read_bytes()
    if damage == "other":
        damage = module.packed({**vars(first), "pairs": first.pairs + 1, "reason": np.asarray("")})
    file.write_bytes(content[:-40] if damage == "cut" else damage)
    assert same(kept_near_duplicates(source()), first)
    assert len(searched) == 2
    assert same(kept_near_duplicates(source()), first)
    assert len(searched) == 2


def test_without_a_place_to_keep_it_the_result_is_the_same(searched, tmp_path):
    (tmp_path / "cache").write_text("a file, where a folder should be")
    assert same(kept_near_duplicates(source()), kept_near_duplicates(source()))
    assert len(searched) == 2


def test_of_few_images_nothing_is_kept(searched, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SMALL", 61)
    assert kept_near_duplicates(source()).pairs.tolist() == [[PLANTED, 60]]
    assert not (tmp_path / "cache").exists()
