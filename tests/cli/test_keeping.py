"""Tests the verbs that label and tidy runs: what they print, what they refuse, and what is left."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cifar_lab.cli import keeping
from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.labels import Labels
from cifar_lab.run.record import Run
from cifar_lab.run.status import locked
from tests.made import a_run

ONE, TWO = Path("outputs/digits/one"), Path("outputs/digits/two")
SWEEP = Path("outputs/digits/sweep")


@pytest.fixture(autouse=True)
def _runs(tmp_path, monkeypatch):
    """Two runs and a sweep of two jobs."""
    monkeypatch.chdir(tmp_path)
    for path in (ONE, TWO, SWEEP / "0", SWEEP / "1"):
        a_run(path)
    (SWEEP / "sweep.json").write_text("{}")


def done(capsys, *words: str) -> list[str]:
    assert main([*words]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out.splitlines()


def refused(capsys, *words: str) -> list[str]:
    assert main([*words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return [line.removeprefix("error: ") for line in said.err.splitlines()]


def labels(path: Path) -> Labels:
    return Run(RunFolder(path)).labels


def test_a_run_is_tagged_and_untagged(capsys):
    assert done(capsys, "tag", "one") == [f"{ONE}: no tags"]
    assert done(capsys, "tag", "one", "good") == [f"{ONE}: tags: good"]
    assert done(capsys, "tag", str(ONE), "baseline") == [f"{ONE}: tags: baseline, good"]
    assert done(capsys, "tag", "one", "good") == [f"{ONE}: tags: baseline, good"]
    assert labels(ONE).tags == ("baseline", "good")
    assert done(capsys, "tag", "one", "--remove", "good") == [f"{ONE}: tags: baseline"]
    assert done(capsys, "tag", "one", "baseline", "--remove") == [f"{ONE}: no tags"]
    assert labels(ONE).tags == labels(TWO).tags == ()


def test_what_cannot_be_tagged_is_refused_and_nothing_is_written(capsys):
    usage = "usage: `cifar-lab tag RUN [WORD] [--remove]`"
    assert refused(capsys, "tag", "one", "a,b") == [
        "the tag 'a,b' must be one word of at most 50 letters, digits, '_', '.' and '-'; use "
        "`cifar-lab note` for text"
    ]
    assert refused(capsys, "tag", "one", "a", "b") == [f"unrecognized arguments: b; {usage}"]
    assert refused(capsys, "tag") == [
        f"the following arguments are required: RUN; {usage}",
    ]
    assert refused(capsys, "tag", "one", "--remove") == [
        "--remove needs the tag to remove: `cifar-lab tag RUN --remove WORD`"
    ]
    assert refused(capsys, "tag", "one", "--remove", "x") == [
        "the run has no tag 'x'; it has no tags"
    ]
    assert refused(capsys, "tag", "nothing", "x")[0].startswith("RUN=nothing is not a run below")
    assert not RunFolder(ONE).labels.exists()


@pytest.mark.parametrize("text", ["sweep", str(SWEEP)])
def test_a_sweep_has_no_tags_but_a_note(capsys, text):
    assert refused(capsys, "tag", text, "x") == [
        f"{SWEEP} is a sweep, and only runs have tags; `cifar-lab tag` its jobs one by one: "
        f"`cifar-lab ls {SWEEP}` lists them"
    ]
    assert main(["note", text, "wider", "is better"]) == 0
    assert (SWEEP / "note.txt").read_text() == "wider is better\n"
    capsys.readouterr()
    assert main(["note", text]) == 0
    assert capsys.readouterr().out == "wider is better\n"


@pytest.mark.parametrize("verb", ["tag", "note"])
def test_a_run_that_is_running_is_labelled_when_it_has_ended(capsys, verb):
    folder = a_run(Path("outputs/now"), "running")
    with locked(folder):
        assert refused(capsys, verb, "now", "x") == [
            "outputs/now is still running; tag it or note it when it has ended"
        ]
    assert main([verb, "now", "x"]) == 0  # it died: nobody holds the lock


def test_a_note_is_written_printed_and_removed(capsys):
    assert done(capsys, "note", "one") == ["no note"]
    assert done(capsys, "note", "one", "worse", "with", "--less", "data") == [f"{ONE}: noted"]
    assert done(capsys, "note", "one") == ["worse with --less data"]
    assert done(capsys, "note", "one", "two\nlines \x1b[2J") == [f"{ONE}: noted"]
    assert done(capsys, "note", "one") == ["two", "lines [2J"]
    assert done(capsys, "tag", "one", "t") == [f"{ONE}: tags: t"]
    assert labels(ONE) == Labels(("t",), "two\nlines \x1b[2J")
    assert done(capsys, "note", "one", "") == [f"{ONE}: the note was removed"]
    assert labels(ONE) == Labels(("t",), "")
    assert refused(capsys, "note") == ["which run? usage: `cifar-lab note RUN|SWEEP [TEXT]`"]
    assert refused(capsys, "note", "one", "x" * 10_001)[0].startswith(
        "a note may have at most 10,000 characters, got 10,001"
    )


def test_labels_are_those_of_the_run_wherever_it_is_moved(capsys):
    done(capsys, "tag", "one", "good")
    done(capsys, "rm", "one")
    done(capsys, "restore", "one")
    assert labels(ONE).tags == ("good",)


def test_rm_says_where_runs_went_and_restore_brings_them_back(capsys):
    Path("outputs/latest").symlink_to("digits/two")
    assert done(capsys, "rm", "latest", "one", str(SWEEP), "two") == [
        "moved outputs/digits/two to outputs/.trash/digits/two",
        "moved outputs/digits/one to outputs/.trash/digits/one",
        "moved outputs/digits/sweep to outputs/.trash/digits/sweep",
        "bring back with `cifar-lab restore digits/two digits/one digits/sweep`; delete for good "
        "with `rm -r outputs/.trash`",
    ]
    assert done(capsys, "ls")[0].startswith("no runs in outputs/")
    assert not os.path.lexists("outputs/latest")
    lines = done(capsys, "restore")
    assert [line.split()[0] for line in lines[:3]] == ["digits/one", "digits/sweep", "digits/two"]
    assert all(line.endswith(" kB") for line in lines[:3])
    assert lines[3].endswith(
        " kB in all; bring one back with `cifar-lab restore RUN`; delete for good with `rm -r "
        "outputs/.trash`"
    )
    assert done(capsys, "restore", "digits/two", "digits/sweep") == [
        "restored outputs/digits/two",
        "restored outputs/digits/sweep",
    ]
    assert Path("outputs/latest").exists()
    assert len(done(capsys, "restore")) == 2
    assert done(capsys, "restore", "one") == ["restored outputs/digits/one"]
    assert done(capsys, "restore") == ["outputs/.trash is empty"]


def test_the_sizes_in_the_trash_are_those_of_the_files(capsys):
    done(capsys, "rm", "one")
    trashed = Path("outputs/.trash/digits/one")
    total = sum(file.stat().st_size for file in trashed.rglob("*") if file.is_file())
    assert done(capsys, "restore")[0] == f"digits/one  {total / 1000:.1f} kB"


def test_rm_refuses_all_that_it_cannot_move_at_once(capsys):
    with locked(RunFolder(TWO)):
        assert refused(capsys, "rm", "one", "two") == [
            "outputs/digits/two is still running in another process; stop it first"
        ]
    first, second = refused(capsys, "rm", "gone", "one", "digits")
    assert first.startswith("RUN=gone is not a run below outputs/")
    assert second.startswith("RUN=digits matches 4 runs")
    assert refused(capsys, "rm") == [
        "the following arguments are required: RUN; usage: `cifar-lab rm RUN…`"
    ]
    assert ONE.is_dir()


def test_a_damaged_run_can_be_removed(capsys):
    RunFolder(ONE).manifest.write_text("{")
    RunFolder(ONE).status.write_text("{")
    done(capsys, "rm", "one")
    assert not ONE.exists()


def test_restore_of_what_is_not_there_or_would_overwrite_is_refused(capsys):
    assert refused(capsys, "restore", "x") == [
        "x is not in outputs/.trash (0 there); `cifar-lab restore` lists what can be restored"
    ]
    done(capsys, "rm", "one")
    a_run(ONE)
    assert refused(capsys, "restore", "one") == [
        "outputs/digits/one is taken; move or remove what lies there first"
    ]


def test_prune_asks_and_frees_what_it_says(capsys, monkeypatch):
    freed = 4 * len(b"the last one")
    asked = f"delete checkpoints/last.pt of 4 runs ({freed} bytes)"
    assert main(["prune"]) == 2
    said = capsys.readouterr()
    assert (
        said.err
        == f"error: asking whether to {asked} needs a terminal; add --yes to do it unasked\n"
    )
    assert said.out.splitlines() == [
        f"{path:22}  12 bytes" for path in map(str, (ONE, SWEEP / "0", SWEEP / "1", TWO))
    ]
    monkeypatch.setattr(keeping.sys.stdin, "isatty", lambda: True)
    for answer in ("", "n", "maybe", EOFError):
        questions = answered(monkeypatch, answer)
        assert done(capsys, "prune", "--keep", "best")[-1] == "nothing was deleted"
        assert questions == [f"{asked}? [y/N] "]
    assert RunFolder(ONE).last_checkpoint.is_file()
    answered(monkeypatch, "y")
    assert done(capsys, "prune")[-1] == (
        f"freed {freed} bytes of 4 runs; their best checkpoints were kept"
    )
    assert not any(Path("outputs").rglob("last.pt"))
    assert len(list(Path("outputs").rglob("best.pt"))) == 4
    assert done(capsys, "prune") == [
        "nothing to free: no finished run has a checkpoint besides its best one"
    ]


def answered(monkeypatch, answer: str | type[EOFError]) -> list[str]:
    """Answers every question; returns what is asked."""
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        if isinstance(answer, str):
            return answer
        raise answer

    monkeypatch.setattr("builtins.input", ask)
    return questions


def test_prune_of_some_runs_leaves_the_others(capsys):
    a_run(Path("outputs/paused"), "interrupted")
    assert done(capsys, "prune", "one", "--yes")[-1] == (
        "freed 12 bytes of 1 run; their best checkpoints were kept"
    )
    left = {path.parents[1] for path in Path("outputs").rglob("last.pt")}
    assert left == {TWO, SWEEP / "0", SWEEP / "1", Path("outputs/paused")}
    done(capsys, "prune", "--yes")
    assert list(Path("outputs").rglob("last.pt")) == [
        RunFolder(Path("outputs/paused")).last_checkpoint
    ]


def test_prune_refuses_what_is_not_finished_and_keeps_only_the_best(capsys):
    a_run(Path("outputs/paused"), "interrupted")
    assert refused(capsys, "prune", "paused", "--yes") == [
        "outputs/paused is not done but interrupted: it needs its last checkpoint to be resumed; "
        "move it to the trash with `cifar-lab rm` if it is not to be finished"
    ]
    (problem,) = refused(capsys, "prune", "--keep", "last")
    assert problem.startswith("argument --keep: invalid choice: 'last' (choose from ")
    assert problem.endswith("; usage: `cifar-lab prune [RUN…] [--keep best] [--yes]`")


def test_prune_keeps_the_checkpoint_of_a_run_whose_best_one_is_damaged(capsys):
    RunFolder(ONE).best_checkpoint.write_bytes(b"the pest")
    assert main(["prune", "one", "two", "--yes"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("freed 12 bytes of 1 run;")
    assert said.err.startswith(f"error: {RunFolder(ONE).best_checkpoint} was refused")
    assert said.err.endswith("; its last.pt was kept\n")
    assert RunFolder(ONE).last_checkpoint.is_file()
    assert not RunFolder(TWO).last_checkpoint.exists()


QUICK = [
    "experiments=digits", "model.width=4", "trainer.epochs=1", "trainer.limit_batches=2",
    "trainer.precision=float32", "report.enabled=false",
]  # fmt: skip


@pytest.mark.slow
def test_every_verb_works_with_a_pruned_and_labelled_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "experiments").mkdir()
    assert main(["train", *QUICK]) == 0
    path = str(Path("outputs/latest").resolve())
    for words in (["tag", path, "good"], ["note", path, "why"], ["prune", path, "--yes"]):
        assert main(words) == 0
    assert not RunFolder(Path(path)).last_checkpoint.exists()
    for verb in ("eval", "report", "explain", "record"):
        assert main([verb, path]) == 0, verb
    assert main(["rerun", path, "seed=1"]) == 0
    capsys.readouterr()
    assert main(["resume", path]) == 2
    assert "is done; use `cifar-lab rerun` to run it again" in capsys.readouterr().err
    assert main(["ls", "model=custom_resnet", "tag=good", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["note"] == "why"
