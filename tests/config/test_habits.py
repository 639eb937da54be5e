"""What people type from habit leads to what it is called here, in one message."""

from __future__ import annotations

import re

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.fitting import has_key
from cifar_lab.config.habits import FLAGS, KEYS, OPTIONS

TYPED = {
    "trainer.gpus=1": "trainer.gpus=1: there is no key 'trainer.gpus'; write device=cuda or ",
    "ckpt_path=x.ckpt": "ckpt_path=x.ckpt: there is no key 'ckpt_path'; continue a run with "
    "`cifar-lab resume RUN`, or begin with its weights: model.weights=RUN",
    "logger=wandb": "logger=wandb: there is no key 'logger'; trackers and callbacks are hooks: "
    "hooks=wandb",
    "+logger=csv": "+logger=csv: there is no key 'logger'; trackers",
    "callbacks=mine": "there is no key 'callbacks'; trackers and callbacks are hooks: hooks=mine; ",
    "tags=[a,b]": "tags=[a,b]: there is no key 'tags'; `cifar-lab tag RUN WORD` tags a run",
    "hparams_search=x": "search with `cifar-lab train -m hydra/sweeper=search`; an experiment st",
    "train=False": "train=False: there is no key 'train'; `cifar-lab eval RUN` evaluates a run",
    "trainer.max_epochs=3": "there is no key 'trainer.max_epochs'; write trainer.epochs=3",
    "debug=fdr": "debug=fdr: debug has no option 'fdr'; write debug=smoke",
}


@pytest.mark.parametrize("words", [["check"], ["train", "--cfg", "job"]], ids=" ".join)
def test_all_are_told_at_once_each_in_one_line(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*words, *TYPED]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(TYPED)
    for typed, told in TYPED.items():
        (line,) = [x for x in lines if x.startswith(f"error: {typed}: ")]
        assert told in line
        assert "did you mean" not in line


@pytest.mark.parametrize("words", [["check"], ["train", "--cfg", "job"]], ids=" ".join)
def test_an_option_too(words, capsys):
    assert main([*words, "trainer=gpu"]) == 2
    told = "error: trainer=gpu: trainer has no option 'gpu'; write device=cuda\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("verb", ["train", "check", "find-lr", "ablate"])
def test_flags_of_scripts_are_told_as_overrides(verb, capsys):
    assert main([verb, "--lr", "0.1", "--opt=adamw", "-b", "64", "--amp", "--epochs", "3"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: {flag}: is not a flag here; write {meant}"
        for flag, meant in [
            ("--lr 0.1", "optimizer.lr=0.1"),
            ("--opt=adamw", "optimizer=adamw"),
            ("-b 64", "trainer.batch_size=64"),
            ("--amp", "trainer.precision=bfloat16"),
            ("--epochs 3", "trainer.epochs=3"),
        ]
    ]


def test_a_flag_without_a_value_is_told_without_one(capsys):
    assert main(["train", "--lr", "seed=1"]) == 2
    assert "--lr: is not a flag here; write optimizer.lr=…\n" in capsys.readouterr().err


def test_no_habit_is_a_key_an_option_or_a_flag_of_ours():
    composer = Composer()
    config = composer.compose([])
    assert [key for key in KEYS if has_key(config, key)] == []
    assert [(g, o) for g, o in OPTIONS if o in composer.options(g)] == []


def test_every_override_that_is_advised_fits():
    """But for what further options and later parts bring."""
    elsewhere = {"hooks", "model.weights", "mixing.alpha", "trainer.devices"}
    elsewhere |= {"scheduler.warmup_epochs"}
    composer = Composer()
    config = composer.compose([])
    texts = " ".join([*KEYS.values(), *OPTIONS.values(), *FLAGS.values()])
    advised = {tuple(text.split("=")) for text in re.findall(r"[a-z][\w./]*=[^\s=,;`]+", texts)}
    assert len(advised) > 30
    for key, value in advised:
        if composer.options(key) and value[0] not in "{…":
            assert value in composer.options(key), key
        else:
            assert key in elsewhere or has_key(config, key), key
