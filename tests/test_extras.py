"""The tests of each extra are counted, and in the gate none may be skipped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.extras import missing

SETUP = """
[options.extras_require]
there =
    pytest >=8
old =
    pytest <1
gone =
    no-such-package
# Not an extra to count.
dev =
    another
[tool:pytest]
markers =
    extra(name): needs it
    browser: needs it
"""
TESTS = """
import pytest

@pytest.mark.extra("there")
@pytest.mark.parametrize("number", range(3))
def test_there(number): ...

@pytest.mark.extra("there")
@pytest.mark.xfail
def test_known(): assert False
"""
ONE = '@pytest.mark.extra("{}")\ndef test_{}(): ...\n'
GONE, OLD, ODD = (ONE.format(name, name) for name in ("gone", "old", "odd"))
CUDA = '@pytest.mark.skipif(True, reason="needs CUDA")\ndef test_cuda(): ...\n'
CALLED = "import pytest\n" + 'def test_called(): pytest.skip("needs a pen")\n'
WHOLE = 'import pytest\npytest.importorskip("no_such_package")\n'
ALL_MARKED = TESTS + "@pytest.mark.browser\ndef test_page(): ...\n"


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs tests in a project of their own."""
    monkeypatch.setattr("tests.extras.CHROMIUM", "/a/browser")
    monkeypatch.delenv("NOTHING_SKIPPED", raising=False)
    # Workers get the search path that xdist saw first, which lacks this checkout unless pytest was
    # started as a module.
    path = [str(Path(__file__).parents[1]), *sys.path]
    for module in ("xdist.plugin", "xdist.workermanage"):
        monkeypatch.setattr(f"{module}._sys_path", path)

    def run(tests, *words, strict=False, setup=SETUP, **more):
        if strict:
            monkeypatch.setenv("NOTHING_SKIPPED", "1")
        pytester.makefile(".cfg", setup=setup)
        pytester.makepyfile(test_it=tests, **more)
        return pytester.runpytest_inprocess(
            "-p", "tests.extras", "-p", "no:cacheprovider", "-p", "no:timeout", *words
        )

    return run


def test_an_extra_is_missing_if_a_package_or_its_version_is(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.extras.CHROMIUM", None)
    (tmp_path / "setup.cfg").write_text(SETUP)
    assert missing(tmp_path / "setup.cfg") == {
        "there": None,
        "old": "needs the extra 'old'",
        "gone": "needs the extra 'gone'",
        "browser": "needs chromium (apt-get install chromium)",
    }


@pytest.mark.parametrize("words", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_tests_that_ran_are_counted(run, words):
    found = run(ALL_MARKED + GONE, "-rs", *words)
    found.assert_outcomes(passed=4, xfailed=1, skipped=1)
    assert found.ret == 0
    assert "tests for each extra: there 4, browser 1" in found.outlines
    assert any("needs the extra 'gone'" in line for line in found.outlines)


@pytest.mark.parametrize("words", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_in_the_gate_only_a_test_that_needs_cuda_is_skipped(run, words):
    setup = SETUP.replace("no-such-package", "pytest").replace("pytest <1", "pytest")
    found = run(ALL_MARKED + GONE + OLD + CUDA, *words, strict=True, setup=setup)
    assert found.ret == 0
    assert "tests for each extra: gone 1, old 1, there 4, browser 1" in found.outlines
    told = run(CALLED, *words, strict=True, setup=setup, test_whole=WHOLE)
    assert told.ret == 1
    errors = {line for line in told.outlines if line.startswith("error: ")}
    assert "error: test_it.py::test_called: skipped: needs a pen" in errors
    assert any(line.startswith("error: test_whole.py: skipped: could not imp") for line in errors)


def test_in_the_gate_every_extra_has_a_test_that_runs(run):
    found = run(TESTS + GONE, strict=True)
    assert found.ret == 1
    assert [line for line in found.outlines if line.startswith("error: ")] == [
        "error: test_it.py::test_gone: skipped: needs the extra 'gone'",
        "error: no test ran for gone",
        "error: no test ran for old",
        "error: no test ran for browser",
    ]


def test_a_mark_names_an_extra_of_setup_cfg(run):
    found = run(TESTS + ODD)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: test_it.py::test_odd: setup.cfg has no extra 'odd'" in found.errlines
