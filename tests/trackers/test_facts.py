from pathlib import Path

import pytest

from cifar_lab.run.folder import RunFolder
from cifar_lab.trackers.facts import Facts, below_outputs, ends, measured, results
from tests.made import CONFIG, a_run, a_summary


@pytest.mark.parametrize(
    ("column", "metric"),
    [
        ("train_loss", "loss/train"),
        ("val_accuracy", "accuracy/val"),
        ("test_loss", "loss/test"),
        ("lr", "lr"),
        ("epoch_seconds", "epoch_seconds"),
        ("trained", "trained"),
        ("train_", "train_"),
        ("norm[0]", "norm_0_"),
    ],
)
def test_columns_are_grouped_by_what_they_measure(column, metric):
    assert measured({"epoch": 1, column: 0.5}) == {metric: 0.5}


def test_an_epoch_ends_when_those_before_it_and_its_own_seconds_are_over():
    rows = [{"epoch": 1.0, "epoch_seconds": 2.0}, {"epoch": 2.0}, {"epoch_seconds": 0.5}]
    assert ends(rows, 100.0) == [102.0, 102.0, 102.5]


def test_results():
    found = results(a_summary())
    assert found["result/accuracy/test"] == 0.75
    assert found["result/accuracy/val"] == 0.905
    assert "result/accuracy/test" not in results(a_summary(test=None))


def test_parameters_are_flat(tmp_path):
    config = {**CONFIG, "hooks": {}, "widths": [4, 8], "none": None}
    facts = Facts(a_run(tmp_path / "run", config=config), "mlflow")
    found = facts.parameters()
    assert found["optimizer.lr"] == 0.1
    assert found["optimizer.nesterov"] is True
    assert (found["widths"], found["none"], found["hooks"]) == ("[4, 8]", "null", "{}")


def test_the_sweep_of_a_job(tmp_path):
    sweep = tmp_path / "outputs" / "digits" / "2026-01-02" / "03-04-05"
    job = a_run(sweep / "confirm-1" / "seed=1")
    assert Facts(job, "x").group is None
    (sweep / "sweep.json").touch()
    assert Facts(job, "x").group == "digits/2026-01-02/03-04-05"
    assert Facts(job, "x").title == "seed=1"
    assert Facts(job, "x").tags()["cifar_lab.sweep"] == "digits/2026-01-02/03-04-05"


def test_the_title_of_a_run_is_its_date_and_time(tmp_path):
    folder = RunFolder(tmp_path / "digits" / "2026-01-02" / "03-04-05-000000")
    assert Facts(folder, "x").title == "2026-01-02_03-04-05-000000"


def test_only_files_that_exist_are_sent(tmp_path):
    folder = a_run(tmp_path / "run")
    folder.report.write_text("a report")
    facts = Facts(folder, "x")
    assert facts.files() == {
        "report.html": folder.report,
        "config.yaml": folder.config,
        "summary.json": folder.summary,
    }


def test_a_path_from_outputs_on():
    assert below_outputs(Path("/a/outputs/b/outputs/c")) == "c"
    assert below_outputs(Path("/a/b")) == "/a/b"
