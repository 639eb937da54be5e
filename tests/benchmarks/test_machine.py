"""Tests which features of a processor count as used."""

from __future__ import annotations

import pytest

from benchmarks import machine
from benchmarks.targets import AMX_BF16, AVX512_BF16


@pytest.mark.parametrize(
    ("held", "used"),
    [
        (None, [AVX512_BF16, AMX_BF16]),
        ("ALL", [AVX512_BF16, AMX_BF16]),
        ("avx512_core_amx", [AVX512_BF16, AMX_BF16]),
        ("AVX512_CORE_BF16", [AVX512_BF16]),
        ("AVX512_CORE", []),
        ("AVX2", []),
    ],
)
def test_features_are_what_the_processor_has_and_onednn_may_use(monkeypatch, held, used):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(machine, "_read", lambda path: "flags : fma avx512_bf16 amx_bf16 amx_tile")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if held is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", held)
    assert machine.features() == used


def test_an_older_processor_has_neither(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(machine, "_read", lambda path: "flags : fma avx2 avx512_bf16x")
    assert machine.features() == []
