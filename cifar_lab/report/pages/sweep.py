"""The page of a sweep: sweep.html and sweep.md, with their figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cifar_lab.report import attempts
from cifar_lab.report.blocks import Page, Section
from cifar_lab.report.page import write_page
from cifar_lab.report.sections import search, sweep, sweep_figures, sweep_ranking
from cifar_lab.results.leaderboard import Leaderboard, leaderboard
from cifar_lab.run.sweep_folder import SweepFolder

LEADS = {
    "sweep": "A sweep: configurations compared over seeds.",
    "ablation": "An ablation: what each piece is worth, by taking it away.",
    "confirmation": "A confirmation: what a sweep chose, run again with new seeds.",
    "search": "A search: trials that a sampler proposed one after another.",
}


def write_sweep(folder: SweepFolder) -> None:
    """Write the page from what the sweep's folder holds, in place of an earlier one.

    Raises:
        Refusal: its plan is damaged.
    """
    write_page(sweep_page(folder), folder.page)


def sweep_page(folder: SweepFolder) -> Page:
    """Make the page.

    Args:
        folder: of the sweep.
    """
    board = leaderboard(folder)
    made: dict[str, Callable[[], Section | None]] = {
        "Ranking": partial(sweep_ranking.ranking, board),
        "Curves": partial(sweep_figures.curves, folder, board),
        "Search": partial(search.search, folder),
        "Ablation": partial(sweep_figures.ablation, board),
        "Effects": partial(sweep_figures.factors_section, board),
        "Accuracy and cost": partial(sweep_figures.cost, board),
        "Confirmations": partial(sweep.confirmations, folder),
        "Failed jobs": partial(sweep.failures, board),
        "Jobs": partial(sweep.jobs, folder, board),
        "Run it again": partial(sweep.again, folder, board),
    }
    sections = [_section(title, make) for title, make in made.items()]
    return Page(
        title=_title(folder, board),
        lead=LEADS[board.plan.kind],
        blocks=list(attempts.blocks("The leaderboard", partial(sweep.first_screen, board))),
        sections=[section for section in sections if section is not None],
    )


def _section(title: str, make: Callable[[], Section | None]) -> Section | None:
    """Make a section, if there is anything to show; one that fails says why."""
    empty = Section(title, [])
    section = attempts.section(title, lambda: make() or empty)
    return None if section is empty else section


def _title(folder: SweepFolder, board: Leaderboard) -> str:
    return f"{board.plan.name} {'/'.join(folder.path.absolute().parts[-2:])}"
