"""The same small batches are tried by every verb that may train."""

from __future__ import annotations

import pytest

from cifar_lab.cli.main import main
from tests.conftest import BESIDE

SINGLE = ["dataset.limit_train_images=33", "trainer.batch_size=32", "dataset.validation_fraction=0"]


@pytest.mark.parametrize("verb", ["train", "check", "find-lr"])
def test_a_last_batch_of_one_under_batch_norm_is_refused_by_every_verb(
    verb, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    words = ["dataset=digits", "model._target_=tests.cli.nets.BatchNormed", "~model.width", *SINGLE]
    words += BESIDE
    assert main([verb, *words]) == 2
    assert "a batch of 1 image could not be passed through BatchNormed" in (
        told := capsys.readouterr().err
    )
    assert "trainer.batch_size=32 leaves a last batch of one of the 33 training images" in told
    assert not (tmp_path / "outputs").exists()
    # The last batch is not trained then.
    assert main(["check", *words, "trainer.limit_batches=1"]) == 0
