"""An exported network is used from Python like a run's."""

from __future__ import annotations

import numpy as np
import pytest

import cifar_lab
from tests.deploy.bundles import a_bundle, network

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 40, 30, 3), dtype=np.uint8)


@pytest.fixture
def bundle(tmp_path):
    return cifar_lab.open_bundle(a_bundle(tmp_path / "insects"))


def test_it_predicts_and_explains(bundle):
    found = bundle.predict(IMAGES)
    assert found.logits.shape == (4, 3)
    assert set(found.labels) <= {"ant", "bee", "cat"} == set(bundle.class_names)
    explained = bundle.explain(IMAGES, layer="layer1", target="cat")
    assert explained.labels == ("cat",) * 4
    assert (explained.layer, len(explained.maps)) == ("layer1", 4)


def test_its_model_is_the_exported_one(bundle):
    for name, tensor in network().state_dict().items():
        np.testing.assert_array_equal(bundle.model.state_dict()[name], tensor)
    assert not bundle.model.training


def test_it_says_what_it_is(bundle):
    assert repr(bundle).endswith("insects, CustomResNet, 3 classes)")
    assert bundle.description.test.accuracy == 0.8


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(cifar_lab.Refusal, match=r"is not a bundle: it has no bundle\.json"):
        cifar_lab.open_bundle(tmp_path)
