"""Reads lines of oneDNN's log as several versions write them."""

from __future__ import annotations

import contextlib
import os
import tempfile

import pytest
import torch
from torch import nn

from benchmarks.onednn import DATA, FORWARD, WEIGHTS, Convolution, executed

STRIDED = Convolution(64, 128, (3, 3), (2, 2), (32, 32), (16, 16))
PROBLEM = "mb8_ic64oc128_ih32oh16kh3sh2dh0ph1_iw32ow16kw3sw2dw0pw1"
REST = "src:bf16::blocked:acdb::f0 wei:bf16:a:blocked:AcdB64a2b::f0,attr-scratchpad:user"


@pytest.mark.parametrize(
    "line",
    [
        f"onednn_verbose,v1,primitive,exec,cpu,convolution,brg:avx512,{WEIGHTS},{REST},alg:direct,"
        f"{PROBLEM},2.5",
        f"onednn_verbose,v1,1732.5,primitive,exec,cpu,convolution,brg,{WEIGHTS},{REST},alg,"
        f"{PROBLEM},2.5",  # with ONEDNN_VERBOSE_TIMESTAMP=1
        f"onednn_verbose,primitive,exec,cpu,convolution,jit,{WEIGHTS},src_f32,,alg,{PROBLEM},2.5",
        f"onednn_verbose,exec,cpu,convolution,jit:avx2,{WEIGHTS},src_f32,,alg,{PROBLEM},2.5",
        f"dnnl_verbose,exec,cpu,convolution,jit:avx2,{WEIGHTS},src_f32,,alg,{PROBLEM},2.5",
    ],
    ids=["3.13", "time stamps", "3.x", "2.x", "1.x"],
)
def test_a_convolution_of_any_version_is_read(line):
    (found,) = executed(f"a line of the program\n{line}\n")
    assert found == ("convolution", WEIGHTS, STRIDED, 8, 0.0025)


def test_groups_and_square_notation_are_read():
    words = "onednn_verbose,exec,cpu,convolution,jit,forward_training,src,,alg"
    grouped, square = executed(
        f"{words},g2mb16_ic64oc64_ih8oh8kh3sh1dh0ph1_iw8ow8kw3sw1dw0pw1,1\n"
        f"{words},mb16_ic64oc64_ih8oh8kh3sh1dh0ph1,1\n"
    )
    assert grouped.convolution == Convolution(64, 64, (3, 3), (1, 1), (8, 8), (8, 8), 2)
    assert square.convolution == Convolution(64, 64, (3, 3), (1, 1), (8, 8), (8, 8))


def test_other_lines_are_skipped_and_unknown_problems_have_no_size():
    log = """onednn_verbose,v1,info,oneDNN v3.13.3 (commit b38f97e)
onednn_verbose,v1,primitive,info,template:operation,engine,primitive,exec_time
onednn_verbose,v1,primitive,create:cache_miss,cpu,convolution,jit,forward,src,attr,alg,mb1,0.1
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src dst,attr,,64x3x3x3,0.5
onednn_verbose,v1,primitive,exec,cpu,convolution,jit,forward_training,src,attr,alg,strange,2
onednn_verbose,v1,primitive,exec,cpu,convolution,jit,forward_tr"""
    found = list(executed(log))
    assert [(line.primitive, line.convolution) for line in found] == [
        ("reorder", None),
        ("convolution", None),
    ]
    assert found[0].seconds == pytest.approx(0.0005)


def test_operations_are_counted_as_torch_does():
    counter = torch.utils.flop_counter.FlopCounterMode(display=False)
    grouped = Convolution(64, 32, (3, 1), (2, 2), (8, 8), (4, 5), groups=4)
    for size, padding in ((STRIDED, 1), (grouped, (1, 1))):
        layer = nn.Conv2d(
            size.inputs, size.outputs, size.kernel, size.stride, padding, groups=size.groups
        )
        with counter:
            output = layer(torch.zeros(2, size.inputs, *size.size))
        assert output.shape[2:] == size.produced
        assert size.operations(2) == counter.get_total_flops()


def test_what_this_torch_logs_is_read():
    model = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.Conv2d(32, 32, 1, stride=2))
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(32, 16, 8, 8).to(memory_format=torch.channels_last)
    with tempfile.TemporaryFile("w+") as log:
        with _stdout_to(log), torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
            model(images).sum().backward()
        log.seek(0)
        found = [line for line in executed(log.read()) if line.convolution]
    first = Convolution(16, 32, (3, 3), (1, 1), (8, 8), (8, 8))
    second = Convolution(32, 32, (1, 1), (2, 2), (8, 8), (4, 4))
    assert {(line.convolution, line.direction) for line in found} == {
        *((first, direction) for direction in (FORWARD, WEIGHTS)),
        *((second, direction) for direction in (FORWARD, DATA, WEIGHTS)),
    }
    assert {line.images for line in found} == {32}
    assert all(line.seconds > 0 for line in found)


@contextlib.contextmanager
def _stdout_to(file):
    """Sends what C code prints to a file; its buffer is flushed by oneDNN after each line."""
    kept = os.dup(1)
    os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
