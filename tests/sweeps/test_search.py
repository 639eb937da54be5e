"""A search has the trials that were asked for, whatever happens to them or to its process."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import read_plan
from cifar_lab.results.rows import read_rows
from cifar_lab.results.trials import trials
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps import search, study
from cifar_lab.sweeps.search import run_search
from cifar_lab.sweeps.search_plan import same_search
from tests.sweeps.searches import LR, NET, SPACE, Killed, Supervisor, a_search, begun, place

pytestmark = pytest.mark.extra("search")
DONE = "done"


@pytest.fixture(scope="module")
def found():
    """A composer, and a search over learning rate and momentum."""
    return a_search(*SPACE)


@pytest.fixture(autouse=True)
def _few_by_chance(monkeypatch):
    """Two trials by chance, so that the sampler learns soon; and no page is drawn."""
    monkeypatch.setattr(search, "STARTUP", 2)
    monkeypatch.setattr(study, "STARTUP", 2)
    monkeypatch.setattr(search, "redraw", lambda folder: None)


def run_with(supervisor, composer, folder, plan, monkeypatch):
    monkeypatch.setattr(search, "supervise", supervisor)
    return run_search(composer, folder, plan)


def told(folder: SweepFolder) -> list[tuple[int, str, float | None, dict[str, object]]]:
    """What Optuna knows, read without the package."""
    plan = read_plan(folder)
    loaded = optuna.load_study(study_name=plan.id, storage=f"sqlite:///{folder.study}")
    return [(t.number, t.state.name, t.value, t.params) for t in loaded.trials]


@pytest.fixture(scope="module")
def uninterrupted(found, tmp_path_factory):
    """The overrides of each job, and what Optuna knows, of a search without incidents."""
    composer, prepared = found
    folder = place(tmp_path_factory.mktemp("whole"))
    with pytest.MonkeyPatch.context() as patch:
        for module in (search, study):
            patch.setattr(module, "STARTUP", 2)
        patch.setattr(search, "redraw", lambda folder: None)
        plan = begun(folder, prepared, trials=6)
        outcome = run_with(Supervisor(), composer, folder, plan, patch)
    assert (outcome.failed, outcome.left) == (0, 0)
    return [job.overrides for job in read_plan(folder).jobs], told(folder)


def test_a_search_tells_optuna_what_each_job_reached(uninterrupted):
    jobs, known = uninterrupted
    assert len(jobs) == 6
    assert [state for _, state, _, _ in known] == ["COMPLETE"] * 6
    for words, (_, _, value, params) in zip(jobs, known, strict=True):
        rate = next(float(w.partition("=")[2]) for w in words if w.startswith("optimizer.lr="))
        assert params["optimizer.lr"] == pytest.approx(rate, rel=1e-5)
        assert value == pytest.approx(0.9 - 0.1 * abs(math.log10(rate) + 2))


@pytest.mark.parametrize("dies_after", [0, 1, 3])
def test_a_search_interrupted_and_continued_is_the_same(
    dies_after, found, uninterrupted, tmp_path, monkeypatch
):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=6)
    first, second = Supervisor(dies_after), Supervisor()
    with pytest.raises(Killed):
        run_with(first, composer, folder, plan, monkeypatch)
    outcome = run_with(second, composer, folder, read_plan(folder), monkeypatch)
    assert outcome.left == 0
    names = [job.name for job in read_plan(folder).jobs]
    assert first.ran + second.ran == names  # each finished trial once
    assert len(first.ran) == dies_after
    assert ([job.overrides for job in read_plan(folder).jobs], told(folder)) == uninterrupted


@pytest.mark.parametrize("saves", [1, 4])
def test_a_search_that_dies_while_it_chooses_is_continued_the_same(
    saves, found, uninterrupted, tmp_path, monkeypatch
):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=6)
    kept, count = search.keep_plan, [0]

    def keep(*args):
        count[0] += 1
        if count[0] == saves:
            raise Killed
        kept(*args)

    monkeypatch.setattr(search, "keep_plan", keep)
    with pytest.raises(Killed):
        run_with(Supervisor(), composer, folder, plan, monkeypatch)
    monkeypatch.setattr(search, "keep_plan", kept)
    run_with(Supervisor(), composer, folder, read_plan(folder), monkeypatch)
    assert ([job.overrides for job in read_plan(folder).jobs], told(folder)) == uninterrupted


def test_a_lost_database_is_written_again_from_the_plan(
    found, uninterrupted, tmp_path, monkeypatch
):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=6)
    with pytest.raises(Killed):
        run_with(Supervisor(3), composer, folder, plan, monkeypatch)
    folder.study.unlink()
    run_with(Supervisor(), composer, folder, read_plan(folder), monkeypatch)
    known, whole = told(folder), uninterrupted[1]
    assert [state for _, state, _, _ in known] == ["COMPLETE"] * 6
    assert [value for _, _, value, _ in known[:3]] == [value for _, _, value, _ in whole[:3]]


def test_failed_and_pruned_trials_end_no_search(found, tmp_path, monkeypatch):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=5)
    supervisor = Supervisor(failing={0, 3}, pruned={2})
    outcome = run_with(supervisor, composer, folder, plan, monkeypatch)
    assert (outcome.failed, outcome.left) == (0, 0)
    states = [state for _, state, _, _ in told(folder)]
    assert states == ["FAIL", "COMPLETE", "PRUNED", "FAIL", "COMPLETE"]
    ended = trials(read_plan(folder), read_rows(folder))
    assert [each.state for each in ended] == ["failed", DONE, "pruned", "failed", DONE]
    # Continued, it has nothing to do: what failed stays so.
    again = Supervisor()
    run_with(again, composer, folder, read_plan(folder), monkeypatch)
    assert again.ran == []


def test_a_search_whose_trials_all_fail_has_failed(found, tmp_path, monkeypatch):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=2)
    outcome = run_with(Supervisor(failing={0, 1}), composer, folder, plan, monkeypatch)
    assert outcome.failed == 2


def test_a_trial_whose_configuration_is_refused_counts_as_failed(found, tmp_path, monkeypatch):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=4)
    compose = search.Further.__call__

    def refusing(self, plan, draft):
        if len(plan.jobs) == 1 and not plan.search.jobless:
            raise Refusal("optimizer.lr: does not go with this")
        return compose(self, plan, draft)

    monkeypatch.setattr(search.Further, "__call__", refusing)
    run_with(Supervisor(), composer, folder, plan, monkeypatch)
    assert [state for _, state, _, _ in told(folder)] == ["COMPLETE", "FAIL"] + ["COMPLETE"] * 2
    ended = trials(read_plan(folder), read_rows(folder))
    assert [(each.number, each.state) for each in ended][1] == (1, "failed")
    assert len(read_plan(folder).jobs) == 3


def test_a_trial_that_repeats_another_is_not_trained_again(tmp_path, monkeypatch):
    composer, prepared = a_search(
        *NET, "optimizer.nesterov=false,true", "hydra.sweeper.sampler=random"
    )
    folder, supervisor = place(tmp_path), Supervisor()
    plan = begun(folder, prepared, trials=5)
    run_with(supervisor, composer, folder, plan, monkeypatch)
    assert len(supervisor.ran) <= 2
    assert supervisor.batches == [len(supervisor.ran)]  # chosen by chance, all at once
    assert [state for _, state, _, _ in told(folder)] == ["COMPLETE"] * 5


def test_a_sampler_that_learns_chooses_as_many_as_run_at_once(found, tmp_path, monkeypatch):
    composer, prepared = found
    folder, supervisor = place(tmp_path), Supervisor()
    plan = begun(folder, prepared, trials=5)
    run_with(supervisor, composer, folder, plan, monkeypatch)
    assert supervisor.batches == [2, 1, 1, 1]


def test_no_job_starts_after_the_time_limit_which_is_no_failure(found, tmp_path, monkeypatch):
    composer, prepared = found
    folder, supervisor = place(tmp_path), Supervisor()
    plan = dataclasses.replace(begun(folder, prepared, trials=5), max_minutes=1e-9)
    outcome = run_with(supervisor, composer, folder, plan, monkeypatch)
    assert (supervisor.ran, outcome.left) == ([], 0)


def test_the_same_search_may_get_more_trials_and_another_one_is_refused(
    found, tmp_path, monkeypatch
):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=2)
    run_with(Supervisor(), composer, folder, plan, monkeypatch)
    more = dataclasses.replace(prepared.plan.search.options, trials=3)
    wanted = dataclasses.replace(
        prepared,
        plan=dataclasses.replace(
            prepared.plan, search=dataclasses.replace(prepared.plan.search, options=more)
        ),
    )
    supervisor = Supervisor()
    run_with(supervisor, composer, folder, same_search(folder, wanted), monkeypatch)
    assert len(supervisor.ran) == 1
    _, other = a_search(*NET, LR, composer=composer)
    with pytest.raises(Refusal, match="holds another sweep"):
        same_search(folder, other)


def test_a_search_does_not_go_on_with_changed_files(found, tmp_path, monkeypatch):
    composer, prepared = found
    folder = place(tmp_path)
    plan = begun(folder, prepared, trials=2)
    with pytest.raises(Killed):
        run_with(Supervisor(1), composer, folder, plan, monkeypatch)
    frozen = json.loads(folder.frozen(0).read_text())
    frozen["config"]["optimizer"]["momentum"] = 0.5
    folder.frozen(0).write_text(json.dumps(frozen))
    with pytest.raises(Refusal, match=r"composed differently .*optimizer\.momentum"):
        run_with(Supervisor(), composer, folder, read_plan(folder), monkeypatch)


@pytest.mark.slow
def test_a_killed_search_trains_what_is_left_and_a_diverging_trial_ends_nothing(
    tmp_path, monkeypatch
):
    """For real: processes, training, a signal that nothing can handle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = [
        "dataset=digits", "model=three_block", "model.widths=[8,8,8]", "debug=smoke",
        "report.enabled=false", "device=cpu", "trainer.precision=float32", "hydra/sweeper=search",
        "hydra.sweeper.trials=4", "hydra.sweeper.sampler=random", "optimizer=adam",
        "optimizer.lr=0.001,0.003,0.01,1e30", "scheduler=constant,cosine",
        "hydra.sweep.dir=outputs/it",
    ]  # fmt: skip
    command = [sys.executable, "-m", "cifar_lab"]
    folder = SweepFolder(Path("outputs/it"))
    process = subprocess.Popen([*command, "train", "-m", "--no-timing", *words])
    until = time.monotonic() + 240
    while len(read_rows(folder)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = read_rows(folder)
    assert 2 <= len(before) < 4
    subprocess.run([*command, "resume", "outputs/it"], check=True)
    rows = read_rows(folder)
    plan = read_plan(folder)
    ended = trials(plan, rows)
    assert len(ended) == 4
    assert all(each.state != "running" for each in ended)
    for number, row in before.items():
        assert rows[number] == row  # not trained again
    for each in ended:
        diverged = each.job.values["optimizer.lr"] == "1e30"
        assert (each.state == "failed") == diverged
