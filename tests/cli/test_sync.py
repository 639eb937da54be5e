"""Tests ``sync``, and trackers as hooks of a run that is trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.status import locked
from cifar_lab.trackers import TensorBoard
from tests.cli.test_train import QUICK
from tests.made import a_run
from tests.trackers.runs import a_sent_run

KEPT = Path(__file__).parents[1] / "kept_runs"
RUN, SWEEP = Path("outputs/digits/one"), Path("outputs/digits/sweep")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def a_tracked_run(path: Path = RUN, state: str = "done") -> Path:
    a_sent_run(path, TensorBoard(folder="tensorboard", patience=60), state)
    return path


def events(path: Path, folder: str = "tensorboard"):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(path / folder)).Reload()


def refused(capsys, *words: str) -> list[str]:
    assert main(["sync", *words]) == 2
    return [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()]


@pytest.mark.extra("tensorboard")
def test_a_run_is_sent_to_the_trackers_of_its_configuration(capsys):
    a_tracked_run()
    assert main(["sync", "one"]) == 0
    said = capsys.readouterr().out
    assert said == f"{RUN} was sent to hooks.tensorboard; tensorboard has it as tensorboard\n"
    assert [scalar.step for scalar in events(RUN).Scalars("loss/val")] == [1, 2, 3]


def test_a_run_is_sent_to_others_without_a_change_to_its_configuration():
    """A run of an earlier version, which knew no hooks."""
    path = Path("outputs/validated/2026-01-02/03-04-05-000000")
    shutil.copytree(KEPT / "validated", path)
    before = RunFolder(path).config.read_text()
    assert main(["sync", str(path), "hooks=tensorboard", "hooks.tensorboard.folder=board"]) == 0
    assert len(events(path, "board").Scalars("loss/train")) == 3
    assert RunFolder(path).config.read_text() == before


@pytest.mark.extra("tensorboard")
def test_the_jobs_of_a_sweep_are_sent(capsys):
    jobs = [a_tracked_run(SWEEP / f"seed={n}") for n in range(2)]
    (SWEEP / "sweep.json").write_text("{}")
    assert main(["sync", str(SWEEP)]) == 0
    assert [len(events(job).Scalars("lr")) for job in jobs] == [3, 3]


@pytest.mark.extra("tensorboard")
@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_run_that_was_broken_off_is_sent(state):
    from tensorboard.plugins.hparams import metadata

    a_tracked_run(state=state)
    assert main(["sync", "one"]) == 0
    content = events(RUN).summary_metadata[metadata.SESSION_END_INFO_TAG].plugin_data.content
    status = metadata.parse_session_end_info_plugin_data(content).status
    assert status == {"failed": 2, "interrupted": 0}[state]


def test_what_is_refused_is_told_at_once_before_anything_is_sent(capsys):
    a_run(Path("outputs/digits/untracked"))
    a_tracked_run()
    with locked(RunFolder(a_tracked_run(Path("outputs/digits/two"), "running"))):
        told = refused(capsys, "one", "two", "untracked")
    assert told == [
        "outputs/digits/two is still running in another process, which sends it",
        "outputs/digits/untracked has no metrics.csv, so there is nothing to send",
    ]
    assert not (RUN / "tensorboard").exists()


def test_without_a_tracker_one_is_to_be_chosen(capsys):
    a_sent_run(RUN, TensorBoard(folder="tensorboard", patience=60), config={"name": "digits"})
    config = RunFolder(RUN).config
    config.write_text(config.read_text().replace("cifar_lab.trackers.", "somewhere."))
    (RUN / "manifest.json").unlink()
    assert refused(capsys, "one")[-1] == (
        f"{RUN} names no tracker in its configuration; choose one, e.g. `cifar-lab sync {RUN} "
        "hooks=mlflow`"
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "it accepts runs, and at least one of them"),
        (["one", "--force"], "it accepts runs, got --force"),
        (["one", "seed=1"], "`cifar-lab sync` accepts only hooks=, hooks., got seed=1"),
        (["one", "hooks=mlfow"], "did you mean 'mlflow'"),
        (["one", "hooks=wandb", "hooks.wandb.mode=of"], "hooks.wandb.mode"),
        (["one", "hooks=tensorboard", "hooks.tensorboard.folder=/a"], "inside the run's"),
        (["one", "hooks=gradient_norm"], "names no tracker"),
    ],
)
def test_bad_words_are_refused(capsys, words, problem):
    a_tracked_run()
    assert problem in refused(capsys, *words)[0]


def test_a_package_that_is_not_installed(capsys, monkeypatch):
    a_tracked_run()
    monkeypatch.setattr(TensorBoard, "package", "no_such_package")
    assert refused(capsys, "one") == [
        "hooks.tensorboard: no_such_package is not installed, so nothing is sent there; install "
        "it with `pip install 'cifar-lab[no_such_package]'`"
    ]


@pytest.mark.slow
def test_what_cannot_be_sent_is_a_failure(capsys):
    a_tracked_run()
    address = "hooks.mlflow.tracking_uri=http://127.0.0.1:9"
    assert main(["sync", "one", "hooks=[mlflow,tensorboard]", address]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{RUN} could not be sent to hooks.mlflow: MlflowException: ")
    assert said[1] == f"{RUN} was sent to hooks.tensorboard; tensorboard has it as tensorboard"


def test_a_bad_value_in_a_runs_own_configuration(capsys):
    a_sent_run(RUN, TensorBoard(folder="../beside", patience=60))
    assert refused(capsys, "one")[0].startswith(
        f"{RUN}/.hydra/config.yaml: hooks.tensorboard.folder"
    )


def trained(capsys, name: str, *words: str) -> Path:
    assert main(["train", *QUICK, f"hydra.run.dir=outputs/{name}", *words]) == 0
    return Path("outputs") / name


@pytest.mark.extra("tensorboard")
def test_a_run_is_the_same_with_trackers(capsys):
    plain = trained(capsys, "plain")
    tracked = trained(capsys, "tracked", "hooks=tensorboard")
    without_times = [
        [line.split(",")[:6] for line in (path / "metrics.csv").read_text().splitlines()]
        for path in (plain, tracked)
    ]
    assert without_times[0] == without_times[1]
    found = events(tracked)
    assert [scalar.step for scalar in found.Scalars("accuracy/val")] == [1, 2]
    assert "figures/curves" in found.Tags()["images"]


def test_check_says_that_a_package_is_not_installed(capsys, monkeypatch):
    monkeypatch.setattr(TensorBoard, "package", "no_such_package")
    assert main(["check", *QUICK, "hooks=tensorboard"]) == 0
    said = capsys.readouterr().out
    assert "hooks.tensorboard: no_such_package is not installed" in said
    assert "pip install 'cifar-lab[no_such_package]'" in said


@pytest.mark.slow
@pytest.mark.extra("tensorboard")
@pytest.mark.extra("mlflow")
@pytest.mark.extra("wandb")
@pytest.mark.extra("trackio")
def test_a_run_is_sent_to_all_trackers_at_once(capsys):
    path = trained(capsys, "all", "hooks=[tensorboard,mlflow,wandb,trackio]")
    log = (path / "run.log").read_text()
    assert "hooks." not in log
    assert sorted(each.name for each in (path / "hooks").iterdir()) == [
        "mlflow",
        "tensorboard",
        "trackio",
        "wandb",
    ]
    assert Path("outputs/mlflow.db").is_file()
    assert list(Path("outputs/trackio/inbox").rglob("*.jsonl"))
    assert list((path / "hooks" / "wandb").rglob("*.wandb"))
    RunFolder(path).refuse_links()
