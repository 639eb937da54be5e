"""What the program refuses through its entry: at once, with a sentence, and with nothing left."""

from __future__ import annotations

import pytest

from cifar_lab.cli.main import main
from tests.work import Work

SMALL = ["dataset=digits", "model.width=4", "device=cpu"]
MANY = [f"+k{i}=1" for i in range(60_000)]
DEEP = "x/" * 2500


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(words: list[str], capsys) -> list[str]:
    """Status 2, and the lines of the message."""
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert "[Errno" not in error
    return error.splitlines()


def test_a_run_of_more_steps_than_can_be_listed_is_refused_at_once(empty, capsys):
    words = [*SMALL, "debug=smoke", "trainer.epochs=1000000000"]
    with Work() as work:
        (line,) = refused(["train", *words], capsys)
    assert line.startswith("error: trainer.epochs=1000000000: ")
    assert work.calls < 20_000_000
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["train"], ["train", "-m"], ["train", "--cfg", "job"], ["train", "--info", "config"],
        ["check"], ["check", "-m"], ["find-lr"], ["show", "data"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_flood_of_unknown_keys_is_refused_at_once_by_every_verb(words, empty, capsys):
    with Work() as work:
        (line,) = refused([*words, *MANY], capsys)
    assert "60,000 overrides are too many" in line
    assert work.calls < 10_000_000  # were it quadratic, thousands of millions
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("verb", ["train", "check"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--resolve"], "--resolve only changes what --cfg prints"),
        (["--package", "model"], "--package only changes what --cfg prints"),
        (["+model._convert_=nonsense"], "model._convert_=nonsense: must be 'none', 'partial', "),
        (["seed=range(3,0)", "-m"], "seed=range(3,0): lists no values, so there is no job to run"),
        (
            ["seed=0,1", "hydra.sweep.subdir=same", "report.enabled=false", "-m"],
            "hydra.sweep.subdir=same: the folder of each job is named by the values that differ",
        ),
        (
            ["optimizer=adamw", "optimizer.betas=[0.9]"],
            "optimizer.betas=[0.9]: must have at least 2 items, got 1",
        ),
        (["dataset.mean=[2,2,2]"], "dataset.mean=[2, 2, 2]: must be three numbers from 0 to 1"),
        (["model.width=1000000000"], "reduce model.width=1000000000"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_means_nothing_or_cannot_be_is_refused_with_its_key(
    verb, words, message, empty, capsys
):
    assert message in " ".join(refused([verb, *SMALL, *words], capsys))
    assert list(empty.iterdir()) == []


def test_all_overrides_that_cannot_be_read_are_told_by_cfg_too(capsys):
    lines = refused(["train", "--cfg", "job", "model: width=3", "seed==1"], capsys)
    assert [line.rpartition("; write ")[2] for line in lines] == ["model.width=3", "seed=1"]


@pytest.mark.parametrize(
    "words",
    [
        ["train", *SMALL, "hydra.run.dir=loop"],
        ["train", *SMALL, "hydra.run.dir=loop/run"],
        ["train", "dataset=image_folder", "dataset.root=loop"],
        ["train", "dataset.root=loop", "dataset.download=true"],
        ["train", "--config-dir", "loop"],
        ["report", "loop"],
    ],
    ids=" ".join,
)
def test_a_link_to_itself_is_refused_with_its_name(words, empty, capsys):
    (empty / "loop").symlink_to("loop")
    (line,) = refused(words, capsys)
    assert "loop" in line
    assert [path.name for path in empty.iterdir()] == ["loop"]


@pytest.mark.parametrize("path", ["x" * 5000, DEEP], ids=["name", "path"])
@pytest.mark.parametrize(
    "words",
    [
        ["train", *SMALL, "hydra.run.dir=PATH"],
        ["train", "dataset=image_folder", "dataset.root=PATH"],
        ["train", "dataset.root=PATH", "dataset.download=true"],
        ["train", "--config-dir", "PATH"],
        ["report", "PATH"],
    ],
    ids=" ".join,
)
def test_a_path_that_is_too_long_is_refused_and_not_echoed_whole(words, path, empty, capsys):
    (line,) = refused([word.replace("PATH", path) for word in words], capsys)
    assert len(line) < 600
    assert list(empty.iterdir()) == []


def test_what_the_system_says_is_told_without_its_number(monkeypatch, capsys):
    def fails(words):
        raise OSError(40, "Too many levels of symbolic links", "loop")

    monkeypatch.setattr("cifar_lab.cli.listing.ls", fails)
    (line,) = refused(["ls"], capsys)
    assert line.startswith("error: loop: Too many levels of symbolic links; ")
