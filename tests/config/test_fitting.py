"""Overrides that name no option and no key: what is said, and that what it tells to type works."""

from __future__ import annotations

import re

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

COMPOSER = Composer()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+experiments=x", "experiments has no option 'x'; the options are: cifar10_short"),
        ("+experiments=digits", r"leave out the \+; write experiments=digits$"),
        ("++model=resnet18", r"leave out the \+; write model=resnet18$"),
        ("debug=null", "debug=null: leave it out, or write ~debug, to choose none"),
        ("experiments=null", "leave it out, or write ~experiments, to choose none"),
        ("model=null", "a run needs a model; the options are: custom_resnet"),
        ("hydra/launcher=ray", r"no option 'ray'; .* basic.*pip install 'cifar-lab\[joblib\]'"),
        ("hydra/launcher=null", "a run needs a hydra/launcher"),
        ("hydra/nothing=x", "Hydra has no group 'hydra/nothing'"),
        ("+experiment=x", "no key 'experiment'; did you mean 'experiments'.; write experiments=x"),
        ("experiment=x", "no key 'experiment'; did you mean 'experiments'.; write experiments=x"),
        ("dataset=[digits,cifar10]", "a run takes exactly one option of dataset"),
        ("model@x=resnet18", "a group cannot be moved; write model=resnet18"),
        ("trainer/epochs=3", "no group 'trainer/epochs'; did you mean 'trainer.epochs'"),
        ("~trainer.max_minutes", "its value is null already; leave this override out"),
        ("~profile_batches", "its value is null already; leave this override out"),
        ("~dataset.mean", "its value is null already; leave this override out"),
        ("~seed=3", "the value is 0, not 3"),
        ("+seed=3", "the key exists already; write seed=3"),
        ("+hydra.nothing=1", "Hydra has no key 'hydra.nothing'"),
        ("+hydra.run.nothing=1", "Hydra has no key 'hydra.run.nothing'"),
        ("hydra.nothing=1", "Hydra has no key 'hydra.nothing'"),
        (
            "trainer.freeze_after_epochs={layer1:1}",
            r"has no key 'layer1'; add it with \+trainer.freeze_after_epochs.layer1=1$",
        ),
        (
            "trainer.freeze_after_epochs.layer1=1",
            r"write \+trainer.freeze_after_epochs.layer1=1$",
        ),
        ("augmentation.train=[a]", "holds named values and cannot be a list"),
        ("model=" + "x" * 9000, r"^model=x{54}… \(9,006 characters\)"),
        ("x" * 9000 + "=3", r"^x{60}… \(9,002 characters\)"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_what_to_type(override, message):
    (problem,) = preflight(COMPOSER, [override]).problems
    assert re.search(message, problem), problem
    assert len(problem) < 500


@pytest.mark.parametrize(
    "overrides",
    [
        ["~debug"],
        ["+trainer.freeze_after_epochs.layer1=1"],
        ["experiments=[digits]"],
        ["hydra/job_logging=none"],
        ["hydra.run.dir=elsewhere"],
        ["+hydra.job.env_set.A=b"],
        ["++seed=3"],
        ["~augmentation.train.cutout"],
    ],
)
def test_what_hydra_offers_goes_on_working(overrides):
    assert preflight(COMPOSER, overrides).problems == []
