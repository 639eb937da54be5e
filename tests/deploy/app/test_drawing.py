"""Answers as HTML: what they say, and that no name of a stranger's is HTML itself."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

from cifar_lab.analysis.predictions import Ranked
from cifar_lab.deploy.app import drawing
from cifar_lab.deploy.app.answers import Answer, Explained, Look
from cifar_lab.deploy.app.upload import Image
from cifar_lab.deploy.overlay import overlay
from cifar_lab.refusal import Refusal
from tests.deploy.app.networks import answers_of, bundle, noise
from tests.deploy.bundles import USAGE

LOOK = Look("layer1", None, 0.5, True)
PIXELS = noise(0, 32, 32)
MAP = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
EXPLAINED = Explained(MAP, "hirescam", "layer1", 1, "")
RANKED = [Ranked(1, "bee", 0.6999), Ranked(0, "ant", 0.25), Ranked(2, "cat", 0.0501)]
FOUND = Answer(RANKED, False, EXPLAINED)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return answers_of(bundle(tmp_path_factory.mktemp("drawn") / "bundle"))


def pictures(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Pillow.open(io.BytesIO(base64.b64decode(each)))) for each in found]


def test_the_most_probable_classes_are_bars_with_per_cent(answers):
    html = drawing.answer(answers, Image(PIXELS), FOUND, 2, None)
    assert re.findall(r'title="(\w+)"', html) == ["bee", "ant"]
    assert re.findall(r"width: ([\d.]+)%", html) == ["69.99", "25.00"]
    assert re.findall(r"([\d.]+)\xa0%</span></li>", html) == ["70.0", "25.0"]
    assert "wrong" not in html
    assert "right" not in html


def test_the_image_is_what_the_network_sees_and_the_map_is_over_it(answers):
    html = drawing.answer(answers, Image(PIXELS), FOUND, 2, LOOK)
    image, over = pictures(html)
    np.testing.assert_array_equal(image, PIXELS)
    np.testing.assert_array_equal(over, overlay(PIXELS, MAP, 0.5, True, 320))
    assert "HiResCAM (GradCAM is unfaithful here) at layer1 for “bee”" in html
    assert ("blue: against" in html, "red: for" in html) == (True, True)


def test_the_legend_of_positive_evidence_has_other_colours(answers):
    html = drawing.answer(answers, Image(PIXELS), FOUND, 2, replace(LOOK, signed=False))
    assert "black: none" in html
    assert "blue" not in html
    np.testing.assert_array_equal(pictures(html)[1], overlay(PIXELS, MAP, 0.5, False, 320))


def test_a_map_that_says_nothing_has_no_colours(answers):
    found = FOUND._replace(explained=EXPLAINED._replace(note="no colour: it is too weak"))
    html = drawing.answer(answers, Image(PIXELS), found, 2, LOOK)
    over = pictures(html)[1]
    assert (over[..., 0] == over[..., 1]).all()
    assert "No colour: it is too weak." in html
    assert "blue: against" not in html


@pytest.mark.parametrize(("label", "said"), [(1, "✓ right"), (0, "✗ wrong: it is “ant”")])
def test_a_known_class_is_compared(answers, label, said):
    assert said in drawing.answer(answers, Image(PIXELS, (), label), FOUND, 2, None)


@pytest.mark.parametrize(("far", "said"), [(True, True), (False, False), (None, False)])
def test_a_far_image_is_marked(answers, far, said):
    html = drawing.answer(answers, Image(PIXELS), FOUND._replace(far=far), 2, None)
    assert ("unlike those the network was trained on" in html) is said


def test_notes_are_said(answers):
    assert "It was grey." in drawing.answer(
        answers, Image(PIXELS, ("It was grey.",)), FOUND, 1, None
    )


def test_the_gallery_shows_images_with_both_classes(answers):
    mistakes = answers.mistakes(2, "layer1")
    html = drawing.gallery(answers, mistakes, LOOK)
    assert "Showing 2 of 10 misclassified test images" in html
    assert html.count("<strong>bee</strong> predicted as <strong>cat</strong>") == 2
    assert len(pictures(html)) == 4
    assert len(pictures(drawing.gallery(answers, mistakes, None))) == 2


def test_no_name_is_html(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    usage = replace(USAGE, class_names=(evil, "${alert(1)}", "{{value}}"))
    answers = answers_of(bundle(tmp_path / "bundle", usage=usage, name=evil))
    html = drawing.heading(answers) + drawing.chooser(
        answers, answers.contents.description.examples
    )
    html += drawing.answer(answers, Image(PIXELS, (evil,), 0), FOUND, 3, LOOK)
    html += drawing.gallery(answers, answers.mistakes(9, None), None)
    html += drawing.problem(Refusal(evil))
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html
    assert "m<b>" not in html


def test_a_network_without_mistakes(tmp_path):
    of = bundle(tmp_path / "one", mistakes=0)
    assert "10 test images are misclassified, but none" in drawing.no_mistakes(answers_of(of))
    of = bundle(tmp_path / "two", mistakes=0, misclassified_total=0)
    assert "None of the test images" in drawing.no_mistakes(answers_of(of))


def test_before_there_is_an_image():
    assert "Upload an image" in drawing.nothing()
