"""Pictures of where the network looks."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.drawing import GAP, OPACITY, SIDE, Drawing
from cifar_lab.deploy.overlay import overlay, shown
from cifar_lab.deploy.predicting import Answers
from cifar_lab.refusal import Refusal
from tests.deploy.test_classifier import IMAGES, USAGE, Net

NAMES = ("a/cat.1.jpeg", "a/cat.1.png", "no name/\ud800 /..", "\n" * 300)


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(Net().eval(), USAGE)


def answered(classifier: Classifier) -> Answers:
    return Answers(NAMES, IMAGES, classifier.logits(IMAGES), None)


def test_the_image_is_beside_its_map(classifier):
    found = list(Drawing(classifier, "hirescam", None, "cat").draw(answered(classifier)))
    maps = classifier.maps(IMAGES, "hirescam", None, "cat").maps
    for (_, content), pixels, map_ in zip(found, IMAGES, maps, strict=True):
        drawn = np.asarray(Image.open(io.BytesIO(content)))
        assert drawn.shape == (SIDE, 2 * SIDE + GAP, 3)
        np.testing.assert_array_equal(drawn[:, :SIDE], shown(pixels, SIDE))
        expected = overlay(pixels, map_, OPACITY, True, SIDE)
        np.testing.assert_array_equal(drawn[:, SIDE + GAP :], expected)


def test_names_hold_class_and_probability_and_are_plain(classifier):
    batch = answered(classifier)
    shares = np.exp(batch.logits) / np.exp(batch.logits).sum(1, keepdims=True)
    drawing = Drawing(classifier, None, None, None)
    names = [name for name, _ in [*drawing.draw(batch), *drawing.draw(batch)]]
    best = [f"{USAGE.class_names[row.argmax()]}-{100 * row.max():.1f}.png" for row in shares]
    assert names[:2] == [f"00001-cat.1-{best[0]}", f"00002-cat.1-{best[1]}"]
    assert len(set(names)) == 8
    for name in names:
        assert len(name) < 100
        assert name.isprintable()
        assert "/" not in name
    named = Drawing(classifier, None, None, 1).draw(batch)
    assert next(named)[0] == f"00001-cat.1-bee-{100 * shares[0, 1]:.1f}.png"


def test_names_of_any_script_are_names_of_files(classifier, tmp_path):
    batch = answered(classifier)
    one = Answers(("蟻" * 80 + ".png",), batch.pixels[:1], batch.logits[:1], None)
    [(name, content)] = Drawing(classifier, None, None, None).draw(one)
    assert name.startswith(f"00001-{'蟻' * 20}-")
    (tmp_path / name).write_bytes(content)


def test_all_batches_are_drawn_with_the_method_of_the_first(classifier, monkeypatch):
    drawing = Drawing(classifier, None, None, None)
    list(drawing.draw(answered(classifier)))
    used = []
    maps = Classifier.maps
    monkeypatch.setattr(
        Classifier, "maps", lambda self, *words: used.append(words[1]) or maps(self, *words)
    )
    list(drawing.draw(answered(classifier)))
    assert used == ["gradcam"]


def test_what_is_unknown_is_refused_before_anything_is_drawn(classifier):
    with pytest.raises(Refusal, match="method=gradcamm: must be one of"):
        Drawing(classifier, "gradcamm", None, None)
    with pytest.raises(Refusal, match="target=dog: there is no such class"):
        Drawing(classifier, None, None, "dog")
