"""Folders in the layout of CIFAR-10-C and CIFAR-10.1, of fewer images."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from cifar_lab.data import robustness_files
from cifar_lab.data.corruptions.suite import CORRUPTIONS
from cifar_lab.data.robustness_files import CLASSES, EXTRA, official_suites
from cifar_lab.refusal import Refusal

#: Images of each severity.
EACH = 4


@pytest.fixture(autouse=True)
def _few_images(monkeypatch):
    monkeypatch.setattr(robustness_files, "IMAGES", EACH)
    monkeypatch.setattr(robustness_files, "VERSIONS", {"v4": 5, "v6": 3})


def write_cifar10_c(folder: Path, extra: tuple[str, ...] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    stream = np.random.default_rng(0)
    for name in (*CORRUPTIONS, *extra):
        images = stream.integers(0, 256, (5 * EACH, 32, 32, 3), dtype=np.uint8)
        np.save(folder / f"{name}.npy", images)
    np.save(folder / "labels.npy", np.tile(np.array([9, 0, 3, 3]), 5))
    return folder


def write_cifar10_1(folder: Path, *versions: str) -> Path:
    folder.mkdir(exist_ok=True)
    for version in versions:
        count = robustness_files.VERSIONS[version]
        pixels = np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        np.save(folder / f"cifar10.1_{version}_data.npy", pixels)
        labels = np.arange(count, dtype=np.int32)
        np.save(folder / f"cifar10.1_{version}_labels.npy", labels)
    return folder


def problems(folder: Path, names: tuple[str, ...] = CLASSES, size=(32, 32)) -> list[str]:
    with pytest.raises(Refusal) as caught:
        official_suites(folder, names, size)
    return list(caught.value.problems)


def test_the_real_files_have_the_published_sizes(monkeypatch):
    monkeypatch.undo()
    assert robustness_files.IMAGES == 10_000
    assert robustness_files.VERSIONS == {"v4": 2021, "v6": 2000}
    assert len(CORRUPTIONS) == 15


def test_cifar10_c_is_read_severity_by_severity(tmp_path):
    folder = write_cifar10_c(tmp_path / "c", EXTRA)
    (folder / "README.txt").write_text("left alone")
    (suite,) = official_suites(folder, CLASSES, (32, 32))
    assert (suite.name, suite.version, suite.seed) == ("CIFAR-10-C", None, None)
    assert len(suite.conditions) == 19 * 5
    assert {c.name for c in suite.conditions if not c.averaged} == set(EXTRA)
    fog = np.load(folder / "fog.npy")
    for severity in range(1, 6):
        (found,) = [c for c in suite.conditions if (c.name, c.severity) == ("fog", severity)]
        np.testing.assert_array_equal(found.images(), fog[EACH * (severity - 1) : EACH * severity])
        np.testing.assert_array_equal(found.labels, [9, 0, 3, 3])
    assert len(suite.files) == 20
    expected = hashlib.sha256((folder / "fog.npy").read_bytes()).hexdigest()
    assert suite.files["fog.npy"] == expected


def test_labels_are_mapped_by_the_names_of_the_classes(tmp_path):
    folder = write_cifar10_c(tmp_path / "c")
    names = tuple(f" {name.capitalize()}" for name in reversed(CLASSES))
    (suite,) = official_suites(folder, names, (32, 32))
    # truck, airplane, cat, cat
    np.testing.assert_array_equal(suite.conditions[0].labels, [0, 9, 6, 6])


def test_both_versions_of_cifar10_1_are_suites_of_their_own(tmp_path):
    folder = write_cifar10_1(tmp_path / "one", "v4", "v6")
    four, six = official_suites(folder, CLASSES, (32, 32))
    assert (four.name, six.name) == ("CIFAR-10.1 v4", "CIFAR-10.1 v6")
    (condition,) = six.conditions
    assert (condition.severity, condition.averaged) == (None, False)
    np.testing.assert_array_equal(condition.images(), np.load(folder / "cifar10.1_v6_data.npy"))
    np.testing.assert_array_equal(condition.labels, [0, 1, 2])
    assert set(four.files) == {"cifar10.1_v4_data.npy", "cifar10.1_v4_labels.npy"}


def test_an_empty_folder_is_refused_with_what_is_allowed(tmp_path):
    (only,) = problems(tmp_path)
    assert f"{tmp_path} has none of the official files" in only
    assert "labels.npy" in only
    assert "cifar10.1_v4_data.npy" in only


def test_missing_and_foreign_files_are_named_together(tmp_path):
    folder = write_cifar10_c(tmp_path / "c")
    for name in ("labels", "frost"):
        (folder / f"{name}.npy").unlink()
    np.save(folder / "sleet.npy", np.zeros(3))
    found = problems(folder)
    assert len(found) == 4
    for words in ("frost.npy does not exist", "labels.npy does not exist", "sleet.npy is not one"):
        assert any(words in problem for problem in found), words


def test_a_mixed_folder_is_refused(tmp_path):
    folder = write_cifar10_1(write_cifar10_c(tmp_path / "c"), "v6")
    assert any("mixes CIFAR-10-C and CIFAR-10.1" in problem for problem in problems(folder))


def test_all_that_does_not_fit_is_told_at_once(tmp_path):
    folder = write_cifar10_c(tmp_path / "c")
    np.save(folder / "fog.npy", np.zeros((19, 32, 32, 3), np.uint8))
    np.save(folder / "snow.npy", np.zeros((20, 32, 32, 3), np.float32))
    np.save(folder / "frost.npy", np.array([{"code": print}], dtype=object), allow_pickle=True)
    (folder / "contrast.npy").write_bytes(b"not numpy")
    np.save(folder / "labels.npy", np.full(20, 10))
    found = problems(folder, ("plane", *CLASSES[1:]), (28, 28))
    for words in (
        "it lacks airplane; plane is not among them",
        "images of 32×32 pixels, but the run was trained on 28×28",
        "fog.npy must be uint8 of shape (20, 32, 32, 3), got uint8 of shape (19, 32, 32, 3)",
        "snow.npy must be uint8 of shape (20, 32, 32, 3), got float32",
        "frost.npy could not be read",
        "contrast.npy could not be read",
        "labels.npy must have labels from 0 to 9, got 10 to 10",
    ):
        assert any(words in problem for problem in found), (words, found)
    assert len(found) == 7


@pytest.mark.parametrize("labels", [np.zeros((20, 1), int), np.zeros(20), np.zeros(19, int)])
def test_labels_are_integers_one_for_each_image(tmp_path, labels):
    folder = write_cifar10_c(tmp_path / "c")
    np.save(folder / "labels.npy", labels)
    (only,) = problems(folder)
    assert "labels.npy must be integers of shape (20,)" in only


def test_a_hundred_classes_are_refused(tmp_path):
    folder = write_cifar10_1(tmp_path / "one", "v6")
    (only,) = problems(folder, tuple(f"class {n}" for n in range(100)))
    assert "the run has 100 classes: it lacks airplane, automobile" in only
