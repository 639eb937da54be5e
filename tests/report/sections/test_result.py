"""The first screen against the numbers of the run."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score, log_loss

from cifar_lab.analysis.predictions import softmax
from cifar_lab.report.blocks import Facts, Findings, Text
from cifar_lab.report.sections.result import CLOSED, costs, first_screen, lead, results
from cifar_lab.run.origin import Difference
from cifar_lab.run.predictions import Predictions, SplitPredictions
from cifar_lab.run.summary import Evaluated
from tests.report.readings import LABELS, PREDICTED, closed, reading


def facts(**changes) -> dict[str, str]:
    """The results."""
    return dict(results(reading(**changes).run))


def cost(seconds: float | None = None, **changes) -> dict[str, str]:
    """The costs, where rows have the columns of a run of now."""
    rows = [
        {**row, "epoch_seconds": 100.0, "evaluation_seconds": 10.0, "images_per_second": speed}
        for row, speed in zip(reading().run.metrics, (300.0, 500.0), strict=True)
    ]
    return dict(costs(reading(**{"metrics": rows, **changes}).run, seconds))


def texts(**changes) -> str:
    return " ".join(b.text for b in first_screen(reading(**changes)) if isinstance(b, Text))


def test_the_result_is_on_the_first_screen():
    assert facts() == {
        "Test accuracy": "75.00 %",
        "95 % interval": "46.77 to 91.11 %",  # Wilson's for 9 of 12
        "Validation accuracy": "90.50 %",
        "Macro F1": f"{100 * f1_score(LABELS, PREDICTED, average='macro'):.2f} %",
        "Negative log-likelihood": f"{log_loss(LABELS, softmax(reading().logits)):.4f} nats",
        "Misclassified test images": "3 of 12",
    }
    assert "the checkpoint of epoch 2: the best by validation accuracy" in texts()


def test_results_come_first_then_what_stands_out_and_what_they_cost():
    found = first_screen(reading())
    assert [type(block) for block in found[:3]] == [Facts, Findings, Facts]
    assert found[0].facts[0] == ("Test accuracy", "75.00 %")
    assert found[2].facts[0] == ("Parameters", "6,573,120")


def test_where_classes_differ_in_size_the_balanced_accuracy_is_told():
    labels = np.repeat(np.arange(3), (6, 4, 2))
    logits = np.eye(3, dtype=np.float32)[[0] * 6 + [1] * 4 + [0] * 2]
    found = facts(predictions=Predictions(SplitPredictions(logits, labels, LABELS), None))
    assert found["Balanced accuracy"] == "66.67 %"  # recalls of 1, 1 and 0
    assert "Balanced accuracy" not in facts()


def test_among_more_than_ten_classes_the_top_five_are_told():
    for classes, there in ((10, False), (11, True)):
        logits = np.tile(np.arange(classes, dtype=np.float32), (12, 1))
        labels = np.full(12, classes - 5)
        labels[:3] = classes - 6
        found = facts(predictions=Predictions(SplitPredictions(logits, labels, LABELS), None))
        assert found.get("Top-5 accuracy") == ("75.00 %" if there else None)


def test_the_costs_are_size_speed_and_where_the_time_went():
    assert cost(7.26) == {
        "Parameters": "6,573,120",
        "Multiply-adds per image": "379.3 million",
        "Training images per second": "400",  # the median
        "Training time": "1 h 0 min",  # 3661.2 s, of which 20 s were evaluation
        "Evaluation time": "21.5 s",  # and 1.5 s at the end
        "Report time": "7.3 s",
    }
    assert cost(training_seconds=200.0)["Training time"] == "3 min 0 s"
    rows = reading().run.metrics
    assert "Training time" not in cost(metrics=[rows[0], {**rows[1], "evaluation_seconds": 1.0}])
    assert "Report time" not in cost()


def test_an_older_run_has_the_times_that_it_recorded():
    older = cost(metrics=reading().run.metrics)
    assert older["Training time, with evaluation"] == "1 h 1 min"
    assert older["Final evaluation"] == "1.5 s"
    assert "Training images per second" not in older
    oldest = cost(metrics=reading().run.metrics, evaluation_seconds=None)
    assert "Final evaluation" not in oldest


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
    block, _, _, *said = first_screen(closed())
    found = dict(block.facts)
    assert (found["Validation accuracy"], found["Misclassified validation images"]) == (
        "66.67 %", "1 of 3",
    )  # fmt: skip
    assert found["95 % interval"] == "20.77 to 93.85 %"  # Wilson's for 2 of 3
    assert not any("test" in name.lower() for name in found)
    assert said[1].text == CLOSED
    assert CLOSED not in texts()


def test_its_test_time_flips_are_those_of_its_configuration():
    config = {**reading().run.config, "trainer": {"test_time_flips": True}}
    block, _, _, text, *_ = first_screen(closed(config=config))
    assert "Validation accuracy with test-time flip averaging" in dict(block.facts)
    assert text.text.endswith("of each image and its mirror image.")


def test_without_validation_there_is_no_validation_accuracy():
    assert "Validation accuracy" not in facts(validation=None)


def test_what_differs_from_the_defaults_is_one_sentence():
    assert "Differs from the defaults in trainer.epochs (24 → 30)." in texts()
    assert "Nothing differs from the defaults." in texts(differences=())
    places = (Difference("dataset.root", "a", "b"),)
    assert "Nothing differs from the defaults." in texts(differences=places)


def test_what_was_removed_or_added_is_told_as_such():
    gone = Difference("augmentation.train.flip", "HorizontalFlip(p=0.5)", "absent")
    new = Difference("augmentation.train.noise", "absent", "Noise(p=1.0)")
    told = texts(differences=(gone, new))
    assert "augmentation.train.flip (HorizontalFlip(p=0.5) removed)" in told
    assert "augmentation.train.noise (Noise(p=1.0) added)" in told


def test_many_differences_are_counted_and_long_values_cut():
    many = [Difference(f"k{n}", "1", "2") for n in range(1, 7)]
    told = texts(differences=(Difference("k0", "1", f"Net({'x' * 50})"), *many))
    assert "k0 (1 → Net), k1 (1 → 2)" in told
    assert "k4 (1 → 2) and 2 more, marked in the configuration below." in told


def test_an_older_run_says_that_it_does_not_know():
    assert "were not yet recorded" in texts(differences=None)
