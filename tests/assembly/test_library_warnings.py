from __future__ import annotations

import warnings

import pytest

from cifar_lab.assembly.augmentation import augmentation
from cifar_lab.assembly.library_warnings import refused_from

BLUR = {"_target_": "albumentations.Blur", "blur_limit": 3, "p": 1.0}


def module(name: str, stacklevel: int = 1):
    """A function as a library's module would hold it; calling it warns."""
    space = {"__name__": name, "warnings": warnings}
    text = f"def warn(kind):\n    warnings.warn('old', kind, stacklevel={stacklevel})\n"
    exec(compile(text, f"{name}.py", "exec"), space)
    return space["warn"]


@pytest.mark.parametrize("stacklevel", [1, 2, 3])
def test_the_librarys_own_warning_is_raised_whoever_it_is_attributed_to(stacklevel):
    warn = module("albumentations.core.validation", stacklevel)
    with pytest.raises(UserWarning, match="old"), refused_from("albumentations"):
        warn(UserWarning)


@pytest.mark.parametrize("name", ["other", "albumentations_like", "hydra.core"])
def test_a_deprecation_in_another_library_is_only_a_warning(name):
    after = []

    def deprecated() -> None:
        with refused_from("albumentations"):
            module(name)(DeprecationWarning)
            after.append("went on")

    with pytest.warns(DeprecationWarning, match="old"):
        deprecated()
    assert after == ["went on"]


def test_filters_from_outside_hold_for_the_warnings_of_others():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("ignore")
        with refused_from("albumentations"):
            module("other")(DeprecationWarning)
    assert seen == []


def test_a_stack_is_built_though_another_library_deprecates_something(monkeypatch):
    warn = module("hydra.utils")
    from cifar_lab.assembly import parts

    instantiate = parts.instantiate

    def deprecated(*args, **kwargs):
        warn(DeprecationWarning)
        return instantiate(*args, **kwargs)

    monkeypatch.setattr(parts, "instantiate", deprecated)
    with pytest.warns(DeprecationWarning, match="old"):
        stack = augmentation({"blur": BLUR}, None, 0, 10, (8, 8), lowered=False)
    assert stack is not None


def test_an_argument_that_albumentations_ignores_is_refused():
    wrong = {**BLUR, "blur_limitt": 3}
    with pytest.raises(Exception, match="blur_limitt"):
        augmentation({"blur": wrong}, None, 0, 10, (8, 8), lowered=False)
