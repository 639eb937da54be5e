"""Opens a bundle: its network, ready for images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cifar_lab.deploy.architecture import built
from cifar_lab.deploy.bundle import AGAIN, CODE, WEIGHTS, Bundle
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.description import Architecture, Module
from cifar_lab.own_code import OwnCode, is_own_name, written
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, shortened

#: Most bytes that a file of weights has besides the values, and for each tensor's name and shape.
HEADER, HEADER_OF_EACH = 2**20, 1000


def open_bundle(bundle: Bundle, trust: bool = False, device: str = "cpu") -> Classifier:
    """Load a bundle's network; executes nothing from the bundle unless it is trusted.

    Args:
        bundle: as :func:`cifar_lab.deploy.bundle.read_bundle` returns it.
        trust: whether to import the Python files in it.
        device: the device to put it on.

    Raises:
        Refusal: the network cannot be built, the weights are not exactly its own, or it does not
            compute a logit for each class.
    """
    described = bundle.description
    own = _own_code(bundle) if trust and described.modules else OwnCode()
    model = _with_weights(bundle, own)
    usage = described.usage
    memory_format = torch.channels_last if usage.channels_last else torch.contiguous_format
    model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    classifier = Classifier(model.eval(), usage)
    _try_out(bundle, classifier)
    return classifier


def _with_weights(bundle: Bundle, own: OwnCode) -> nn.Module:
    """Build the network with the bundle's weights.

    A stranger's numbers may ask for more memory than there is. Therefore a network of the lab's is
    first built without memory, to see whether the weights are its own.
    """
    architecture = bundle.description.architecture
    sketch = _sketched(architecture)
    first = built(architecture, own) if sketch is None else sketch
    tensors = _tensors(bundle, first)
    _refuse_others(bundle, first, tensors)
    model = first if sketch is None else built(architecture, own)
    model.load_state_dict(tensors)
    return model


def _sketched(architecture: Architecture) -> nn.Module | None:
    """Build a network of the lab's without memory; None if it computes with values meanwhile."""
    if architecture.own:
        return None
    try:
        with torch.device("meta"):
            return built(architecture)
    except Refusal as error:
        if "meta" in str(error.__cause__).lower():  # as torch calls tensors without values
            return None
        raise


def _tensors(bundle: Bundle, model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors in the file, unless it is larger than it can be for the network."""
    from safetensors.torch import load

    file, state = bundle.path / WEIGHTS, model.state_dict()
    most = sum(each.nbytes for each in state.values()) + HEADER + HEADER_OF_EACH * len(state)
    try:
        size = file.stat().st_size
        if size > most:
            name = bundle.description.architecture.name
            raise Refusal(
                f"{file} has {size:,} bytes, and the weights of {name} have at most {most:,}; "
                f"{AGAIN}"
            )
        return load(bundle.read(WEIGHTS))
    except Refusal:
        raise
    except Exception as error:  # the library's own errors, of whatever the file holds
        raise Refusal(f"{file} could not be loaded: {first_sentence(error)}; {AGAIN}") from error


def _refuse_others(bundle: Bundle, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Refuse tensors that are not exactly those of the network, by name, shape and dtype."""
    problems = _differences(model.state_dict(), tensors)
    if problems:
        listed = shortened("; ".join(problems), 300)
        name = bundle.description.architecture.name
        raise Refusal(f"{bundle.path / WEIGHTS} is not of {name}: {listed}; {AGAIN}")


def _differences(expected: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    missing = [f"{name} is missing" for name in expected if name not in found]
    unknown = [f"{name} is unknown" for name in found if name not in expected]
    other = [
        f"{name} is {_shown(found[name])}, not {_shown(expected[name])}"
        for name in expected
        if name in found and _shown(expected[name]) != _shown(found[name])
    ]
    return missing + unknown + other


def _try_out(bundle: Bundle, classifier: Classifier) -> None:
    """Compute an image: a stranger's numbers may contradict each other, as may a device."""
    usage = classifier.usage
    try:
        found = classifier.logits(np.zeros((1, *usage.image_size, 3), np.uint8)).shape
    except Exception as error:
        raise Refusal(
            f"{bundle.path}: the network could not be run: {first_sentence(error)}"
        ) from error
    if found != (1, len(usage.class_names)):
        raise Refusal(
            f"{bundle.path}: of an image, the network computes an array {found}, and not a logit "
            f"for each of {len(usage.class_names)} classes; {AGAIN}"
        )


def _shown(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _own_code(bundle: Bundle) -> OwnCode:
    """Return the bundle's Python files as the only modules that may be imported."""
    modules = bundle.description.modules
    wrong = [m.name for m in modules if not is_own_name(m.name) or not _is_file_of(m)]
    if wrong:
        raise Refusal(f"{bundle.path}: {wrong[0]} is not a module of a user's own; {AGAIN}")
    contents = {each.file.removeprefix(f"{CODE}/"): bundle.read(each.file) for each in modules}
    return written(contents, frozenset(each.name for each in modules))


def _is_file_of(module: Module) -> bool:
    """Whether a module's copy lies where the module is imported from, and not beside it."""
    below = f"{CODE}/{module.name.replace('.', '/')}"
    return module.file in (f"{below}.py", f"{below}/__init__.py")
