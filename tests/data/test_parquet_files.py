"""Where Parquet files lie, and what their schema says."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cifar_lab.data.parquet_files import (
    Columns,
    columns_of,
    files_of_splits,
    images_in,
    labels_in,
    rows_in,
)
from cifar_lab.refusal import Refusal

pytestmark = pytest.mark.extra("parquet")


def touched(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize("folder", ["", "data/", "plain_text/"])
def test_files_are_found_by_the_word_they_begin_with(tmp_path, folder):
    names = ["train-00000-of-00002", "train-00001-of-00002", "test", "validation-0", "trained", "x"]
    touched(tmp_path, *(f"{folder}{name}.parquet" for name in names))
    found = files_of_splits(tmp_path)
    assert {split: [file.stem for file in files] for split, files in found.items()} == {
        "train": names[:2],
        "test": ["test"],
        "validation": ["validation-0"],
    }


def test_several_configurations_must_be_chosen_from(tmp_path):
    touched(tmp_path, "one/train-0.parquet", "two/train-0.parquet")
    with pytest.raises(
        Refusal, match=rf"configurations: one, two; .* dataset\.root={tmp_path}/one"
    ):
        files_of_splits(tmp_path)


def test_a_folder_without_training_files_is_refused(tmp_path):
    touched(tmp_path, "data/test-0.parquet")
    with pytest.raises(Refusal, match="has no Parquet files of a training split; it needs data/tr"):
        files_of_splits(tmp_path)
    with pytest.raises(Refusal, match="is not a directory"):
        files_of_splits(tmp_path / "nowhere")


def saved(path, metadata=None, **columns):
    table = pa.table(columns).replace_schema_metadata(metadata)
    pq.write_table(table, path)
    return path


def test_the_schema_names_the_classes_or_nothing_does(tmp_path):
    features = {"label": {"_type": "ClassLabel", "names": ["a", "b"]}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    named = saved(tmp_path / "named", metadata, image=[b"x", b"y"], label=[0, 1])
    assert columns_of(named, "image", "label") == Columns(("a", "b"), is_text=False)
    plain = saved(tmp_path / "plain", image=[b"x"], label=["a"])
    assert columns_of(plain, "image", "label") == Columns(None, is_text=True)
    odd = saved(tmp_path / "odd", {"huggingface": "no JSON"}, image=[b"x"], label=[1])
    assert columns_of(odd, "image", "label").class_names is None


def test_columns_of_other_contents_are_refused_together(tmp_path):
    file = saved(tmp_path / "file", image=["x.png"], label=[[0, 1]])
    with pytest.raises(Refusal) as refused:
        columns_of(file, "image", "label")
    image, label = refused.value.problems
    assert "has string in it, and not encoded images" in image
    assert "has list<" in label
    assert "not one class for each image" in label


def test_rows_are_read_in_chunks_and_in_order(tmp_path):
    files = [
        saved(tmp_path / "0", image=[b"a", None, b"c"], label=[0, 1, None]),
        saved(tmp_path / "1", image=[{"bytes": b"d", "path": "d.png"}], label=[3]),
    ]
    assert rows_in(files) == 4
    assert labels_in(files, "label") == [0, 1, None, 3]
    assert list(images_in(files, "image", 2)) == [[b"a", None], [b"c"], [b"d"]]


def test_a_damaged_file_is_refused_with_its_name(tmp_path):
    (tmp_path / "file").write_bytes(b"PAR1 and no more")
    with pytest.raises(Refusal, match=f"{tmp_path}/file could not be read: "):
        columns_of(tmp_path / "file", "image", "label")
