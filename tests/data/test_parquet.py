"""Parquet files that ``datasets`` wrote: the images and labels are those that it reads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

from cifar_lab.data import parquet as module
from cifar_lab.data.arrays import Outline
from cifar_lab.data.parquet import Parquet
from cifar_lab.refusal import Refusal
from tests.data.sources import SPLIT

pytestmark = pytest.mark.extra("parquet")
NAMES = ["ant", "bee", "cow"]


@pytest.fixture(autouse=True)
def _quiet(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")


def pictures(count: int, mode: str = "RGB") -> list[Image.Image]:
    generator = np.random.default_rng(count)
    pixels = generator.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return [Image.fromarray(each).convert(mode) for each in pixels]


def split(
    count: int, image: str = "image", label: str = "label", mode: str = "RGB", names: Any = NAMES
) -> Any:
    """A split as ``datasets`` holds it; without names, labels are plain integers."""
    kind = datasets.Value("int64") if names is None else datasets.ClassLabel(names=names)
    features = datasets.Features({image: datasets.Image(), label: kind})
    columns = {image: pictures(count, mode), label: [row % 3 for row in range(count)]}
    return datasets.Dataset.from_dict(columns, features=features)


def written(root: Path, **splits: Any) -> Path:
    """Writes splits as the Hub lays them out, in shards of five rows."""
    (root / "data").mkdir(parents=True)
    for name, rows in splits.items():
        shards = -(-len(rows) // 5)
        for shard in range(shards):
            file = root / "data" / f"{name}-{shard:05d}-of-{shards:05d}.parquet"
            rows.shard(shards, shard, contiguous=True).to_parquet(str(file))
    return root


def source(root: Path, **changes: Any) -> Parquet:
    settings = {
        "image_column": "image", "label_column": "label", "class_names": None, "resize": None,
        "skip_unreadable": False, "test_fraction": 0.25, "test_seed": 0, **SPLIT, **changes,
    }  # fmt: skip
    return Parquet(root=str(root), cache_dir=str(root.parent / "cache"), **settings)


def read_by_datasets(root: Path, name: str) -> Any:
    files = sorted(str(path) for path in root.rglob(f"{name}*.parquet"))
    return datasets.Dataset.from_parquet(files, cache_dir=str(root.parent / "hf"))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "LA"])
def test_images_labels_and_names_are_those_of_datasets(tmp_path, mode):
    root = written(tmp_path / "set", train=split(12, mode=mode), test=split(6, mode=mode))
    own = source(root)
    own.check()
    assert own.outline() == Outline(classes=3, images=12, train_images=12, validated=False)
    dataset = own.load()
    assert dataset.class_names == tuple(NAMES)
    for name, images in (("train", dataset.source.train), ("test", dataset.source.test)):
        theirs = read_by_datasets(root, name)
        assert images.labels.tolist() == theirs["label"][:]
        assert theirs.features["label"].names == list(images.class_names)
        for row, image in enumerate(theirs["image"]):
            expected = (
                image.convert("RGBA").convert("RGB") if mode == "LA" else image.convert("RGB")
            )
            np.testing.assert_array_equal(images.images[row], np.asarray(expected))
    grey = [note for note in dataset.source.notes if note.startswith("all images are grey")]
    assert len(grey) == (mode != "RGB")


def test_resized_images_are_pillows(tmp_path):
    root = written(tmp_path / "set", train=split(6), test=split(3))
    images = source(root, resize=12).load().source.train
    expected = pictures(6)[4].resize((12, 12), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(images.images[4], np.asarray(expected))


def test_columns_of_other_names_are_told(tmp_path):
    root = written(
        tmp_path / "set", train=split(6, "img", "fine_label"), test=split(3, "img", "fine_label")
    )
    with pytest.raises(Refusal) as refused:
        source(root).check()
    image, label = refused.value.problems
    assert image.startswith("dataset.image_column=image: ")
    assert label.endswith("has no such column; its columns are: img, fine_label")
    dataset = source(root, image_column="img", label_column="fine_label").load()
    assert dataset.class_names == tuple(NAMES)


def test_splits_of_validation_images_are_used_as_in_folders(tmp_path):
    root = written(tmp_path / "both", train=split(9), validation=split(6), test=split(3))
    dataset = source(root, validation_fraction=0.4).load()
    np.testing.assert_array_equal(dataset.val_indices, np.arange(9, 15))
    assert dataset.source.train.sample_ids[9] == "validation/00000"
    assert "validation_fraction is not used" in dataset.source.notes[0]
    root = written(tmp_path / "without", train=split(9), validation=split(6))
    dataset = source(root).load()
    assert len(dataset.source.test) == 6
    assert dataset.source.notes[0].startswith("there is no test split, so the validation split is")
    assert len(dataset.val_indices) == 0


def test_without_any_test_images_a_seeded_rule_makes_them(tmp_path):
    root = written(tmp_path / "set", train=split(24))
    loaded = [source(root, test_seed=seed).load().source for seed in (0, 0, 1)]
    tests = [each.test.sample_ids.tolist() for each in loaded]
    assert tests[0] == tests[1] != tests[2]
    ids = [*loaded[0].train.sample_ids, *tests[0]]
    assert sorted(ids) == [f"train/{row:05d}" for row in range(24)]
    assert "25 % of the images of each class are the test split" in loaded[0].notes[0]


def test_plain_files_and_labels_without_names_or_with_text_are_read(tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    for name, count in (("train", 6), ("test", 3)):
        split(count, names=None).to_parquet(str(root / f"{name}.parquet"))
    assert source(root).load().class_names == ("0", "1", "2")
    assert source(root, class_names=["x", "y", "z"]).load().class_names == ("x", "y", "z")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    for name, count in (("train", 6), ("test", 3)):
        columns = {"image": pictures(count), "label": [NAMES[-row % 3] for row in range(count)]}
        texts = datasets.Dataset.from_dict(columns, features=features)
        texts.to_parquet(str(root / f"{name}.parquet"))
    images = source(root).load().source.train
    assert images.class_names == tuple(NAMES)
    assert images.labels.tolist() == [0, 2, 1, 0, 2, 1]


def test_images_are_decoded_once_until_a_file_changes(tmp_path, monkeypatch):
    root = written(tmp_path / "set", train=split(6), test=split(3))
    assert not source(root).at_hand()
    first = source(root).load().source
    with monkeypatch.context() as patched:
        patched.setattr(module, "decoded", None)
        assert source(root).load().source.fingerprint == first.fingerprint
    assert source(root).at_hand()
    assert not source(root, resize=4).at_hand()
    split(6, mode="L").to_parquet(str(root / "data" / "train-00000-of-00002.parquet"))
    assert not source(root).at_hand()


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.refusal.find_spec", lambda name: None)
    with pytest.raises(Refusal, match=r"needs pyarrow, .*: pip install 'cifar-lab\[parquet\]'"):
        source(tmp_path).check()


def test_rows_without_an_image_or_of_another_size_are_refused(tmp_path):
    features = datasets.Features(
        {"image": datasets.Image(decode=False), "label": datasets.ClassLabel(names=NAMES)}
    )
    contents = [b"no image", None, png(pictures(1)[0].resize((5, 5))), *map(png, pictures(6))]
    images = [each and {"bytes": each, "path": None} for each in contents]
    columns = {"image": images, "label": [0, 1, 2] * 3}
    broken = datasets.Dataset.from_dict(columns, features=features)
    root = written(tmp_path / "set", train=broken, test=split(3))
    with pytest.raises(Refusal) as refused:
        source(root).load()
    unreadable, sizes = refused.value.problems
    assert "2 files could not be read as images: train/00000 (not an image in" in unreadable
    assert "train/00001 (the row has no bytes of an image)" in unreadable
    assert "got 2 sizes: 8×8" in sizes
    images = source(root, skip_unreadable=True, resize=8).load().source.train
    assert images.labels.tolist() == [2, 0, 1, 2, 0, 1, 2]


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_labels_that_are_missing_or_out_of_range_are_refused(tmp_path):
    unlabelled = split(3).map(lambda row: {"label": -1})
    root = written(tmp_path / "set", train=split(6), test=unlabelled)
    with pytest.raises(Refusal, match=r"3 of 9 rows have no label in label; remove them, or"):
        source(root).load()
    root = written(tmp_path / "plain", train=split(6, names=None), test=split(3, names=None))
    with pytest.raises(Refusal, match="label has labels that are not one of the 2 classes: 2"):
        source(root, class_names=["x", "y"]).load()
