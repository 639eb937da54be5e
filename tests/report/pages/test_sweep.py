"""The page of a sweep: what it shows of each kind, and that one figure cannot cost the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cifar_lab.report.blocks import Table, Text
from cifar_lab.report.page import render_markdown
from cifar_lab.report.pages.sweep import sweep_page, write_sweep
from cifar_lab.report.sections.sweep_figures import together
from cifar_lab.results.plan import write_plan
from cifar_lab.results.rows import append_row
from cifar_lab.run.metrics import write_metrics
from cifar_lab.run.sweep_folder import SweepFolder
from tests.results.sweeps import a_plan, a_row


def a_sweep(path: Path, configurations, seeds=2, fail=(), **changes) -> SweepFolder:
    """A folder of a sweep with rows and curves, and without anything else."""
    folder, plan = SweepFolder(path), a_plan(configurations, seeds, **changes)
    path.mkdir(parents=True, exist_ok=True)
    write_plan(folder, plan, [], None)
    for job in plan.jobs:
        place = plan.configurations.index(job.configuration)
        accuracy = 60 + 3 * place + job.seed / 3
        if job.number in fail:
            append_row(folder, a_row(job.number, 0, state="failed", error="ValueError: <no>"))
            continue
        adds = 10**6 * (1 + place)
        append_row(folder, a_row(job.number, accuracy, multiply_adds=adds))
        rows = [
            {"epoch": e, "val_accuracy": accuracy / 100 * e / 2, "val_loss": 2 / e} for e in (1, 2)
        ]
        write_metrics(folder.job(job.name).metrics, rows)
    return folder


TWO = {
    f"{a}{b}": {"optimizer": a, "optimizer.lr": f"0.{len(a)}", "scheduler": b}
    for a in ("sgd", "adamw")
    for b in ("cosine", "constant")
}
THREE = {f"{a}{b}{c}": {"a": str(a), "b": b, "c": c} for a in (1, 2, 4) for b in "xy" for c in "pq"}


def names(page):
    return [picture.name for picture in page.pictures()]


def test_two_factors_are_drawn_as_a_heat_map_and_more_as_parallel_coordinates(tmp_path):
    two = sweep_page(a_sweep(tmp_path / "two", TWO))
    assert names(two) == [
        "sweep_ranking", "sweep_curves", "sweep_effects", "sweep_heat_map", "sweep_cost",
    ]  # fmt: skip
    three = sweep_page(a_sweep(tmp_path / "three", THREE))
    assert "sweep_parallel" in names(three)
    assert not [b for s in (*two.sections, *three.sections) for b in s.blocks
                if isinstance(b, Text) and b.warning]  # fmt: skip


def test_keys_that_vary_together_are_one_factor():
    found = together(["optimizer", "optimizer.lr", "scheduler"], list(TWO.values()))
    assert found[0] == {"optimizer, optimizer.lr": "sgd, 0.3", "scheduler": "cosine"}
    assert len(found) == 4


def test_the_leaderboard_shows_only_the_keys_that_differ(tmp_path):
    page = sweep_page(a_sweep(tmp_path, TWO))
    (table,) = [block for block in page.blocks if isinstance(block, Table)]
    assert list(table.header)[:4] == ["rank", "optimizer", "optimizer.lr", "scheduler"]
    assert table.rows[0][0] == "1"
    assert "failed" not in table.header


def test_the_ranking_says_which_is_best_by_how_much_and_what_is_within_noise(tmp_path):
    # Each pair of runs differs by a third of a point, and each mean is 3 points from the next.
    (ranking,) = [s for s in sweep_page(a_sweep(tmp_path, TWO)).sections if s.title == "Ranking"]
    best = "optimizer=adamw, optimizer.lr=0.5, scheduler=constant"
    assert ranking.blocks[-1].text == (
        f"The best is {best} with 69.17 %, 3.00 points ahead of the next, optimizer=adamw, "
        "optimizer.lr=0.5, scheduler=cosine. No other is within noise of it."
    )
    html = ranking.blocks[0].html
    assert f"{best}: 69.17 ± 0.24 %" in html
    assert html.count(">worse<") == 3


def test_of_single_seeds_no_noise_is_told(tmp_path):
    page = sweep_page(a_sweep(tmp_path, TWO, seeds=1))
    (ranking,) = [section for section in page.sections if section.title == "Ranking"]
    assert "within noise" not in ranking.blocks[-1].text
    assert "Of single seeds, there are no intervals." in ranking.blocks[0].html
    (table,) = [block for block in page.blocks if isinstance(block, Table)]
    assert "against the best" not in table.header


def test_failed_jobs_are_listed_with_their_errors(tmp_path):
    text = render_markdown(sweep_page(a_sweep(tmp_path, TWO, fail=(2,))))
    assert "Failed jobs" in text
    assert r"ValueError: \<no\>" in text


def test_each_further_confirmation_is_counted(tmp_path):
    folder = a_sweep(tmp_path, TWO)
    chosen = {"best": TWO["adamwconstant"]}
    told = {"kind": "confirmation", "ranked": False, "test": "open", "chosen_from": 4}
    for number in (1, 2):
        a_sweep(folder.confirmation(number).path, chosen, **told)
    text = render_markdown(sweep_page(folder))
    assert "This sweep was confirmed 2 times" in text
    assert "another look at the test images" in text


def test_an_ablation_ranks_its_pieces_and_draws_their_costs(tmp_path):
    pieces = {name: {"without": name} for name in ("nothing", "crop", "flip")}
    folder = a_sweep(tmp_path, pieces, 3, kind="ablation", baseline="nothing")
    page = sweep_page(folder)
    assert "ablation" in names(page)
    assert "sweep_effects" not in names(page)
    assert re.search(r"\| crop +\| +63.33 ± 0.33 \| +3 \| +\+3.00 \|", render_markdown(page))


def test_a_sweep_without_results_has_a_page_too(tmp_path):
    folder = SweepFolder(tmp_path)
    write_plan(folder, a_plan(TWO, 1), [], None)
    text = render_markdown(sweep_page(folder))
    assert "0 of 4 jobs done, 4 left." in text


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window_and_asks_nobody_anything(browser, width, tmp_path):
    folder = a_sweep(tmp_path, THREE, fail=(3,))
    write_sweep(folder)
    asked = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(folder.page.absolute().as_uri())
    wide = page.evaluate("document.documentElement.scrollWidth")
    drawn = page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    page.close()
    assert wide <= width
    assert drawn
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
