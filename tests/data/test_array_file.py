"""Arrays in a file of numpy's: which are found, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from cifar_lab.data.array_file import ArrayFile
from cifar_lab.refusal import Refusal
from tests.data.sources import SPLIT

X = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
Y = np.arange(12) % 3
ARRAYS: dict[str, Any] = {"x_train": X, "y_train": Y, "x_test": X[:6], "y_test": Y[:6]}


def source(file, **changes: Any) -> ArrayFile:
    settings = {"channels": "auto", "class_names": None, "resize": None, **SPLIT, **changes}
    return ArrayFile(file=str(file), **settings)


def written(folder, **changes: Any):
    file = folder / "images.npz"
    arrays = {key: value for key, value in {**ARRAYS, **changes}.items() if value is not None}
    np.savez_compressed(file, **arrays)
    return file


def refused(file, **changes: Any) -> list[str]:
    with pytest.raises(Refusal) as refusal:
        source(file, **changes).load()
    return refusal.value.problems


@pytest.mark.parametrize("layout", ["npz", "npy files"])
def test_the_arrays_are_the_splits(tmp_path, layout):
    file = written(tmp_path)
    if layout == "npy files":
        file = tmp_path / "arrays"
        file.mkdir()
        for name, array in ARRAYS.items():
            np.save(file / f"{name}.npy", array)
    own = source(file)
    own.check()
    dataset = own.load()
    np.testing.assert_array_equal(dataset.source.train.images, X)
    np.testing.assert_array_equal(dataset.source.test.images, X[:6])
    np.testing.assert_array_equal(dataset.source.test.labels, Y[:6])
    assert dataset.class_names == ("0", "1", "2")


def test_validation_arrays_and_names_are_used(tmp_path):
    names = np.array(["ant", "bee", "cow"])
    file = written(tmp_path, x_val=X[:3], y_val=Y[:3], class_names=names)
    dataset = source(file, validation_fraction=0.5).load()
    np.testing.assert_array_equal(dataset.val_indices, [12, 13, 14])
    assert dataset.class_names == ("ant", "bee", "cow")
    assert source(file, class_names=["x", "y", "z"]).load().class_names == ("x", "y", "z")


def test_a_file_of_medmnist_is_read_as_it_is(tmp_path):
    file = tmp_path / "pathmnist.npz"
    splits = {"train": 12, "val": 6, "test": 6}
    images = {f"{split}_images": X[:n, :, :, 0] for split, n in splits.items()}
    labels = {f"{split}_labels": Y[:n, None].astype(np.uint8) for split, n in splits.items()}
    np.savez(file, **images, **labels)
    dataset = source(file).load()
    assert len(dataset.val_indices) == 6
    np.testing.assert_array_equal(dataset.source.train.images[:12, :, :, 2], X[..., 0])


def test_channels_that_may_be_either_must_be_told(tmp_path):
    narrow = X[:, :3]
    file = written(tmp_path, x_train=narrow, x_test=narrow[:6])
    problems = refused(file)
    assert len(problems) == 2
    assert problems[0].endswith(
        "x_train has shape (12, 3, 8, 3): its channels may be second or last; set "
        "dataset.channels=first or dataset.channels=last"
    )
    np.testing.assert_array_equal(source(file, channels="last").read().train.images, narrow)


def test_nothing_is_unpickled(tmp_path):
    class Hostile:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    file = written(tmp_path, class_names=np.array([Hostile()], dtype=object))
    [problem] = refused(file)
    assert "class_names could not be read: it holds Python objects" in problem
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Hostile()))
    [problem] = refused(tmp_path / "plain.npz")
    assert "is not a .npz file" in problem
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", ["missing", "npy", "damaged", "text"])
def test_what_is_not_such_a_file_is_refused_before_it_is_read(tmp_path, kind):
    file = tmp_path / ("x.npy" if kind == "npy" else "x.npz")
    if kind == "npy":
        np.save(file, X)
    elif kind == "damaged":
        file.write_bytes(written(tmp_path).read_bytes()[:200])
    elif kind == "text":
        file.write_text("no arrays")
    message = {
        "missing": r"does not exist; save it with np\.savez_compressed",
        "npy": "is a single array; name the folder",
        "damaged": r"is not a \.npz file \(File is not a zip file\)",
        "text": r"is not a \.npz file \(",
    }[kind]
    with pytest.raises(Refusal, match=rf"^dataset\.file={file}.* {message}"):
        source(file).check()


def test_lacking_arrays_are_named_with_those_that_exist(tmp_path):
    file = written(tmp_path, y_train=None, x_test=None, y_test=None, x_val=X)
    with pytest.raises(Refusal, match=r"has no y_train, y_val, x_test, y_test; its arrays are: x_"):
        source(file).check()


def test_all_mistakes_in_the_arrays_are_told_at_once(tmp_path):
    problems = refused(written(tmp_path, x_train=X / 255, y_train=np.eye(3)[Y], y_test=Y))
    assert [each.partition(": ")[2][:12] for each in problems] == [
        "x_train is f",
        "y_train is o",
        "x_test has 6",
    ]
