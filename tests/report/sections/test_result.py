"""The first screen against the numbers of the run."""

from __future__ import annotations

from cifar_lab.report.blocks import Facts, Text
from cifar_lab.report.sections.result import CLOSED, first_screen, lead
from cifar_lab.run.origin import Difference
from cifar_lab.run.summary import Evaluated
from tests.report.readings import closed, reading


def facts(**changes) -> dict[str, str]:
    block = first_screen(reading(**changes))[0]
    assert isinstance(block, Facts)
    return dict(block.facts)


def texts(**changes) -> str:
    return " ".join(b.text for b in first_screen(reading(**changes)) if isinstance(b, Text))


def test_the_result_is_on_the_first_screen():
    assert facts() == {
        "Test accuracy": "75.00 %",
        "95 % interval": "46.8 to 91.1 %",  # Wilson's for 9 of 12
        "Validation accuracy": "90.50 %",
        "Misclassified test images": "3 of 12",
        "Parameters": "6,573,120",
        "Multiply-adds": "379.3 million",
        "Training time": "1 h 1 min",
    }
    assert "the checkpoint of epoch 2: the best by validation accuracy" in texts()


def test_what_was_run_is_one_sentence():
    assert lead(reading().run) == (
        "Net(width=<4>) on Custom, trained for 2 of 30 epochs on CPU <Z> in bfloat16. Stopped "
        "early: time was up."
    )
    short = reading(stopped=None, epochs_planned=1)
    assert lead(short.run).endswith("1 epoch on CPU <Z> in bfloat16.")


def test_test_time_flips_are_named_beside_the_accuracy_without_them():
    flips = Evaluated(accuracy=0.7, loss=0.4, count=12)
    found = facts(test_without_flips=flips)
    assert found["Test accuracy with test-time flip averaging"] == "75.00 %"
    assert found["Without flip averaging"] == "70.00 %"
    assert "Test accuracy" not in found
    assert "are with test-time flip averaging" in texts(test_without_flips=flips)


def test_while_the_test_set_is_closed_the_result_is_of_the_validation_images():
    block, *said = first_screen(closed())
    found = dict(block.facts)
    assert (found["Validation accuracy"], found["Misclassified validation images"]) == (
        "66.67 %", "1 of 3",
    )  # fmt: skip
    assert found["95 % interval"] == "20.8 to 93.9 %"  # Wilson's for 2 of 3
    assert not any("test" in name.lower() for name in found)
    assert said[1].text == CLOSED
    assert CLOSED not in texts()


def test_its_test_time_flips_are_those_of_its_configuration():
    config = {**reading().run.config, "trainer": {"test_time_flips": True}}
    block, text, *_ = first_screen(closed(config=config))
    assert "Validation accuracy with test-time flip averaging" in dict(block.facts)
    assert text.text.endswith("of each image and its mirror image.")


def test_without_validation_there_is_no_validation_accuracy():
    assert "Validation accuracy" not in facts(validation=None)


def test_what_differs_from_the_defaults_is_one_sentence():
    assert "Differs from the defaults in trainer.epochs (24 → 30)." in texts()
    assert "Nothing differs from the defaults." in texts(differences=())
    places = (Difference("dataset.root", "a", "b"),)
    assert "Nothing differs from the defaults." in texts(differences=places)


def test_many_differences_are_counted_and_long_values_cut():
    many = [Difference(f"k{n}", "1", "2") for n in range(1, 7)]
    told = texts(differences=(Difference("k0", "1", f"Net({'x' * 50})"), *many))
    assert "k0 (1 → Net), k1 (1 → 2)" in told
    assert "k4 (1 → 2) and 2 more, marked in the configuration below." in told


def test_an_older_run_says_that_it_does_not_know():
    assert "were not yet recorded" in texts(differences=None)
