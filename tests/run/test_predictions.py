"""Tests that predictions.npz reads back exactly, without pickle, also from older versions."""

from __future__ import annotations

import io

import numpy as np
import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.predictions import (
    Predictions,
    SplitPredictions,
    packed_predictions,
    read_images,
    read_predictions,
)


def made(seed: int, images: int) -> SplitPredictions:
    generator = np.random.default_rng(seed)
    ids = np.asarray([f"test/ant/größe-{n}.png" for n in range(images)])
    logits = generator.normal(size=(images, 2)).astype(np.float32)
    return SplitPredictions(logits, generator.integers(0, 2, images), ids)


@pytest.mark.parametrize(
    "written",
    [
        Predictions(made(0, 3), None),
        Predictions(made(0, 3), made(1, 2)),
        Predictions(None, made(1, 2)),
    ],
    ids=["test alone", "both splits", "validation alone"],
)
def test_predictions_read_back_exactly(tmp_path, written):
    (tmp_path / "predictions.npz").write_bytes(packed_predictions(written))
    again = read_predictions(tmp_path / "predictions.npz")
    assert (again.test is None) == (written.test is None)
    assert (again.validation is None) == (written.validation is None)
    for one, other in ((written.test, again.test), (written.validation, again.validation)):
        for name, array in {} if one is None else vars(one).items():
            np.testing.assert_array_equal(getattr(other, name), array)
            assert getattr(other, name).dtype == array.dtype


def test_the_arrays_of_the_test_images_have_no_prefix():
    content = packed_predictions(Predictions(made(0, 3), made(1, 2)))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert {name: len(file[name]) for name in file.files} == {
            "logits": 3, "labels": 3, "sample_ids": 3,
            "validation_logits": 2, "validation_labels": 2, "validation_sample_ids": 2,
        }  # fmt: skip


def test_the_images_of_a_split_are_read_without_its_logits(tmp_path):
    path = tmp_path / "predictions.npz"
    path.write_bytes(packed_predictions(Predictions(None, made(1, 2))))
    assert read_images(path, "test") is None
    labels, ids = read_images(path, "validation") or ((), ())
    np.testing.assert_array_equal(labels, made(1, 2).labels)
    np.testing.assert_array_equal(ids, made(1, 2).sample_ids)


def test_labels_without_their_sample_ids_are_refused(tmp_path):
    np.savez_compressed(tmp_path / "predictions.npz", labels=made(0, 3).labels)
    with pytest.raises(Refusal, match="it has no array sample_ids"):
        read_images(tmp_path / "predictions.npz", "test")


def test_an_older_file_has_the_test_images_only(tmp_path):
    np.savez_compressed(tmp_path / "predictions.npz", **vars(made(0, 3)))
    found = read_predictions(tmp_path / "predictions.npz")
    np.testing.assert_array_equal(found.test.logits, made(0, 3).logits)
    assert found.validation is None


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04"])
def test_a_file_without_predictions_is_refused_by_its_name(tmp_path, content):
    file = tmp_path / "predictions.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refusal, match=f"{file} could not be read: "):
        read_predictions(file)
    np.savez_compressed(file, logits=np.zeros((1, 2)))
    with pytest.raises(Refusal, match=f"{file} could not be read: it has no array labels"):
        read_predictions(file)
