"""Stand-ins for the clones of timm and pytorch-cifar, with their interfaces and without training.

The repositories cannot be downloaded in a test; what is tested with these is the plumbing alone.
"""

from __future__ import annotations

from pathlib import Path

TIMM = """
import argparse, logging
from pathlib import Path
from timm.models import create_model
from timm.utils import setup_default_logging

parser = argparse.ArgumentParser()
for name in ("data-dir", "train-split", "val-split", "model", "opt", "device", "output"):
    parser.add_argument("--" + name)
for name in ("num-classes", "img-size", "epochs", "warmup-epochs", "cooldown-epochs", "workers"):
    parser.add_argument("--" + name, type=int)
for name in ("lr", "weight-decay", "smoothing", "color-jitter"):
    parser.add_argument("--" + name, type=float)
parser.add_argument("-b", "--batch-size", type=int)
parser.add_argument("--no-prefetcher", action="store_true")


def main():
    setup_default_logging()
    args = parser.parse_args()
    log = logging.getLogger("train")
    model = create_model(args.model, pretrained=False, in_chans=3, num_classes=args.num_classes)
    count = sum(p.numel() for p in model.parameters())
    log.info(f"Model {args.model} created, param count:{count}")
    images = len(list(Path(args.data_dir, args.val_split).glob("*/*.png")))
    assert images and list(Path(args.data_dir, args.train_split).glob("*/*.png"))
    log.info(f"Test: [   0/0]  Acc@1:  12.500 ( 25.000)  Acc@5:  50.000 ( 50.000)")


if __name__ == "__main__":
    main()
"""

PYTORCH_CIFAR = """
import argparse
import torch
import torchvision
import torchvision.transforms as transforms
from models import *
from utils import progress_bar

parser = argparse.ArgumentParser()
parser.add_argument("--lr", default=0.1, type=float)
args = parser.parse_args()
start_epoch = 0
stack = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.ToTensor()])
trainset = torchvision.datasets.CIFAR10(root="./data", train=True, download=True, transform=stack)
testset = torchvision.datasets.CIFAR10(root="./data", train=False, download=True, transform=stack)
loader = torch.utils.data.DataLoader(testset, batch_size=100, shuffle=False, num_workers=2)

# net = VGG('VGG19')
net = SimpleDLA()
net = net.to("cpu")
assert trainset[0][0].shape == (3, 32, 32)


def test(epoch):
    total = 0
    for index, (images, labels) in enumerate(loader):
        total += len(labels)
        progress_bar(index, len(loader), "Acc: %.3f%% (%d/%d)" % (100 / total, 1, total))


for epoch in range(start_epoch, start_epoch+200):
    print(type(net).__name__, "epoch", epoch)
    test(epoch)
"""

MODELS = """
from torch import nn


class ResNet18(nn.Module): ...


class SimpleDLA(nn.Module): ...
"""

UTILS = """
import os

_, width = os.popen("stty size", "r").read().split()


def progress_bar(current, total, message):
    print(f"{current}/{total} {message}"[:int(width)])
"""


def write(folder: Path) -> None:
    """Writes both as they lie below ``BENCH_PEERS``."""
    timm, cifar = folder / "pytorch-image-models", folder / "pytorch-cifar"
    timm.mkdir(parents=True)
    (timm / "train.py").write_text(TIMM)
    (cifar / "models").mkdir(parents=True)
    (cifar / "models" / "__init__.py").write_text(MODELS)
    (cifar / "main.py").write_text(PYTORCH_CIFAR)
    (cifar / "utils.py").write_text(UTILS)
