"""How many processes are taken where their number is left open."""

from __future__ import annotations

import os

import pytest

from cifar_lab.assembly import parts
from cifar_lab.config.compose import Composer, job_part


@pytest.mark.parametrize(
    ("workers", "cores", "processes"),
    [("null", 2, 2), ("null", 64, 8), ("null", None, 1), ("0", 4, 0), ("12", 4, 12)],
)
def test_workers_left_open_are_as_many_as_cores_and_at_most_eight(
    workers, cores, processes, monkeypatch
):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    _, setup = parts.trainer(
        job_part(Composer().compose([f"trainer.workers={workers}"]))["trainer"]
    )
    assert setup.worker_processes() == processes
