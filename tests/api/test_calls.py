"""What a call changes in the process is changed back."""

from __future__ import annotations

import os
import signal

import pytest

from cifar_lab.api.calls import at_work, given_of, listening, overrides_of, path_of
from cifar_lab.engine.interrupts import Interrupted
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal


def test_ctrl_c_is_a_keyboard_interrupt():
    with pytest.raises(KeyboardInterrupt, match="interrupted by SIGINT"):
        with at_work(), listening():
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()


def test_other_signals_do_what_they_would_have_done():
    caught = []
    before = signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))
    try:
        with pytest.raises(SystemExit) as ended, at_work():
            raise Interrupted(signal.SIGTERM)
        assert caught == [signal.SIGTERM]
        assert ended.value.code == 143
    finally:
        signal.signal(signal.SIGTERM, before)


def test_every_word_that_is_no_override_is_named():
    assert overrides_of("train", ["seed=1", "~model"]) == ["seed=1", "~model"]
    with pytest.raises(Refusal) as refused:
        overrides_of("train", ["seed=1", 7, "-m"])
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [
        "cifar_lab.train(7)", "cifar_lab.train('-m')",
    ]  # fmt: skip


def test_folders_are_given_as_texts(tmp_path):
    assert path_of(None) is None
    assert path_of(tmp_path) == str(tmp_path)
    assert given_of(tmp_path, True) == Given(str(tmp_path), True)
