"""The official files of CIFAR: nothing but arrays is unpickled."""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import replace

import numpy as np
import pytest
import torchvision

from cifar_lab.data.official import CIFAR10, CIFAR100, corrupted, missing, official_images
from cifar_lab.refusal import Refusal
from tests.data.test_cifar import official_cifar10, record, write_pickle


@pytest.mark.parametrize(
    ("files", "theirs"),
    [(CIFAR10, torchvision.datasets.CIFAR10), (CIFAR100, torchvision.datasets.CIFAR100)],
)
def test_names_sums_and_address_are_those_of_torchvision(files, theirs):
    listed = dict([*theirs.train_list, *theirs.test_list])
    listed[theirs.meta["filename"]] = theirs.meta["md5"]
    assert files.md5 == listed
    assert [*files.train] == [name for name, _ in theirs.train_list]
    assert (files.url, files.archive_md5) == (theirs.url, theirs.tgz_md5)
    assert (files.folder, files.archive) == (theirs.base_folder, theirs.filename)
    assert (files.meta, files.names_key) == (theirs.meta["filename"], theirs.meta["key"])


def test_each_missing_and_each_changed_file_is_named(tmp_path):
    root = official_cifar10(tmp_path)
    folder = root / CIFAR10.folder
    (folder / "test_batch").unlink()
    assert missing(root, CIFAR10) == [f"{folder}/test_batch does not exist"]
    assert len(corrupted(root, CIFAR10)) == 7
    sums = dict.fromkeys(CIFAR10.md5, "d41d8cd98f00b204e9800998ecf8427e")  # of nothing
    for name in CIFAR10.md5:
        (folder / name).write_bytes(b"x" if name == "data_batch_2" else b"")
    [problem] = corrupted(root, replace(CIFAR10, md5=sums))
    assert problem.startswith(f"{folder}/data_batch_2 is corrupted: its MD5 sum is 9dd4e461268c803")


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("place", ["data_batch_4", "test_batch", "batches.meta"])
@pytest.mark.parametrize(
    ("function", "name"),
    [(os.system, "posix.system"), (eval, "builtins.eval"), (np.load, "numpy.load")],
)
def test_a_pickle_that_names_a_function_is_refused_and_nothing_is_executed(
    tmp_path, place, function, name
):
    root = official_cifar10(tmp_path / "official")
    sentinel = tmp_path / "executed"
    text = {
        os.system: f"touch {sentinel}",
        eval: f"open({str(sentinel)!r}, 'w')",
        np.load: str(sentinel),
    }[function]
    path = root / CIFAR10.folder / place
    path.write_bytes(pickle.dumps({"data": Hostile(function, text)}))
    with pytest.raises(Refusal, match=rf"{path} could not be read: it names {name}, which no"):
        official_images(root, CIFAR10)
    assert not sentinel.exists()


def test_files_as_python_2_wrote_them_are_read(tmp_path):
    root, rows = official_cifar10(tmp_path), record(3)
    (root / CIFAR10.folder / "test_batch").write_bytes(python_2_batch(rows, [4, 5]))
    _, test = official_images(root, CIFAR10)
    assert test.labels.tolist() == [4, 5]
    np.testing.assert_array_equal(test.images, rows.reshape(2, 3, 32, 32).transpose(0, 2, 3, 1))


def python_2_batch(rows: np.ndarray, labels: list[int]) -> bytes:
    """A pickle of protocol 2 with text of Python 2, operation by operation."""

    def text(content: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(content)) + content

    dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b")
    array += b"\x87R(K\x01K\x02M\x00\x0c\x86" + dtype + b"\x89" + text(rows.tobytes()) + b"tb"
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    batch = b"\x80\x02}(" + text(b"data") + array + text(b"labels") + listed
    return batch + text(b"batch_label") + text(b"testing batch 1 of 1") + b"u."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "does not contain a dictionary"),
        ({"labels": [1]}, "has no uint8 array 'data'"),
        ({"data": np.zeros((1, 3072)), "labels": [1]}, "has no uint8 array 'data'"),
        ({"data": record(1), "labels": [1]}, r"1 labels, and pixels of shape \(2, 3072\)"),
        ({"data": record(1), "labels": [1, 10]}, "no list 'labels' of labels below 10"),
        ({"data": record(1), "labels": "ab"}, "no list 'labels'"),
    ],
)
def test_what_is_not_a_batch_is_refused_with_its_name(tmp_path, content, message):
    root = official_cifar10(tmp_path)
    path = root / CIFAR10.folder / "data_batch_2"
    write_pickle(path, content)
    with pytest.raises(Refusal, match=rf"{path} .*{message}"):
        official_images(root, CIFAR10)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x04.", b"(" * 10])
def test_what_is_not_a_pickle_is_refused_with_its_name(tmp_path, content):
    root = official_cifar10(tmp_path)
    path = root / CIFAR10.folder / "batches.meta"
    path.write_bytes(content)
    with pytest.raises(Refusal, match=f"{path} could not be read: "):
        official_images(root, CIFAR10)
