"""The cache of decoded images: built once, complete or absent, by any number of processes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import multiprocessing
import os
import re
import signal
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar_lab.data.arrays import ImageArrays, SourceImages
from cifar_lab.data.cache import cache_key, cached
from tests.conftest import logged


def test_images_are_decoded_once(tmp_path):
    calls = []
    for _ in range(3):
        cached(tmp_path / "cache", "key", lambda _: calls.append(1) or decoded())
    assert len(calls) == 1


def test_another_key_is_decoded_again(tmp_path):
    first = cached(tmp_path, "one", decoded)
    other = cached(tmp_path, "two", lambda _: decoded(seed=1))
    assert (first.train.images != other.train.images).any()


@pytest.mark.parametrize("visit", ["first", "second"])
def test_what_comes_back_is_what_was_decoded(tmp_path, visit):
    if visit == "second":
        cached(tmp_path, "key", decoded)
    source = cached(tmp_path, "key", decoded)
    whole = decoded()
    for found, expected in ((source.train, whole.train), (source.test, whole.test)):
        np.testing.assert_array_equal(found.images, expected.images)
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_array_equal(found.sample_ids, expected.sample_ids)
        assert found.labels.dtype == np.int64
        assert found.class_names == expected.class_names
    assert source.validation.tolist() == [3, 4]
    assert source.notes == ("a note – groß",)
    assert source.fingerprint == whole.fingerprint


def test_sizes_of_files_are_kept_where_images_were_scaled(tmp_path):
    def scaled(_):
        sizes = np.arange(10).reshape(5, 2)
        return replace(decoded(), train=replace(decoded().train, file_sizes=sizes))

    for _ in range(2):
        source = cached(tmp_path, "key", scaled)
        assert source.train.file_sizes.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
        assert source.test.file_sizes is None


def test_images_are_memory_mapped_and_cannot_be_written(tmp_path):
    for _ in range(2):
        source = cached(tmp_path, "key", decoded)
        for arrays in (source.train, source.test):
            assert isinstance(arrays.images, np.memmap)
            with pytest.raises(ValueError, match="read-only"):
                arrays.images[0] = 0


def test_only_the_entry_is_left_in_the_folder(tmp_path):
    cached(tmp_path, "key", decoded)
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o755), (0o027, 0o750)])
def test_an_entry_may_be_read_by_whom_the_user_lets_read_files(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        cached(tmp_path, "key", decoded)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == mode
    files = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "key").iterdir()}
    assert files == {mode & 0o666}


def test_decoding_that_fails_leaves_nothing_and_is_tried_again(tmp_path):
    with pytest.raises(RuntimeError, match="no such luck"):
        cached(tmp_path, "key", fail)
    assert not any(tmp_path.iterdir())
    assert len(cached(tmp_path, "key", decoded).train) == 5


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_disk_that_fails_at_any_file_leaves_nothing_and_is_tried_again(
    tmp_path, monkeypatch, nth
):
    save, calls = np.save, []

    def save_until_full(*arguments):
        calls.append(1)
        if len(calls) == nth:
            raise OSError("disk full")
        save(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(np, "save", save_until_full)
        with pytest.raises(OSError, match="disk full"):
            cached(tmp_path, "key", decoded)
    assert not any(tmp_path.iterdir())
    assert len(cached(tmp_path, "key", decoded).train) == 5


def test_a_directory_that_cannot_be_created_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        cached(tmp_path / "file" / "cache", "key", decoded)


def test_who_comes_second_takes_the_entry_of_the_first(tmp_path):
    def overtaken(_):
        cached(tmp_path, "key", decoded)
        return decoded(seed=1)

    source = cached(tmp_path, "key", overtaken)
    np.testing.assert_array_equal(source.train.images, decoded().train.images)
    assert os.listdir(tmp_path) == ["key"]


def test_two_processes_that_decode_at_once_end_with_one_whole_entry(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.SimpleQueue()
    processes = [
        context.Process(target=decode_together, args=(tmp_path, barrier, answers)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert {answers.get(), answers.get()} == {decoded().fingerprint}
    assert os.listdir(tmp_path) == ["key"]


FILES = [
    "SHA256SUMS", "meta.json", "test_images.npy", "test_labels.npy", "test_sample_ids.npy",
    "train_images.npy", "train_labels.npy", "train_sample_ids.npy", "validation_rows.npy",
]  # fmt: skip


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) * 2 // 3] ^= 1
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def add_to(file: Path) -> None:
    file.with_suffix(".new").write_bytes(b"")


@pytest.mark.parametrize("damage", [flip_a_bit, empty, Path.unlink, add_to])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_entry_is_decoded_again_with_a_message(tmp_path, caplog, name, damage):
    cached(tmp_path, "key", decoded)
    assert sorted(os.listdir(tmp_path / "key")) == FILES
    times = {file: (tmp_path / "key" / file).stat().st_mtime_ns for file in FILES}
    damage(tmp_path / "key" / name)
    for file in set(times) & set(os.listdir(tmp_path / "key")):  # not to be noticed by its time
        os.utime(tmp_path / "key" / file, ns=(times[file], times[file]))
    calls = []
    with logged(caplog):
        again = cached(tmp_path, "key", lambda _: calls.append(1) or decoded())
    assert calls == [1]
    assert re.search(
        r"this cache entry (is damaged: .*|has no hashes .*); the images are decoded", caplog.text
    )
    np.testing.assert_array_equal(again.train.images, decoded().train.images)
    np.testing.assert_array_equal(again.test.sample_ids, decoded().test.sample_ids)
    assert os.listdir(tmp_path) == ["key"]
    assert sorted(os.listdir(tmp_path / "key")) == FILES


def test_a_whole_entry_is_opened_without_a_word(tmp_path, caplog):
    cached(tmp_path, "key", decoded)
    with logged(caplog):
        cached(tmp_path, "key", fail)
    assert caplog.text == ""


def test_the_hashes_are_those_that_sha256sum_reads(tmp_path):
    cached(tmp_path, "key", decoded)
    lines = (tmp_path / "key" / "SHA256SUMS").read_text().splitlines()
    expected = [
        f"{hashlib.sha256((tmp_path / 'key' / name).read_bytes()).hexdigest()}  {name}"
        for name in FILES[1:]
    ]
    assert lines == expected


def build_and_die(folder: Path) -> None:
    """Runs in a separate process, which is killed in the middle of decoding."""

    def decode(space: Path):
        (space / "train_images.npy").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    cached(folder, "key", decode)


def test_what_a_killed_build_left_is_removed_by_the_next_one(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=build_and_die, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    [left] = os.listdir(tmp_path)
    assert left.startswith("key.")
    (tmp_path / "of the user's").mkdir()
    cached(tmp_path, "other", decoded)
    assert sorted(os.listdir(tmp_path)) == ["of the user's", "other"]


def test_a_build_in_progress_is_not_removed_by_another(tmp_path):
    def slow(space: Path):
        cached(tmp_path, "other", decoded)
        assert space.is_dir()
        return decoded()

    cached(tmp_path, "key", slow)
    assert sorted(os.listdir(tmp_path)) == ["key", "other"]


def test_where_directories_cannot_be_locked_entries_are_built_all_the_same(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    (tmp_path / f"key.1.{'0' * 32}").mkdir()  # perhaps in use: nobody can tell
    assert len(cached(tmp_path, "key", decoded).train) == 5
    assert sorted(os.listdir(tmp_path)) == ["key", f"key.1.{'0' * 32}"]


def test_the_key_changes_with_size_time_and_name_of_any_file(tmp_path):
    files = some_files(tmp_path)
    keys = [key_of(tmp_path)]
    files[1].write_bytes(b"longer")
    os.utime(files[1], ns=(0, 0))
    keys.append(key_of(tmp_path))
    os.utime(files[1], ns=(0, 1))
    keys.append(key_of(tmp_path))
    files[1].rename(tmp_path / "train" / "bee" / "other.png")
    keys.append(key_of(tmp_path))
    (tmp_path / "train" / "bee" / "other.png").rename(tmp_path / "train" / "ant" / "other.png")
    keys.append(key_of(tmp_path))
    (tmp_path / "train" / "ant" / "other.png").unlink()
    keys.append(key_of(tmp_path))
    assert len(set(keys)) == len(keys)


def test_the_key_changes_with_the_settings_and_the_root(tmp_path):
    keys = []
    for root in (tmp_path / "here", tmp_path / "there"):
        some_files(root)
        keys += [key_of(root, resize=resize) for resize in (None, 16, 32)]
    assert len(set(keys)) == 6


def test_the_key_depends_neither_on_the_order_of_files_nor_on_how_the_root_is_written(
    tmp_path, monkeypatch
):
    some_files(tmp_path)
    files = stats(tmp_path)
    key = cache_key(files, tmp_path, {})
    assert cache_key(reversed(files), tmp_path, {}) == key
    monkeypatch.chdir(tmp_path)
    assert cache_key(files, Path(), {}) == key


def decoded(_space: Path | None = None, seed: int = 0) -> SourceImages:
    """Five training images and three test images, with non-ASCII names."""
    generator = np.random.default_rng(seed)
    train, test = (
        ImageArrays(
            images=generator.integers(0, 256, (count, 4, 3, 3), dtype=np.uint8),
            labels=np.arange(count) % 2,
            class_names=("Ameise", "Hornisse – groß"),
            sample_ids=np.array([f"{split}/größe {i}.png" for i in range(count)]),
        )
        for split, count in (("train", 5), ("test", 3))
    )
    return SourceImages.of(train, test, np.array([3, 4]), ("a note – groß",))


def decode_together(folder: Path, barrier, answers) -> None:
    """Runs in a separate process: both processes find the entry missing before either writes it."""

    def decode(_):
        barrier.wait(60)
        return decoded()

    answers.put(cached(folder, "key", decode).fingerprint)


def fail(_):
    raise RuntimeError("no such luck")


def some_files(root: Path) -> list[Path]:
    files = [root / "train" / "ant" / "1.png", root / "train" / "bee" / "1.png"]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"short")
        os.utime(file, ns=(0, 0))
    return files


def key_of(root: Path, **settings) -> str:
    return cache_key(stats(root), root, settings)


def stats(root: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of each file."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return [
        (path.relative_to(root).as_posix(), path.stat().st_size, path.stat().st_mtime_ns)
        for path in files
    ]
