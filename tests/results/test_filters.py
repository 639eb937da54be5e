"""Tests which runs a filter fits, and that what no run could fit is refused."""

from __future__ import annotations

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.results.filters import Filter, refuse_unknown, setting, unknown_keys
from cifar_lab.results.listing import row_of
from cifar_lab.run.files import object_text
from cifar_lab.run.labels import Labels
from cifar_lab.run.record import Run
from tests.made import CONFIG, a_run

CONFIGURED = {
    **CONFIG,
    "trainer": {"_target_": "cifar_lab.engine.Trainer", "precision": None, "epochs": 10},
    "augmentation": {"train": {"crop": {"_target_": "cifar_lab.data.PadAndCrop", "p": 1.0}}},
    "sizes": [4, 4, 8],
}
CHOICES = {"model": "resnet18_8x8", "augmentation": "crop", "debug": None, "trainer": "native"}


@pytest.fixture
def run(tmp_path) -> Run:
    """A run whose options were kept."""
    folder = a_run(tmp_path / "run", config=CONFIGURED, choices=CHOICES)
    Run(folder).files.write({folder.labels: object_text(Labels(("good", "v1.0"), ""))})
    return Run(folder)


@pytest.fixture
def older(tmp_path) -> Run:
    """A run whose options were not kept."""
    return Run(a_run(tmp_path / "older", config=CONFIGURED))


def fits(run: Run, word: str) -> bool:
    return Filter.parsed(word).fits(run, row_of(run))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("state=done", True),
        ("state=failed", False),
        ("tag=good", True),
        ("tag=v1.0", True),
        ("tag=goo", False),
        ("name=digits", True),
        ("name=digit", False),
        ("seed=0", True),
        ("seed=1", False),
        ("optimizer.lr=0.1", True),
        ("optimizer.lr=1e-1", True),
        ("optimizer.lr=0.10", True),
        ("optimizer.lr=.2", False),
        ("optimizer.lr=fast", False),
        ("optimizer.nesterov=true", True),
        ("optimizer.nesterov=True", True),
        ("optimizer.nesterov=1", False),
        ("trainer.precision=null", True),
        ("trainer.precision=bf16", False),
        ("sizes=[4,4,8]", True),
        ("sizes=[4, 4, 8]", True),
        ("sizes=[4,4]", False),
        ("augmentation.train.crop.p=1", True),
        ("optimizer.momentum=0.9", False),
        ("model.pooled_size.x=2", False),
    ],
)
def test_a_filter_compares_values_as_they_are_typed(run, word, expected):
    assert fits(run, word) is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("model=resnet18_8x8", True),
        ("model=resnet18", False),  # another option of the same type
        ("model=ResNet18", True),  # its type
        ("model=RESNET18", False),
        ("augmentation=crop", True),
        ("augmentation=none", False),
        ("debug=null", True),
        ("debug=smoke", False),
        ("trainer=native", True),
        ("optimizer=sgd", True),  # not among the kept options: its type
    ],
)
def test_a_group_is_compared_by_its_option(run, word, expected):
    assert fits(run, word) is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("model=resnet18", True),
        ("model=resnet_18", True),
        ("model=ResNet18", True),
        ("model=resnet18_8x8", False),
        ("model=custom_resnet", False),
        ("augmentation=crop", False),  # it has no type
    ],
)
def test_of_a_run_without_options_the_type_is_compared_loosely(older, word, expected):
    assert fits(older, word) is expected


def test_a_setting_is_a_value_or_the_option_of_a_group(run, older):
    assert setting(run, "optimizer.lr") == 0.1
    assert setting(run, "sizes") == [4, 4, 8]
    assert setting(run, "model") == "resnet18_8x8"
    assert setting(older, "model") == "ResNet18"
    assert setting(run, "augmentation") == "crop"
    assert setting(run, "augmentation.train") is None
    assert setting(run, "optimizer.nothing") is None


def test_what_no_run_could_fit_is_refused_all_at_once(run, older):
    words = ["state=finished", "optimizer.lrr=1", "augmentation.train=x", "wide=2", "state=done"]
    with pytest.raises(Refusal) as refusal:
        refuse_unknown([Filter.parsed(word) for word in words], [run, older])
    key = (
        "no run has such a key with a single value; a filter is state=, tag=, or a group or key "
        "of the configuration, e.g. model=resnet18 or optimizer.lr=0.1"
    )
    assert refusal.value.problems == [
        "state=finished: there is no such state; the states are: running, done, failed, "
        "interrupted, died",
        f"optimizer.lrr: {key}; did you mean 'optimizer.lr'?",
        f"augmentation.train: {key}; did you mean 'augmentation.train.crop.p'?",
        f"wide: {key}",
    ]


def test_a_key_that_one_run_has_is_known(run, older, tmp_path):
    other = {**CONFIG, "scheduler": {"_target_": "cifar_lab.optim.Cosine", "warmup": 3}}
    runs = [run, older, Run(a_run(tmp_path / "other", config=other))]
    assert unknown_keys(["scheduler.warmup", "sizes", "model", "debug"], runs) == {}


def test_among_damaged_runs_every_key_may_exist(run):
    run.folder.config.write_text("name: other\n")
    damaged = Run(run.folder)
    assert unknown_keys(["anything"], [damaged]) == {}
    assert unknown_keys(["anything"], []) == {}
    with pytest.raises(Refusal, match=r"config\.yaml was refused"):
        fits(damaged, "seed=0")
