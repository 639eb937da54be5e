"""``cifar_lab.open_run``, and a run with what needs its network."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_lab.api.calls import PathLike, at_work, given_of, listening
from cifar_lab.own_code import Given, OwnCode
from cifar_lab.run.believed import own_code
from cifar_lab.run.find import find_run
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.predictions import Predictions
from cifar_lab.run.record import Run as Recorded
from cifar_lab.run.summary import Summary
from cifar_lab.wording import percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from cifar_lab.api.explanation import Explanation
    from cifar_lab.api.first_screen import Report
    from cifar_lab.api.predicted import Predicted
    from cifar_lab.deploy.classifier import Classifier


def open_run(name: PathLike, *, config_dir: PathLike | None = None, trust: bool = False) -> Run:
    """Open a run.

    Args:
        name: its path; ``"latest"``; ``"best"``, by validation accuracy; or a part of the path of
            exactly one run.
        config_dir: folder beside which Python files of the run's own lie, as ``--config-dir``.
        trust: whether to import the run's own Python files from wherever it says, as ``--trust``.

    Raises:
        Refusal: no run matches, or several do.
    """
    return Run(find_run(OUTPUTS, os.fspath(name)), given_of(config_dir, trust))


class Run:
    """A run: what it recorded, and its network.

    Each part is read when it is first asked for, and then kept; ``open_run`` again shows later
    changes. A file that is missing or damaged is a ``Refusal``.

    Args:
        recorded: its folder.
        given: whose Python files its parts may come from.
    """

    def __init__(self, recorded: Recorded, given: Given = Given()) -> None:  # noqa: B008
        self.recorded = recorded
        self._given = given

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.recorded.folder.path

    @property
    def id(self) -> str | None:
        """Random, 32 hexadecimal digits; None for a run from before runs had one."""
        return self.recorded.id

    @property
    def status(self) -> str:
        """``running``, ``done``, ``failed`` or ``interrupted``; ``died`` if its process is gone."""
        return self.recorded.state

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, by ``cifar-lab tag``."""
        return self.recorded.labels.tags

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration as plain values: ``run.config["optimizer"]["lr"]``."""
        return self.recorded.config

    @property
    def summary(self) -> Summary:
        """Its result; only a run that is done has one."""
        return self.recorded.summary

    @functools.cached_property
    def metrics(self) -> Mapping[str, NDArray[np.float64] | NDArray[np.int64]]:
        """By column of metrics.csv, its value after each epoch: ``(epochs,)``.

        int64 for ``epoch`` and ``step``, else float64; nan where an epoch has no value.
        """
        import numpy as np

        rows = self.recorded.metrics
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: np.asarray([row.get(name, np.nan) for row in rows]) for name in names}

    @property
    def predictions(self) -> Predictions:
        """Of the reported checkpoint, for the test images unless the test set stays closed.

        ``logits`` float32 ``(n, classes)``, ``labels`` int64 ``(n,)`` and ``sample_ids`` ``(n,)``.
        ``.test`` and ``.validation`` have the same of these images, or are None.
        """
        return self.recorded.predictions

    def model(self, device: str = "cpu") -> nn.Module:
        """Load its network with the weights of the reported checkpoint.

        Args:
            device: to put it on.

        Returns:
            In eval mode and float32; maps images ``(n, 3, height, width)``, normalised, to logits
            ``(n, classes)``. Each call loads another one.

        Raises:
            Refusal: the run is not finished, or its checkpoint is damaged or of another network.
        """
        from cifar_lab.recipe.open import network

        return network(self.recorded, device, self._own())

    def predict(self, images: Any) -> Predicted:
        """Classify images of any size, prepared as the run's own were.

        They are turned upright, converted to RGB, resized to the size of the run's images
        (bicubic) and normalised. With ``trainer.test_time_flips``, the logits of each image and its
        mirror image are averaged.

        Args:
            images: a path, a PIL image, a uint8 array ``(height, width)``, ``(height, width, 3)``
                or ``(n, height, width, 3)``, or a list of these.

        Returns:
            Of each image in order, in the precision in which the run was evaluated. For the test
            images, the same as ``run.predictions``: bit for bit on the same device with the same
            number of threads, else up to rounding.

        Raises:
            Refusal: with every image that could not be read.
        """
        from cifar_lab.api.predicted import Predicted

        found = self._classifier
        return Predicted(found.logits(found.pixels(images)), found.usage.class_names)

    def explain(
        self,
        images: Any,
        method: str | None = None,
        *,
        layer: str | None = None,
        target: str | int | None = None,
    ) -> Explanation:
        """Show which parts of images support a class.

        Args:
            images: as for :meth:`predict`.
            method: ``gradcam``, ``hirescam``, ``guided_gradcam``, ``integrated_gradients`` or
                ``occlusion``; None for GradCAM or, where it is unfaithful, HiResCAM.
            layer: of the network; None for the one that the run's report shows.
            target: name or number of a class; None for the class that each image is predicted as.

        Raises:
            Refusal: with what cannot be explained, and what is allowed.
        """
        from cifar_lab.api.explanation import explained

        return explained(self._classifier, images, method, layer, target)

    def export(self, path: PathLike | None = None) -> Path:
        """Write its network into a folder that stands alone, as ``cifar-lab export``.

        Args:
            path: of the new folder; None for ``exports/NAME-ID``.

        Returns:
            The folder; :func:`cifar_lab.open_bundle` opens it.

        Raises:
            Refusal: the folder exists, or the run cannot be exported.
        """
        with at_work():
            from cifar_lab.recipe import exporting
            from cifar_lab.recipe.open import experiment

            place = exporting.place_of(self.recorded, None if path is None else os.fspath(path))
            built = experiment(self.recorded, [], self._own())
            exporting.export(built, self.recorded, place)
        return place

    def report(self, redraw: bool = False) -> Report:
        """Return the first screen of its report, which a notebook shows, with a link to the rest.

        Args:
            redraw: whether to draw the whole report again; it is drawn anyway if there is none.

        Raises:
            Refusal: the run is not finished, or the report cannot be drawn.
        """
        from cifar_lab.api.first_screen import first_screen

        assert self.summary  # reading it refuses an unfinished run
        if redraw or not self.recorded.folder.report.is_file():
            with at_work():
                from cifar_lab.recipe.open import experiment
                from cifar_lab.recipe.read import draw_report

                draw_report(experiment(self.recorded, [], self._own()), self.recorded)
        return first_screen(self.recorded)

    def resume(self) -> Run:
        """Continue an interrupted run in its own folder; returns it as it then is.

        Raises:
            Refusal: it is done or still running, or cannot be continued here.
            RunFailed: as :func:`cifar_lab.train`, likewise ``KeyboardInterrupt``.
        """
        with at_work():
            from cifar_lab.recipe import launch

            launch.resume(self.recorded, [], self._own(), listening)
        return Run(Recorded(self.recorded.folder), self._given)

    @functools.cached_property
    def _classifier(self) -> Classifier:
        from cifar_lab.recipe.classifying import classifier

        return classifier(self.recorded, self._own())

    def _own(self) -> OwnCode:
        return own_code(self.recorded, self._given)

    def __repr__(self) -> str:
        told = [self.path.as_posix(), self.status]
        if self.recorded.finished:
            summary = self.recorded.summary
            told.append(f"{summary.evaluated} accuracy {percent(summary.result.accuracy)}")
        return f"Run({', '.join(told)})"
