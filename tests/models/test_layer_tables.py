"""Parameters and output shapes of every layer of the course studies' networks, by hand."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18
from cifar_lab.models.summary import summarise

# Layers in order of computation: kind, output shape without the batch, parameters.
STEM = """
conv 64×32×32 1,728
norm 64×32×32 128
relu 64×32×32 0
"""
#: Two basic blocks of ResNet18 at full size, without a convolution in the shortcut.
LAYER1 = (
    2
    * """
conv 64×32×32 36,864
norm 64×32×32 128
relu 64×32×32 0
conv 64×32×32 36,864
norm 64×32×32 128
sum  64×32×32 0
relu 64×32×32 0
"""
)
LAYER2 = """
conv 128×16×16 8,192
norm 128×16×16 256
conv 128×16×16 73,728
norm 128×16×16 256
relu 128×16×16 0
conv 128×16×16 147,456
norm 128×16×16 256
sum  128×16×16 0
relu 128×16×16 0
conv 128×16×16 147,456
norm 128×16×16 256
relu 128×16×16 0
conv 128×16×16 147,456
norm 128×16×16 256
sum  128×16×16 0
relu 128×16×16 0
"""
LAYER3 = """
conv 256×8×8 32,768
norm 256×8×8 512
conv 256×8×8 294,912
norm 256×8×8 512
relu 256×8×8 0
conv 256×8×8 589,824
norm 256×8×8 512
sum  256×8×8 0
relu 256×8×8 0
conv 256×8×8 589,824
norm 256×8×8 512
relu 256×8×8 0
conv 256×8×8 589,824
norm 256×8×8 512
sum  256×8×8 0
relu 256×8×8 0
"""
LAYER4 = """
conv 512×4×4 131,072
norm 512×4×4 1,024
conv 512×4×4 1,179,648
norm 512×4×4 1,024
relu 512×4×4 0
conv 512×4×4 2,359,296
norm 512×4×4 1,024
sum  512×4×4 0
relu 512×4×4 0
conv 512×4×4 2,359,296
norm 512×4×4 1,024
relu 512×4×4 0
conv 512×4×4 2,359,296
norm 512×4×4 1,024
sum  512×4×4 0
relu 512×4×4 0
"""
RESNET18 = f"""{STEM}{LAYER1}{LAYER2}{LAYER3}{LAYER4}
pool 512×1×1 0
head 10 5,130
"""
# The same weights in the last stage, which stays at 8×8; the head gets 4 means per channel.
RESNET18_8X8 = f"""{STEM}{LAYER1}{LAYER2}{LAYER3}{LAYER4.replace("4×4", "8×8")}
pool 512×2×2 0
head 10 20,490
"""
CUSTOM_RESNET = f"""{STEM}
conv 128×32×32 73,728
pool 128×16×16 0
norm 128×16×16 256
relu 128×16×16 0
conv 128×16×16 147,456
norm 128×16×16 256
relu 128×16×16 0
conv 128×16×16 147,456
norm 128×16×16 256
relu 128×16×16 0
sum  128×16×16 0
conv 256×16×16 294,912
pool 256×8×8 0
norm 256×8×8 512
relu 256×8×8 0
conv 512×8×8 1,179,648
pool 512×4×4 0
norm 512×4×4 1,024
relu 512×4×4 0
conv 512×4×4 2,359,296
norm 512×4×4 1,024
relu 512×4×4 0
conv 512×4×4 2,359,296
norm 512×4×4 1,024
relu 512×4×4 0
sum  512×4×4 0
pool 512×1×1 0
head 10 5,120
"""
NETWORKS = [
    pytest.param(lambda: CustomResNet(10, 64), CUSTOM_RESNET, 6_573_120, id="custom ResNet"),
    pytest.param(lambda: ResNet18(10, 2, 1), RESNET18, 11_173_962, id="ResNet18"),
    pytest.param(lambda: ResNet18(10, 1, 2), RESNET18_8X8, 11_189_322, id="ResNet18 8×8"),
]
KINDS = {
    "Conv2d": "conv", "BatchNorm2d": "norm", "ReLU": "relu", "MaxPool2d": "pool", "Linear": "head",
    "AdaptiveAvgPool2d": "pool", "AdaptiveMaxPool2d": "pool", "ResidualSum": "sum",
}  # fmt: skip


@pytest.mark.parametrize(("model", "table", "total"), NETWORKS)
def test_every_layer_computes_the_shape_of_its_table_with_its_parameters(model, table, total):
    assert layers_of(model()) == rows_of(table)
    assert sum(parameters for _, _, parameters in rows_of(table)) == total


@pytest.mark.parametrize(("model", "table", "total"), NETWORKS)
def test_the_summary_says_of_every_layer_what_the_table_says(model, table, total):
    printed = []
    for line in summarise(model(), (32, 32)).table.splitlines():
        # │    └─Conv2d (0)    [1, 64, 32, 32]    1,728    1,769,472
        found = re.search(r"─(\w+) \(.+?\) +\[1, ([\d, ]+)\] +([\d,]+|--)", line)
        if found and found[1] in KINDS:
            shape = tuple(map(int, found[2].split(", ")))
            parameters = 0 if found[3] == "--" else int(found[3].replace(",", ""))
            printed.append((KINDS[found[1]], shape, parameters))
    assert printed == rows_of(table)


def layers_of(model: nn.Module) -> list[tuple[str, tuple[int, ...], int]]:
    """Layers in order of computation, without identities."""
    seen: list[tuple[str, tuple[int, ...], int]] = []

    def note(module, _inputs, output):
        parameters = sum(p.numel() for p in module.parameters())
        seen.append((KINDS[type(module).__name__], tuple(output.shape[1:]), parameters))

    for module in model.modules():
        if not isinstance(module, nn.Identity) and not list(module.children()):
            module.register_forward_hook(note)
    with torch.no_grad():
        model.eval()(torch.zeros(2, 3, 32, 32))
    return seen


def rows_of(table: str) -> list[tuple[str, tuple[int, ...], int]]:
    rows = [line.split() for line in table.splitlines() if line]
    return [
        (kind, tuple(map(int, shape.split("×"))), int(parameters.replace(",", "")))
        for kind, shape, parameters in rows
    ]
