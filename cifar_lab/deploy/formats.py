"""A network in the formats of other programs: ONNX, and torch's exported programs.

Both hold the network alone: normalised images in, logits out, in float32. They are compared with
the network itself before they are kept.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import os
import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.writing import folders_above, not_written
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence

Format = Literal["onnx", "torch-export"]
#: By format, how its files end.
ENDINGS: Mapping[Format, str] = {"onnx": ".onnx", "torch-export": ".pt2"}
#: What each format cannot do.
LIMITS: Mapping[Format, tuple[str, ...]] = {
    "onnx": (
        "ONNX holds the network alone: no preprocessing, no heat maps, no mark of far images",
        "it computes in float32",
    ),
    "torch-export": (
        "an exported program holds the network alone: no preprocessing, no heat maps, no mark of "
        "far images",
        "it computes in float32",
        "cifar-lab never loads one: torch.export.load may run code that is in the file",
    ),
}
#: Sizes of the batches that are compared, and the batch that is traced: of one image, the exporter
#: would take the size for fixed.
COMPARED, TRACED = (1, 2, 7, 256), 2
#: Largest tolerated difference of logits, and of their share if they are larger than 1.
TOLERATED = 1e-4
#: Packages of the extra ``onnx`` that each format needs.
PACKAGES: Mapping[Format, tuple[str, ...]] = {
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "torch-export": (),
}
#: Names of input and output.
IMAGES, LOGITS = "images", "logits"


class Averaged(nn.Module):
    """A network whose logits of image and mirror image are averaged.

    Args:
        model: maps images ``(n, 3, height, width)`` to logits ``(n, classes)``.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return (self.model(images) + self.model(images.flip(3))) / 2


def write_format(classifier: Classifier, form: Format, file: Path, run: str | None) -> float:
    """Write a network in a format, once it is shown to give the network's own logits.

    Args:
        classifier: the network; is not changed.
        form: the format.
        file: is written whole or not at all.
        run: id of the run that trained it, for the file's metadata.

    Returns:
        The largest difference of logits over batches of 1, 2, 7 and 256 images.

    Raises:
        Refusal: the network cannot be exported, or gives other logits, or the file cannot be
            written; nothing is left then.
    """
    model = _alone(classifier)
    write = _write_onnx if form == "onnx" else _write_program
    hidden = file.with_name(f".{file.name}.{secrets.token_hex(8)}.new")
    try:
        with folders_above(file):
            try:
                with _quiet():
                    again = write(model, classifier, hidden, run)
                    found = _difference(model, again, classifier)
                os.replace(hidden, file)
            finally:
                hidden.unlink(missing_ok=True)
    except Refusal:
        raise
    except OSError as error:
        raise Refusal(not_written(file, error)) from error
    except Exception as error:  # the exporters raise whatever their many parts do
        raise Refusal(
            f"--format {form}: {type(classifier.model).__name__} could not be exported: "
            f"{first_sentence(error)}; export a bundle instead"
        ) from error
    return found


def _alone(classifier: Classifier) -> nn.Module:
    """Return a copy of the network on the CPU, with what is done to its logits."""
    model = copy.deepcopy(classifier.model).to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    model.requires_grad_(False)
    return (Averaged(model) if classifier.usage.flips else model).eval()


#: Maps images to logits, as arrays.
Logits = Callable[[Tensor], Tensor]


def _write_onnx(model: nn.Module, classifier: Classifier, file: Path, run: str | None) -> Logits:
    import onnxruntime

    example = _images(classifier, TRACED)
    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=[IMAGES],
        output_names=[LOGITS],
        external_data=False,
    )
    assert program is not None, "with dynamo, there is one"
    program.model.metadata_props.update(_metadata(classifier, run))
    program.save(str(file), external_data=False)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(
        file.read_bytes(), options, providers=["CPUExecutionProvider"]
    )

    def logits(images: Tensor) -> Tensor:
        found: NDArray[np.float32] = session.run([LOGITS], {IMAGES: images.numpy()})[0]
        return torch.from_numpy(found)

    return logits


def _write_program(model: nn.Module, classifier: Classifier, file: Path, run: str | None) -> Logits:
    example = _images(classifier, TRACED)
    program = torch.export.export(
        model, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    content = io.BytesIO()
    torch.export.save(
        program, content, extra_files={"cifar_lab.json": json.dumps(_metadata(classifier, run))}
    )
    file.write_bytes(content.getvalue())
    return program.module()


def _difference(model: nn.Module, again: Logits, classifier: Classifier) -> float:
    """Return the largest difference of logits over several batches.

    Raises:
        Refusal: it is larger than rounding explains.
    """
    found = 0.0
    for count in COMPARED:
        images = _images(classifier, count)
        with torch.no_grad():
            expected, logits = model(images), again(images)
        scale = max(1.0, float(expected.abs().max()))
        difference = float((logits - expected).abs().max())
        if logits.shape != expected.shape or not difference <= TOLERATED * scale:
            raise Refusal(
                f"the exported network gives other logits in a batch of {count}: they differ by up "
                f"to {difference:.2g}, and at most {TOLERATED * scale:.2g} is tolerated; export a "
                "bundle instead"
            )
        found = max(found, difference)
    return found


def _images(classifier: Classifier, count: int) -> Tensor:
    """Return normalised noise, float32 ``(count, 3, height, width)``."""
    size = classifier.usage.image_size
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(count))


def _metadata(classifier: Classifier, run: str | None) -> dict[str, str]:
    usage = classifier.usage
    return {
        "class_names": json.dumps(usage.class_names, ensure_ascii=False),
        "image_size": json.dumps(usage.image_size),
        "mean": json.dumps(usage.mean),
        "std": json.dumps(usage.std),
        "preprocessing": "upright, RGB, resized (bicubic), divided by 255, minus mean, divided by "
        "std; float32 (batch, 3, height, width)",
        "test_time_flips": json.dumps(usage.flips),
        "run": run or "",
        "made_with": "cifar-lab",
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters, which report their own progress, from printing and warning."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    try:
        for each in loggers:
            each.setLevel(logging.ERROR)
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
