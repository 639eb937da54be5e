"""A job gives bit for bit what it gives alone, whatever ran before it in its process."""

from __future__ import annotations

import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.run.record import Run
from tests.sweeps.sweeps import HERE, TINY, found

#: Options that leave their traces in a process: another precision, layout, average, augmentation.
OTHERS = [
    "mixing=mixup",
    "trainer.ema_decay=0.9",
    "trainer.channels_last=false",
    "augmentation=crop_flip_cutout8",
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_job_in_the_middle_of_a_sweep_equals_the_job_alone():
    sets = [word for text in [OTHERS[0], OTHERS[3], "optimizer=adam", *OTHERS[1:3]]
            for word in ("--set", text)]  # fmt: skip
    assert main(["train", "-m", *TINY[:3], *TINY[4:], *sets, "seed=5", "--no-timing", HERE]) == 0
    folder, plan, _ = found()
    (job,) = [job for job in plan.jobs if job.values.get("optimizer") == "adam"]
    assert 0 < job.number < len(plan.jobs) - 1
    swept = Run(folder.job(job.name))
    torch.set_num_threads(swept.provenance.threads)
    assert main(["train", *job.overrides, "hydra.run.dir=outputs/alone"]) == 0
    alone = Run(folder.job("../alone"))
    for name in ("last", "best"):
        one, other = (
            torch.load(run.folder.path / "checkpoints" / f"{name}.pt") for run in (swept, alone)
        )
        assert one["model"].keys() == other["model"].keys()
        for key, value in one["model"].items():
            assert torch.equal(value, other["model"][key]), key
    untimed = [
        [{k: v for k, v in row.items() if "second" not in k} for row in run.metrics]
        for run in (swept, alone)
    ]
    assert untimed[0] == untimed[1]
    assert swept.provenance.threads == plan.threads == alone.provenance.threads


@pytest.mark.slow
def test_a_job_and_its_folder_hold_no_test_figure():
    assert main(["train", "-m", *TINY, "optimizer=sgd,adam", "--no-timing", HERE]) == 0
    folder, plan, rows = found()
    assert {row.test_accuracy for row in rows.values()} == {None}
    for job in plan.jobs:
        run = Run(folder.job(job.name))
        assert run.summary.test is None
        assert run.predictions.test is None
        assert not any("test" in column for column in run.metrics[0])
        assert "test accuracy" not in run.folder.log.read_text()
    assert main(["eval", str(folder.job(plan.jobs[0].name).path)]) == 0
    assert Run(folder.job(plan.jobs[0].name)).summary.test is not None
