from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import torch

from cifar_lab.engine.world import ALONE, World


def test_alone_everything_is_ones_own():
    values = torch.tensor([1.0, 2.0])
    assert ALONE.leads
    assert ALONE.sum(values) is values
    assert ALONE.broadcast("mine") == "mine"


def test_two_processes_sum_and_broadcast(tmp_path):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    processes = [context.Process(target=_take_part, args=(r, tmp_path, answers)) for r in range(2)]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=200) for _ in processes)
    for process in processes:
        process.join(100)
    assert found == {rank: ([30.0, 3.0], "said by 0", rank == 0) for rank in range(2)}


def _take_part(rank: int, folder: Path, answers: multiprocessing.Queue) -> None:
    store = torch.distributed.FileStore(str(folder / "store"), 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    world = World(rank, 2)
    total = world.sum(torch.tensor([10.0 + 10 * rank, 1.0 + rank]))
    answers.put((rank, (total.tolist(), world.broadcast(f"said by {rank}"), world.leads)))
    torch.distributed.destroy_process_group()


def test_a_world_is_a_value():
    with pytest.raises(AttributeError):
        ALONE.rank = 1  # type: ignore[misc]
