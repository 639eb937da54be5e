"""The last sections: the configuration with its differences marked, environment and command."""

from __future__ import annotations

import pytest

from cifar_lab.report.blocks import Code, Table
from cifar_lab.report.sections.origin import marked_lines, model, origin
from cifar_lab.run.code import OwnModule, OwnModules
from cifar_lab.run.git import Git
from tests.report.readings import reading

LINES = """seed: 1
trainer:
  epochs: 30
  batch_size: 64
dataset:
  _target_: Digits
  mean: null
augmentation:
  train:
    cutout:
      size:
      - 8
      - 8
    flip: x""".splitlines()


def test_a_value_that_differs_is_marked_alone():
    assert marked_lines(LINES, {"trainer.epochs"}) == {2}


def test_a_node_that_differs_is_marked_whole_and_lists_with_their_key():
    assert marked_lines(LINES, {"dataset", "augmentation.train.cutout.size"}) == {
        4, 5, 6, 10, 11, 12,
    }  # fmt: skip


def test_a_key_is_not_taken_for_another_of_its_name():
    assert marked_lines(LINES, {"epochs", "trainer.seed"}) == frozenset()


def test_the_command_and_the_environment_are_told():
    command, environment, _, configuration = origin(reading()).blocks
    assert isinstance(command, Code)
    assert list(command.lines) == ["cifar-lab train seed=0 'name=<b>'"]
    assert isinstance(environment, Table)
    told = dict(environment.rows)
    assert told["commit"] == "0123456789abcdef, with uncommitted changes"
    assert told["libraries"] == "torch 2.15.0"
    assert told["environment variables"] == "OMP_NUM_THREADS=2"
    assert "your code" not in told
    assert configuration.marked == {3}
    assert configuration.lines[3] == "  epochs: 30"


def test_a_run_outside_a_checkout_has_no_commit():
    told = dict(origin(reading(git=None)).blocks[1].rows)
    assert told["commit"] == "not run from a Git checkout"


def test_files_of_the_users_own_are_told_with_hash_and_commit():
    own = OwnModules((OwnModule("net", "ab" * 32),), Git("cd" * 20, dirty=True), None)
    told = dict(origin(reading(own_code=own)).blocks[1].rows)
    assert told["your code"] == "net (abababababab); commit cdcdcdcdcdcd (changed)"


def test_the_model_table_is_shown_as_it_is():
    assert list(model(reading()).blocks[1].lines) == ["Conv2d <64> 1,728", "Total memory"]


@pytest.mark.parametrize(("lines", "label"), [(100, None), (101, "Table of layers, 101 lines")])
def test_a_long_table_of_layers_is_folded(lines, label):
    table = model(reading(model_table="\n".join(["Linear"] * lines))).blocks[1]
    assert (len(table.lines), table.folded) == (lines, label)


def test_the_models_totals_are_those_of_an_image_and_of_a_batch():
    totals = model(reading(parameters=11_173_962, multiply_adds=555_422_720)).blocks[0]
    assert totals.text == (
        "11,173,962 parameters; 555.42 million multiply-adds per image, 284.38 billion per batch "
        "of 512."
    )
