"""Which precision is chosen, by what, and what is kept of the measurement."""

from __future__ import annotations

import json
import math

import pytest
import torch

from cifar_lab.assembly import precision
from cifar_lab.assembly.precision import Chosen, chosen, measured, probe_for
from cifar_lab.run.provenance import PrecisionProbe

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class Fake:
    """A timer with fixed seconds that counts how often it was made."""

    def __init__(self, bfloat16: float, float32: float) -> None:
        self.seconds = {"bfloat16": bfloat16, "float32": float32}
        self.made = 0

    def __call__(self):
        self.made += 1
        return self.seconds.__getitem__


FAST, SLOW = (0.01, 0.012), (0.01, 0.0119)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: True)
    return tmp_path / "precision"


@pytest.mark.parametrize("choice", ["float32", "bfloat16"])
def test_a_stated_precision_is_taken_without_measuring(choice):
    timer = Fake(*FAST)
    assert chosen(choice, CPU, timer=timer) == Chosen(choice, None)
    assert timer.made == 0


@pytest.mark.parametrize(("seconds", "expected"), [(FAST, "bfloat16"), (SLOW, "float32")])
def test_auto_is_what_the_measurement_finds(seconds, expected):
    found = chosen("auto", CPU, timer=Fake(*seconds))
    assert found.precision == expected
    ratio = seconds[1] / seconds[0]
    assert found.probe == PrecisionProbe(pytest.approx(ratio), (seconds,) * 5, cached=False)


@pytest.mark.parametrize(
    ("device", "in_hardware", "expected"),
    [(CPU, False, "float32"), (CUDA, False, "float32"), (CUDA, True, "bfloat16")],
)
def test_nothing_is_measured_on_cuda_or_without_the_instructions(
    monkeypatch, device, in_hardware, expected
):
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: in_hardware)
    timer = Fake(*FAST)
    assert chosen("auto", device, timer=timer) == Chosen(expected, None)
    assert timer.made == 0


def test_a_measurement_is_kept_for_the_next_run():
    first = measured(Fake(*FAST))
    unused = Fake(*SLOW)
    again = measured(unused)
    assert (first.cached, again.cached, unused.made) == (False, True, 0)
    assert again.pairs == first.pairs
    assert again.speedup == first.speedup


@pytest.mark.parametrize("what", ["processor", "features", "torch", "threads", "limits"])
def test_it_is_not_used_for_another_machine_or_other_settings(monkeypatch, what):
    measured(Fake(*FAST))
    if what == "processor":
        monkeypatch.setattr(precision, "device_name", lambda _: "another")
    if what == "features":
        monkeypatch.setattr(precision, "processor_features", lambda: "fpu")
    if what == "torch":
        monkeypatch.setattr(torch, "__version__", "1.0")
    if what == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    if what == "limits":
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert measured(Fake(*SLOW)).cached is False


def _truncated(text):
    return text[: len(text) // 2]


def _another_machine(text):
    entry = json.loads(text)
    return json.dumps({**entry, "machine": {**entry["machine"], "processor": "another"}})


def _pairs(*pairs):
    return lambda text: json.dumps({**json.loads(text), "pairs": pairs})


@pytest.mark.parametrize(
    "damaged",
    [
        _truncated, _another_machine, lambda _: "", lambda _: "[]", lambda _: '{"format": 99}',
        _pairs(), _pairs([0.0, 1.0]), _pairs([-1.0, 1.0]), _pairs([math.inf, 1.0]),
        _pairs([1.0]), _pairs(["a", 1.0]),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_entry_is_measured_again_and_replaced(cache, damaged):
    measured(Fake(*FAST))
    (file,) = cache.iterdir()
    whole = file.read_text()
    file.write_text(damaged(whole))
    assert measured(Fake(*SLOW)).pairs == (SLOW,) * 5
    file.write_text(damaged(whole))
    assert measured(Fake(*FAST)).cached is False
    assert file.read_text() == whole


def test_without_a_place_to_keep_it_it_is_measured_every_time(cache):
    cache.write_text("a file, so that no folder can be made")
    for _ in range(2):
        assert measured(Fake(*FAST)).cached is False


def test_a_measurement_on_a_busy_machine_is_not_kept(cache):
    busy = Fake(0.2, 0.3)
    assert len(measured(busy).pairs) == 1
    assert not cache.exists()
    measured(busy)
    assert busy.made == 2


def test_several_runs_are_measured_once_and_go_by_it(monkeypatch):
    probe = PrecisionProbe(0.7, ((1.0, 0.7),), cached=False)
    monkeypatch.setattr(precision, "measured", lambda: probe)
    auto, stated = (
        {"device": "cpu", "trainer": {"precision": choice}} for choice in ("auto", "float32")
    )
    assert probe_for([stated, auto, auto]) is probe
    assert probe_for([stated]) is None
    timer = Fake(*FAST)
    assert chosen("auto", CPU, probe, timer) == Chosen("float32", probe)
    assert chosen("float32", CPU, probe, timer) == Chosen("float32", None)
    assert timer.made == 0
