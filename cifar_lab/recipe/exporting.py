"""``export``: writes a run's network into a folder that stands alone."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from cifar_lab.assembly import Experiment
from cifar_lab.data.held_out import held_out
from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.card import metadata
from cifar_lab.deploy.description import Description
from cifar_lab.deploy.formats import COMPARED, LIMITS, Format, write_format
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.deploy.service import service_files
from cifar_lab.deploy.writing import files_of, is_taken, new_folder, taken, write_files
from cifar_lab.own_code import OwnCode
from cifar_lab.recipe.architecture import own_files
from cifar_lab.recipe.classifying import classifier
from cifar_lab.recipe.contents import contents_of_run, facts, logits_of
from cifar_lab.recipe.open import difference_of
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import file_name
from cifar_lab.run.record import Run
from cifar_lab.wording import percent, plural, several

log = logging.getLogger("cifar_lab")


def place_of(run: Run, named: str | None, ending: str = "") -> Path:
    """Return where a run is exported to.

    Args:
        run: a finished run.
        named: where; None for a place below ``exports/``. A folder, if a file is to be written, is
            the one that it is put in.
        ending: of the file that is written; empty for a folder.

    Raises:
        Refusal: something is there already.
    """
    place = Path("exports" if named is None else named)
    if named is None or (ending and place.is_dir()):
        place /= f"{_short_name(run)}{ending}"
    if is_taken(place) or (ending and place.exists()):
        raise Refusal(taken(place))
    return place


def export(
    experiment: Experiment,
    run: Run,
    place: Path,
    misclassified: int | None = None,
    licence: str | None = None,
    service: bool = False,
) -> list[str]:
    """Write a run's bundle, once it is shown to predict what the run recorded.

    Args:
        experiment: the run's experiment; the reported checkpoint's weights are loaded into it.
        run: a finished run.
        place: where the folder is to be.
        misclassified: most misclassified images to show; None for 40.
        licence: identifier of the licence, for the model card; None if it is unknown.
        service: whether to add what runs its server in a container or under systemd.

    Returns:
        Lines that say what was written.

    Raises:
        Refusal: with all that keeps the run from being exported; nothing is written then.
    """
    found = contents_of_run(experiment, run, misclassified, licence)
    described = found.description
    files = files_of(found, metadata(described, facts(run, licence)), experiment.learner.model)
    files |= own_files(run, described.modules)
    if service:
        files |= {name: text.encode() for name, text in service_files(described).items()}
    with new_folder(place) as folder:
        write_files(folder, files)
        same = _checked(folder, experiment, run)
    size = sum(map(len, files.values()))
    images = len(described.examples) + len(described.misclassified)
    return [
        same,
        _in_float32(described),
        f"{plural(images, 'image', 'images')} of the data set "
        f"{'is' if images == 1 else 'are'} in the folder: hand it on only if you may",
        f"bundle: {place} ({size / 1e6:.1f} MB)",
    ]


def export_format(run: Run, form: Format, place: Path, own: OwnCode) -> list[str]:
    """Write a run's network in the format of other programs.

    Args:
        run: a finished run.
        form: the format.
        place: of the file.
        own: where modules of the user's own may come from.

    Returns:
        Lines that say what was written.

    Raises:
        Refusal: the network cannot be exported; nothing is written then.
    """
    for limit in LIMITS[form]:
        log.info(f"note: {limit}")
    difference = write_format(classifier(run, own), form, place, run.id)
    batches = several([str(count) for count in COMPARED])
    within = f"within {difference:.1g}" if difference else "bit for bit"
    return [
        f"in batches of {batches} images, its logits are those of the network in float32 {within}",
        f"{form}: {place} ({place.stat().st_size / 1e6:.1f} MB)",
    ]


def _checked(folder: Path, experiment: Experiment, run: Run) -> str:
    """Open a bundle and say how its logits compare with those that the run recorded.

    Raises:
        Refusal: they differ by more than rounding explains.
    """
    device = str(experiment.learner.device)
    opened = open_bundle(read_bundle(folder), trust=True, device=device)
    split = held_out(experiment.dataset, run.summary.evaluated)
    recorded = run.evaluated.logits
    found = logits_of(opened, split)
    if np.array_equal(found, recorded, equal_nan=True):
        return f"opened again, it gives the logits of predictions.npz, bit for bit ({len(found):,})"
    difference, tolerated = difference_of(found, recorded)
    if not difference <= tolerated:
        raise Refusal(
            f"the bundle of {run.folder.path} does not reproduce the recorded logits: they differ "
            f"by {difference:.3g} (root mean square); nothing was written"
        )
    changed = float((found.argmax(1) != recorded.argmax(1)).mean())
    return (
        f"opened again, its logits differ from those of predictions.npz by {difference:.2g} (root "
        f"mean square), as device, threads or libraries are others: {percent(changed)} of the "
        "predictions change"
    )


def _in_float32(described: Description) -> str:
    if described.float32_changes is None:
        return "evaluated in float32: elsewhere, logits may differ by about 0.0001"
    return (
        f"evaluated in {described.usage.precision}: in float32, "
        f"{percent(described.float32_changes)} of the predictions change"
    )


def _short_name(run: Run) -> str:
    identity = "" if run.id is None else run.id[:8]
    return file_name(run.summary.name, identity)
