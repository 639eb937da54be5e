from itertools import pairwise
from pathlib import Path

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.run.folder import RunFolder
from cifar_lab.trackers import TensorBoard
from tests.trackers.runs import ROWS, SIZE, a_sent_run, goes_on, seen, trained

pytestmark = pytest.mark.extra("tensorboard")


@pytest.fixture
def tracker() -> TensorBoard:
    return TensorBoard(folder="tensorboard", patience=60)


def read(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    return events.Reload()


def test_scalars_figures_and_hyperparameters_are_in_one_run(tmp_path, tracker):
    from tensorboard.plugins.hparams import metadata

    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    files = list(view.path.rglob("events.out.tfevents.*"))
    assert [file.parent for file in files] == [view.path / "tensorboard"]
    events = read(files[0].parent)
    for column, name in (("train_loss", "loss/train"), ("val_accuracy", "accuracy/val")):
        found = [(s.step, s.value) for s in events.Scalars(name)]
        assert found == [(r["epoch"], pytest.approx(r[column])) for r in ROWS]
    assert [s.value for s in events.Scalars("result/accuracy/test")] == [0.75]
    times = [s.wall_time for s in events.Scalars("lr")]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([30, 30])
    assert set(events.Tags()["images"]) == {"figures/curves", "figures/confusion"}
    image = events.Images("figures/curves")[0]
    assert (image.width, image.height) == SIZE
    summaries = events.summary_metadata
    start = metadata.parse_session_start_info_plugin_data(
        summaries[metadata.SESSION_START_INFO_TAG].plugin_data.content
    )
    assert start.hparams["optimizer.lr"].number_value == 0.1
    assert start.hparams["optimizer.nesterov"].bool_value is True
    end = metadata.parse_session_end_info_plugin_data(
        summaries[metadata.SESSION_END_INFO_TAG].plugin_data.content
    )
    assert end.status == 1  # success


def test_a_resumed_run_has_each_epoch_once(tmp_path, tracker):
    view = a_sent_run(tmp_path / "run", tracker, "interrupted", ROWS[:2])
    tracker.on_run_start(view)
    tracker.on_run_broken_off(view, "interrupted by SIGINT")
    tracker.patience = 60
    goes_on(RunFolder(view.path), ROWS)
    tracker.on_run_start(seen(RunFolder(view.path)))
    tracker._end(view, "done", 60)
    assert [s.step for s in read(view.path / "tensorboard").Scalars("lr")] == [1, 2, 3]


@pytest.mark.parametrize("folder", ["/elsewhere", "../beside"])
def test_the_folder_is_inside_the_runs(folder):
    found = preflight(Composer(), ["hooks=tensorboard", f"hooks.tensorboard.folder={folder}"])
    (problem,) = found.problems
    assert problem.startswith(f"hooks.tensorboard.folder={folder}")
    assert problem.endswith("must be a folder inside the run's, e.g. tensorboard")
