"""Accuracy on corrupted or on other test images, of runs that were evaluated on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cifar_lab.results.measures import Measure
from cifar_lab.run.record import Run
from cifar_lab.run.robustness import SuiteResult


def on_suite(run: Run, suite: str) -> SuiteResult | None:
    """Results on a suite; None without any, and if the run's test set is closed."""
    if run.robustness is None or run.summary.test is None:
        return None
    return next((each for each in run.robustness.suites if each.suite == suite), None)


def _accuracy(suite: str) -> Callable[[Run], float | None]:
    return lambda run: getattr(on_suite(run, suite), "accuracy", None)


#: By name of the suite. Nothing is ranked by them.
ON_SUITES = {
    suite: Measure(name, f"{label} ({suite})", "%", _accuracy(suite), "test", False, 100.0, 2)
    for suite, name, label in (
        ("corruptions@lab", "corruptions_lab_accuracy", "mean corruption accuracy"),
        ("CIFAR-10-C", "cifar10_c_accuracy", "mean corruption accuracy"),
        ("CIFAR-10.1 v4", "cifar10_1_v4_accuracy", "accuracy"),
        ("CIFAR-10.1 v6", "cifar10_1_v6_accuracy", "accuracy"),
    )
}


def same_images(runs: Sequence[Run], suite: str) -> bool:
    """Whether all runs that were evaluated on a suite, at least one, saw the same images."""
    found = [on_suite(run, suite) for run in runs]
    return len({each.fingerprint for each in found if each is not None}) == 1


def told_of_suites(runs: Sequence[Run]) -> list[str]:
    """Sentences on how to read the accuracy on suites, and on what of it is left out."""
    counts = {suite: sum(on_suite(run, suite) is not None for run in runs) for suite in ON_SUITES}
    used = {suite: count for suite, count in counts.items() if count}
    if not used:
        return []
    told = [
        "Corrupted and other test images: nothing is ranked by them, and whether differences may "
        "be due to chance is not tested. Means are over all corruptions and severities, and are "
        "not divided by the error of another network."
    ]
    for suite, count in used.items():
        if not same_images(runs, suite):
            told.append(
                f"{suite} is not compared: the runs saw different images of it; evaluate them "
                "again on the same ones."
            )
        elif count < len(runs):
            told.append(
                f"{suite}: {count:,} of {len(runs):,} runs were evaluated on it; a configuration "
                "has a value if all of its runs were."
            )
    return told
