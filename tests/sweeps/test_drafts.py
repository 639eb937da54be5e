"""What is drafted from a request: every combination, with the text of what varies."""

from __future__ import annotations

from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request
from cifar_lab.sweeps.drafts import drafted

COMPOSER = Composer()


def test_values_are_the_words_that_vary_in_the_order_of_the_keys():
    request = Request(
        ("name=x", "seed=0,1", "pair=zip(model=choice(a,b),optimizer.lr=choice(1,2))")
    )
    drafts = drafted(COMPOSER, request)
    assert [draft.values for draft in drafts] == [
        {"seed": seed, "model": model, "optimizer.lr": lr}
        for seed in "01"
        for model, lr in (("a", "1"), ("b", "2"))
    ]
    assert drafts[0].overrides == ("name=x", "seed=0", "model=a", "optimizer.lr=1")


def test_a_set_without_a_key_has_no_value_for_it():
    drafts = drafted(COMPOSER, Request((), ("optimizer=sgd scheduler=cosine", "optimizer=adam")))
    assert [draft.values for draft in drafts] == [
        {"optimizer": "sgd", "scheduler": "cosine"},
        {"optimizer": "adam"},
    ]


def test_what_is_deleted_is_said_to_be_left_out():
    drafts = drafted(COMPOSER, Request((), ("~augmentation.train.cutout", "seed=0")))
    assert drafts[0].values == {"augmentation.train.cutout": "left out"}
