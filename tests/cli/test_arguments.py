"""The flags that say whose Python files a run's parts may come from, and the help on them."""

from __future__ import annotations

import pytest

from cifar_lab.cli.arguments import code_flags
from cifar_lab.cli.main import main
from cifar_lab.own_code import Given

TRUSTS = {
    "report": "--trust",
    "explain": "--trust-code",
    "eval": "--trust",
    "resume": "--trust",
    "rerun": "--trust",
    "record": "--trust",
}


@pytest.mark.parametrize(("verb", "flag"), TRUSTS.items())
def test_a_verb_that_reads_a_run_tells_its_flags_and_accepts_them(verb, flag, capsys):
    assert main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"[--config-dir DIR] [{flag}]" in told
    words = ["latest", flag, "--config-dir", "mine", "device=cpu"]
    assert code_flags(words, verb) == (["latest", "device=cpu"], Given("mine", True))
    words.append("--as-recorded")
    if verb == "record":
        assert "[--as-recorded]" not in told
        assert "--as-recorded" in code_flags(words, verb)[0]
    else:
        assert f"[{flag}] [--as-recorded]\n" in told
        assert code_flags(words, verb)[1] == Given("mine", True, True)


@pytest.mark.parametrize("verb", ["train", "check", "find-lr", "show", "ls"])
def test_any_other_verb_trusts_nobody(verb, capsys):
    main([verb, "--help"])
    assert "[--trust" not in capsys.readouterr().out


def test_the_help_on_all_verbs_tells_both_flags(capsys):
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert "--config-dir DIR" in told
    assert "--trust\n(explain: --trust-code)" in told
