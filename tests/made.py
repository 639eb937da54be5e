"""Records of runs, made by hand; each part can be changed by its name."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from cifar_lab.data.sources import Digits
from cifar_lab.run.claim import claim
from cifar_lab.run.files import object_text, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.git import Git
from cifar_lab.run.manifest import Manifest, entry, read_manifest, write_manifest
from cifar_lab.run.origin import Difference
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.record import Run
from cifar_lab.run.status import Status
from cifar_lab.run.summary import ClassSummary, Result, Summary, ValidationResult

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def pixels_of_digits() -> NDArray[np.uint8]:
    """The test images of ``dataset=digits``, ``(360, 32, 32, 3)``."""
    source = Digits(
        validation_fraction=0.1, split_seed=0, limit_train_images=None, mean=None, std=None
    )
    return source.load().source.test.images


def a_summary(accuracy: float = 0.75, **changes: Any) -> Summary:
    """Of a run of two epochs, validated."""
    summary = Summary(
        name="digits",
        dataset="Digits",
        model="ResNet18",
        parameters=6_573_120,
        multiply_adds=379_266_432,
        epochs_planned=20,
        epochs_trained=20,
        stopped=None,
        reported_epoch=17,
        reported_because="the best by validation accuracy",
        validation=ValidationResult(accuracy=0.905, loss=0.4, count=200, wrong=19),
        test=Result(accuracy=accuracy, loss=0.3, count=12, wrong=3),
        test_without_flips=None,
        test_without_copies=None,
        evaluated="test",
        per_class=(ClassSummary("ant", 12, 0.75, 0.75, 0.75),),
        final={"epoch": 20, "train_accuracy": 0.9},
        training_seconds=120.0,
        evaluation_seconds=1.5,
        work=None,
        eager_because=None,
    )
    return dataclasses.replace(summary, **changes)


def a_provenance(**changes: Any) -> Provenance:
    """Of a run on two threads, with one difference from the defaults."""
    provenance = Provenance(
        command="cifar-lab train seed=0",
        working_directory="/somewhere",
        config_sha256="0" * 64,
        git=Git(COMMIT, dirty=False),
        python="3.11.7",
        platform="Linux",
        libraries={"torch": "2.15.0", "absent": None},
        device="cpu",
        device_name="A processor",
        processes=1,
        threads=2,
        environment={},
        precision="bf16",
        precision_probe=None,
        fast_path={"step": "eager"},
        data_fingerprint="fedcba9876543210",
        seed=0,
        differences=(Difference("trainer.epochs", "24", "30"),),
        replaced_options=(),
        weights=None,
        parent=None,
        own_code=None,
    )
    return dataclasses.replace(provenance, **changes)


def a_status(**changes: Any) -> Status:
    """Of a run that is done."""
    status = Status(
        state="done",
        started="2025-01-01T00:00:00+00:00",
        ended="2025-01-01T01:00:00+00:00",
        host="elsewhere",
        pid=0,
        resumed=(),
        error=None,
        traceback=None,
    )
    return dataclasses.replace(status, **changes)


CONFIG: dict[str, Any] = {
    "name": "digits",
    "seed": 0,
    "model": {"_target_": "cifar_lab.models.ResNet18", "pooled_size": 2},
    "optimizer": {"_target_": "cifar_lab.optim.sgd", "lr": 0.1, "nesterov": True},
}


def a_run(
    path: Path,
    state: str = "done",
    summary: Summary | None = None,
    config: Mapping[str, Any] = CONFIG,
    choices: Mapping[str, Any] | None = None,
    **status: Any,
) -> RunFolder:
    """Makes the folder of a run that wrote its records; only one that is done has a result.

    Args:
        path: of the folder.
        state: as in its status.
        summary: its result.
        config: its configuration.
        choices: by group, the option that was chosen; None makes a run whose options were not kept.
        status: further fields of its status.
    """
    folder = RunFolder(path)
    hydra = {
        "hydra": {"runtime": {"version": "1.3", "choices": dict(choices or {})}, "verbose": False}
    }
    texts = {"config.yaml": yaml.safe_dump(dict(config), sort_keys=False)}
    if choices is not None:
        texts["hydra.yaml"] = yaml.safe_dump(hydra, sort_keys=False)
    claim(folder, texts)
    write_object(folder.status, a_status(state=state, **status))
    contents: dict[Path, str | bytes] = {
        folder.provenance: object_text(a_provenance()),
        folder.best_checkpoint: b"the best",
        folder.last_checkpoint: b"the last one",
    }
    if state == "done":
        contents[folder.summary] = object_text(summary or a_summary())
    Run(folder).files.write(contents)
    return folder


def entered(folder: RunFolder) -> None:
    """Enters the files in the manifest as they are now, as if the run had written them so."""
    manifest = read_manifest(folder.manifest)
    present = [name for name in manifest.files if (folder.path / name).is_file()]
    files = {name: entry((folder.path / name).read_bytes()) for name in present}
    write_manifest(folder.manifest, Manifest.of(manifest.id, files))


def interrupted(folder: RunFolder) -> None:
    """Puts a finished run back to where its last epoch had ended."""
    status = json.loads(folder.status.read_text())
    folder.status.write_text(json.dumps({**status, "state": "interrupted"}))
    for path in (folder.summary, folder.predictions):
        path.unlink()
    entered(folder)


def made_run(
    path: Path, provenance: Provenance | None = None, summary: Summary | None = None, **run: Any
) -> RunFolder:
    """Makes a run as :func:`a_run` does, with a provenance of its own."""
    folder = a_run(path, summary=summary, **run)
    if provenance is not None:
        Run(folder).files.write({folder.provenance: object_text(provenance)})
    return folder


def without_its_time(report: Path) -> str:
    """The page of a run, but for how long it took to draw."""
    found, times = re.subn(r"(Report time</dt><dd>)[^<]+", r"\1", report.read_text())
    assert times == 1
    return found
