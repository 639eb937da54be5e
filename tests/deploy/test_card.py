"""The model card says what is known, and its metadata are what Hugging Face's library reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from cifar_lab.deploy.card import Facts, card, metadata
from cifar_lab.deploy.description import Shown
from tests.deploy.bundles import DESCRIBED, USAGE

FACTS = Facts(
    dataset="Insects",
    images=1200,
    model="CustomResNet(width=4)",
    epochs=1,
    command="cifar-lab train experiments=insects",
    hardware="A processor, 2 threads, float32",
    commit="`0123456789ab`",
    recalls=[("ant", 0.9), ("bee", 0.7), ("cat", None)],
)


def fields(described=DESCRIBED, facts=FACTS):
    before, text, after = metadata(described, facts).split("---\n")
    assert (before, after) == ("", "")
    return yaml.safe_load(text)


def test_the_metadata_are_yaml():
    found = fields(replace(DESCRIBED, name="a: b # 'c' \"d\" – ü"))
    assert found["license"] == "unknown"
    assert found["model-index"][0]["name"] == "a: b # 'c' \"d\" – ü"
    assert fields(facts=replace(FACTS, licence="mit"))["license"] == "mit"


@pytest.mark.extra("app")  # which brings the library along
def test_hugging_faces_library_reads_the_results():
    import huggingface_hub as hub

    text = f"{metadata(DESCRIBED, FACTS)}\n{card(DESCRIBED, FACTS)}"
    found = hub.ModelCard(text)
    assert found.data.pipeline_tag == "image-classification"
    test, validation = found.data.eval_results
    assert (test.dataset_split, test.metric_type, test.metric_value) == ("test", "accuracy", 0.8)
    assert (validation.dataset_split, validation.metric_value) == ("validation", 0.9)


def test_it_says_how_good_it_is():
    text = card(DESCRIBED, FACTS)
    # Wilson's interval of 40 of 50, by statsmodels' proportion_confint.
    assert "| test | 50 | 80.0 % (67.0 to 88.8) | 0.4000 |" in text
    assert "| bee | 70.00 % |" in text
    assert "| cat | – |" in text
    assert "It was evaluated in float32." in text
    changed = replace(DESCRIBED, usage=replace(USAGE, precision="bfloat16"), float32_changes=0.0123)
    assert "In float32, 1.23 % of the test images are classified differently." in card(
        changed, FACTS
    )


def test_it_says_what_it_does_not_know():
    unknown = replace(
        DESCRIBED,
        test=None,
        run=None,
        usage=replace(USAGE, energy_limit=None, energy_images=0),
    )
    text = card(unknown, replace(FACTS, commit=None, recalls=()))
    assert "The test images were not evaluated." in text
    assert "There were no validation images, so that images far from those in" in text
    assert "commit" not in text
    assert "None" not in text


def test_of_many_classes_the_hardest_are_listed():
    recalls = [(f"class {n}", n / 100) for n in range(100)]
    text = card(DESCRIBED, replace(FACTS, recalls=recalls[::-1]))
    assert "| class 0 | 0.00 % |" in text
    assert "| class 19 |" in text
    assert "| class 20 |" not in text
    assert "These are the hardest of 100 classes." in text


def test_it_says_of_which_images_it_shows_some():
    shown = (Shown("examples/00-ant.png", "7", 0, 0),)
    text = card(replace(DESCRIBED, examples=shown, evaluated="validation"), FACTS)
    assert "images in `examples/` are validation images of the data set" in text
    assert "cifar-lab predict . examples/00-ant.png" in text


def test_names_of_classes_are_text():
    usage = replace(USAGE, class_names=("<script>", "[a](http://b)", "c|d"))
    text = card(replace(DESCRIBED, usage=usage), FACTS)
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "[a](http" not in text
