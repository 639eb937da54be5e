"""A network of a user's own leaves with its Python files, which are imported only with trust."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import cifar_lab
from cifar_lab.cli.main import main
from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.run.record import Run
from tests.cli.own_files import forget, train
from tests.made import pixels_of_digits


@pytest.fixture
def bundle(place):
    """The bundle of a run of ``own/``, which lies elsewhere by then."""
    run = Run(train(place))
    _ = run.provenance, run.predictions  # are read while they are there
    assert main(["export", "latest", "-o", "../bundle", "--config-dir", "conf"]) == 0
    forget(place)
    place.rename(place.with_name("elsewhere"))
    return run, place.parent / "bundle"


def test_the_files_that_the_network_needs_are_in_it(bundle):
    _, folder = bundle
    described = read_bundle(folder).description
    names = [module.name for module in described.modules]
    assert len(names) == 2
    assert described.architecture.own
    assert described.architecture.arguments == {"width": 4, "num_classes": 10}
    for module in described.modules:
        assert (folder / module.file).is_file()


def test_it_is_imported_only_with_trust_and_predicts_the_same(bundle):
    run, folder = bundle
    with pytest.raises(cifar_lab.Refusal, match="which is not imported: add --trust"):
        cifar_lab.open_bundle(folder)
    opened = cifar_lab.open_bundle(folder, trust=True)
    assert type(opened.model).__name__ == "Net"
    torch.set_num_threads(run.provenance.threads)
    logits = opened.predict(pixels_of_digits()).logits
    np.testing.assert_array_equal(logits, run.predictions.logits)


def test_an_unfinished_run_is_refused(place, capsys):
    folder = train(place)
    folder.summary.unlink()
    assert main(["export", str(folder.path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (place / "exports").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "ending"),
    [pytest.param("onnx", ".onnx", marks=pytest.mark.extra("onnx")), ("torch-export", ".pt2")],
)
def test_other_formats_are_one_file(place, capsys, form, ending):
    run = Run(train(place))
    words = ["export", "latest", "--format", form, "--config-dir", "conf"]
    assert main(words) == 0
    (file,) = (place / "exports").iterdir()
    assert file.name == f"default-{run.id[:8]}{ending}"
    told = capsys.readouterr()
    assert re.search(
        "in batches of 1, 2, 7 and 256 images, its logits are those of the network in float32 "
        r"(bit for bit|within [1-9]e-\d\d)\n",
        told.out,
    )
    assert "no heat maps" in told.out + told.err
    assert main(words) == 2  # it is there by now


def test_flags_of_a_bundle_and_unknown_formats_are_refused(place, capsys):
    train(place)
    words = ["export", "latest", "--format", "torch-export", "--license", "mit"]
    assert main([*words, "--misclassified", "0", "--service"]) == 2
    told = capsys.readouterr().err
    assert "--service belongs to a bundle" in told
    assert "--license belongs to a bundle" in told
    assert "--misclassified belongs to a bundle" in told
    assert main(["export", "latest", "--format", "tflite"]) == 2
    assert "invalid choice: 'tflite'" in capsys.readouterr().err
