"""Counts the tests of each extra of setup.cfg and of the browser.

A test that needs an extra is marked ``@pytest.mark.extra("mlflow")``, one that needs chromium
``@pytest.mark.browser``; where they are missing, it is skipped. With ``NOTHING_SKIPPED=1``, as in
the gate, a test that is skipped fails the session, unless all it needs is CUDA; so does an extra
without a test.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Without these options Chromium looks up hosts on its own.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
BROWSER = "browser"
#: Of a property of a test's report, which workers send to the process that counts.
NEEDS = "needs"


def pytest_configure(config: pytest.Config) -> None:
    strict = bool(os.environ.get("NOTHING_SKIPPED"))
    config.pluginmanager.register(Extras(missing(config.rootpath / "setup.cfg"), strict))


def missing(setup_cfg: Path) -> dict[str, str | None]:
    """By name of what tests may need, what is missing of it; None for nothing."""
    parser = ConfigParser()
    parser.read(setup_cfg)
    extras = {name: text.split("\n") for name, text in parser["options.extras_require"].items()}
    del extras["dev"]
    found = {
        name: None if all(map(_installed, filter(None, lines))) else f"needs the extra '{name}'"
        for name, lines in sorted(extras.items())
    }
    return {**found, BROWSER: None if CHROMIUM else "needs chromium (apt-get install chromium)"}


def _installed(line: str) -> bool:
    requirement = Requirement(line)
    try:
        return requirement.specifier.contains(version(requirement.name))
    except PackageNotFoundError:
        return False


class Extras:
    """Skips tests whose packages are missing, and counts those that ran.

    Args:
        missing: by name of what tests may need, what is missing of it; None for nothing.
        strict: whether a skipped test, or nothing to count, fails the session.
    """

    def __init__(self, missing: dict[str, str | None], strict: bool) -> None:
        self._missing, self._strict = missing, strict
        self._ran: Counter[str] = Counter()
        self._skipped: dict[str, str] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        named = [str(mark.args[0]) for mark in item.iter_markers("extra")]
        for name in {*named, *([BROWSER] if item.get_closest_marker(BROWSER) else [])}:
            if name not in self._missing:
                raise pytest.UsageError(f"{item.nodeid}: setup.cfg has no extra '{name}'")
            item.user_properties.append((NEEDS, name))
            if reason := self._missing[name]:
                item.add_marker(pytest.mark.skip(reason=reason))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._keep(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._keep(report)
        elif report.when == "call":
            self._ran.update(str(name) for key, name in report.user_properties if key == NEEDS)

    def _keep(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        self._skipped[report.nodeid] = str(reason).removeprefix("Skipped: ")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        counts = not hasattr(session.config, "workerinput")
        if counts and self._faults() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _faults(self) -> list[str]:
        if not self._strict:
            return []
        skips = [f"{test}: skipped: {r}" for test, r in self._skipped.items() if "CUDA" not in r]
        return [*skips, *(f"no test ran for {n}" for n in self._missing if not self._ran[n])]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        shown = [name for name in self._missing if self._strict or self._ran[name]]
        if shown:
            counts = ", ".join(f"{name} {self._ran[name]}" for name in shown)
            terminalreporter.write_line(f"tests for each extra: {counts}")
        for fault in self._faults():
            terminalreporter.write_line(f"error: {fault}", red=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real one, for tests marked ``browser``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
