"""A combination is left out of a sweep if all of a rule applies to it."""

from __future__ import annotations

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.excluded import Excluded
from cifar_lab.config.many import ManyPreflights
from cifar_lab.refusal import Refusal

COMPOSER = Composer()


@pytest.mark.parametrize(
    ("rule", "left_out"),
    [
        ("model=resnet18", True),
        ("model=resnet18 optimizer=sgd", True),
        ("model=resnet18 optimizer=adam", False),
        ("optimizer=adam,sgd trainer.epochs=24", True),
        ("trainer.epochs=3", False),
    ],
)
def test_a_combination_is_left_out_if_all_of_a_rule_applies(rule, left_out):
    config = ManyPreflights(COMPOSER, [])(["model=resnet18"]).config
    excluded = Excluded([rule], COMPOSER)
    assert excluded(config) is left_out
    assert excluded.unused() == ([] if left_out else [rule])


def test_a_rule_about_a_key_that_does_not_exist_is_refused():
    with pytest.raises(Refusal, match="there is no key 'modle'; did you mean 'model'"):
        Excluded(["modle=x"], COMPOSER)(COMPOSER.compose([]))
