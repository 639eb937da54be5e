"""Builds the source of a run's images: one of ours, or one around a user's own object."""

from __future__ import annotations

import dataclasses
from inspect import signature
from typing import Any

from hydra.utils import get_object

from cifar_lab import targets
from cifar_lab.assembly.parts import SAMPLING, made
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.own import OwnSource
from cifar_lab.data.sources import Source


def source(config: dict[str, Any]) -> Source:
    """Build the data source; reads no files."""
    return _source(config["dataset"])


def found(dataset: dict[str, Any]) -> Source:
    """Build the data source and check that its images exist."""
    images = _source(dataset)
    images.check()
    return images


def images(source: Source, load: bool) -> Dataset | None:
    """Load the source's images, or return None if ``load`` is false."""
    return source.load() if load else None


def _source(dataset: dict[str, Any]) -> Source:
    """Build a source, or wrap a user's own object that gives images and labels."""
    dataset = {key: value for key, value in dataset.items() if key != SAMPLING}
    targets.guard(dataset)
    target = get_object(dataset["_target_"])
    if isinstance(target, type) and issubclass(target, Source):
        return made(Source, dataset)
    settings = {field.name for field in dataclasses.fields(OwnSource)}
    takes = signature(target).parameters  # it may ask for a setting of the source as well
    arguments = {k: v for k, v in dataset.items() if k not in settings or k in takes}
    kept = {k: v for k, v in dataset.items() if k in settings}
    return OwnSource(made=made(object, arguments), arguments=arguments, **kept)
