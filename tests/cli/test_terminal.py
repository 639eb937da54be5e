"""What a terminal shows, and logs and pipes do not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

import cifar_lab
from cifar_lab.cli.main import main
from cifar_lab.cli.terminal import announce, say
from cifar_lab.cli.verbs import VERBS, help_of
from cifar_lab.explain.attribution import METHODS
from cifar_lab.explain.targets import TARGETS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def errors_to(monkeypatch: pytest.MonkeyPatch, file: io.StringIO) -> io.StringIO:
    """Standard error, of 40 columns if it is a terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", file)
    return file


def test_messages_break_between_words_on_a_terminal_only(monkeypatch, capsys):
    narrow = errors_to(monkeypatch, Terminal())
    assert main(["trian"]) == 2
    lines = narrow.getvalue().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40
    words = " ".join(lines).split()
    say("a " * 40)
    assert capsys.readouterr().out == "a " * 40 + "\n"
    piped = errors_to(monkeypatch, io.StringIO())
    assert main(["trian"]) == 2
    assert len(piped.getvalue().splitlines()) == 1
    assert piped.getvalue().split() == words


def test_nothing_that_is_said_controls_the_terminal(capsys, monkeypatch):
    say("\x1b[2Jname\rno\nsecond \x9b line\u202e")
    assert capsys.readouterr().out == "\\x1b[2Jname\\rno\nsecond \\x9b line\\u202e\n"
    narrow = errors_to(monkeypatch, Terminal())
    say("\x1b[2J", narrow)
    assert narrow.getvalue() == "\\x1b[2J\n"


def test_a_message_stays_one_line(capsys):
    assert main(["\x1b[2Jtrian\nerror: more"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(r"error: there is no verb '\x1b[2Jtrian\nerror: more'")


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_a_narrow_terminal(verb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", Terminal())
    say(help_of(verb))
    whole = [line for line in sys.stdout.getvalue().splitlines() if len(line) > 60]
    assert all(" " not in line.strip() for line in whole)  # a single long word


def test_a_sign_of_life_comes_before_torch_and_on_a_terminal_only(monkeypatch):
    for file, told in ((Terminal(), "loading …\n"), (io.StringIO(), "")):
        errors_to(monkeypatch, file)
        announce("loading")
        assert file.getvalue() == told


def test_train_says_at_once_that_it_loads(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    narrow = errors_to(monkeypatch, Terminal())
    assert main(["train", "trainer.epochs=0"]) == 2
    assert narrow.getvalue().startswith("loading …\nerror: ")


def test_explain_says_values_and_meaning_of_its_options():
    text = help_of("explain")
    assert f"--method {','.join(METHODS)}\n" in text
    assert f"--target {','.join(TARGETS)}\n" in text
    assert "--ids" in text
    assert "--layer" in text


def test_no_colour_is_written_anywhere():
    """So NO_COLOR has nothing to switch off."""
    package = Path(cifar_lab.__file__).parent
    for file in package.rglob("*.py"):
        text = file.read_text()
        assert "\\x1b[" not in text, file
        assert "\\033[" not in text, file
