"""Which devices have bfloat16, and what a precision affects."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch
from torch import nn

from cifar_lab.precision import autocast, has_bfloat16

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not CPUINFO.is_file(), reason="needs Linux on x86-64"
)
def test_the_cpu_has_bfloat16_where_the_kernel_lists_its_instructions():
    flags = CPUINFO.read_text().split()
    assert has_bfloat16(CPU) == ("avx512_bf16" in flags or "amx_tile" in flags)


def test_a_torch_without_the_probes_has_no_bfloat16(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert has_bfloat16(CPU) is False


@pytest.mark.parametrize(
    ("chosen", "expected"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_products_are_computed_in_the_chosen_precision_and_weights_stay_float32(chosen, expected):
    layer = nn.Linear(4, 3)
    with autocast(chosen, CPU):
        output = layer(torch.ones(2, 4))
    assert output.dtype is expected
    output.float().sum().backward()
    assert layer.weight.dtype is torch.float32
    assert layer.weight.grad.dtype is torch.float32
    assert layer(torch.ones(2, 4)).dtype is torch.float32  # unchanged outside
