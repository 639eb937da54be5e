"""A sweep from the command line, from its plan to its table."""

from __future__ import annotations

import csv
import os
import sys
import textwrap
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request
from cifar_lab.run.record import Run
from cifar_lab.sweeps.start import Start, planned
from cifar_lab.sweeps.trusted import keep_plan
from tests.cli.own_files import NET
from tests.sweeps.sweeps import HERE, TINY, found


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_sweep_ends_in_a_table_and_goes_on_with_the_same_command(capsys):
    words = ["train", "-m", *TINY, "optimizer=sgd,adam", "seed=0,1", "--no-timing", HERE]
    assert main(words) == 0
    told = capsys.readouterr().out
    folder, plan, rows = found()
    assert {row.state for row in rows.values()} == {"done"}
    assert "4 of 4 done, 0 left; best so far" in told
    assert f"leaderboard: {folder.leaderboard_markdown}; page: {folder.page}" in told
    with folder.leaderboard_csv.open() as file:
        table = list(csv.DictReader(file))
    assert {(row["optimizer"], row["n"]) for row in table} == {("sgd", "2"), ("adam", "2")}
    assert "seed" not in table[0]
    assert folder.page.is_file()
    assert folder.page_markdown.is_file()
    assert os.path.realpath("outputs/latest") == str(folder.path.absolute())
    for job in plan.jobs:
        run = Run(folder.job(job.name))
        assert run.state == "done"
        assert list(job.overrides) == run.overrides
    assert main(words) == 0  # nothing is left
    assert {row.attempts for row in found()[2].values()} == {1}
    assert main([*words[:-1], "scheduler=constant", HERE]) == 2
    assert "holds a sweep with other jobs" in capsys.readouterr().err


@pytest.mark.slow
def test_edited_yaml_changes_no_job_of_a_sweep_and_is_told(tmp_path, capsys):
    own = tmp_path / "conf" / "optimizer"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("defaults: [sgd]\nlr: 0.25\n")
    request = Request((*TINY, "optimizer=mine", "seed=0,1", HERE))
    made = planned(Composer("conf"), Start(request, "cifar-lab train -m", timing=False))
    made.folder.path.mkdir(parents=True)
    keep_plan(made.folder, made.plan, made.frozen, made.hydra)
    (own / "mine.yaml").write_text("defaults: [sgd]\nlr: 0.5\n")
    capsys.readouterr()
    assert main(["resume", "outputs/here"]) == 0
    told = capsys.readouterr().out
    assert "the configuration has changed since the sweep was planned" in told
    assert "optimizer.lr: 0.25, now 0.5" in told
    folder, plan, rows = found()
    assert {row.state for row in rows.values()} == {"done"}
    for job in plan.jobs:
        assert Run(folder.job(job.name)).config["optimizer"]["lr"] == 0.25


@pytest.mark.slow
def test_each_job_keeps_the_files_that_it_ran_with_and_changed_ones_are_told(tmp_path, capsys):
    (tmp_path / "conf" / "model").mkdir(parents=True)
    options = tmp_path / "conf" / "model" / "own.yaml"
    options.write_text("_target_: swept_net_1.Net\nwidth: 2\n")
    net = tmp_path / "swept_net_1.py"
    text = NET.replace("from BLOCKS import WIDTH", "WIDTH = 1")
    net.write_text(text)
    words = [*(word for word in TINY if "model" not in word), "model=own", "seed=0,1", HERE]
    assert main(["train", "-m", *words, "--no-timing", "--config-dir", "conf"]) == 0
    net.write_text(f"{text}# changed\n")
    capsys.readouterr()
    assert main(["resume", "outputs/here"]) == 0
    assert "has changed" not in capsys.readouterr().out  # nothing is left to run
    assert main(["extend", "outputs/here", "seed=2"]) == 0
    told = capsys.readouterr().out
    assert told.count(f"{net} has changed since earlier jobs\n") == 1
    folder, plan, rows = found()
    assert {row.state for row in rows.values()} == {"done"}
    copies = [(folder.job(job.name).path / "code" / net.name).read_text() for job in plan.jobs]
    assert copies == [text, text, f"{text}# changed\n"]
    sys.modules.pop("swept_net_1", None)


@pytest.mark.slow
def test_a_sweeper_that_somebody_installed_gets_every_objective(tmp_path, monkeypatch):
    plugin = tmp_path / "plugins" / "hydra_plugins" / "halving"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text(
        textwrap.dedent(
            """
            from hydra.core.plugins import Plugins
            from hydra.plugins.sweeper import Sweeper

            class Halving(Sweeper):
                def setup(self, *, hydra_context, task_function, config):
                    self.config = config
                    self.launcher = Plugins.instance().instantiate_launcher(
                        config=config, hydra_context=hydra_context, task_function=task_function)

                def sweep(self, arguments):
                    interval = [a for a in arguments if "interval" in a]
                    assert interval == ["optimizer.lr=interval(0.1,0.4)"], interval
                    rest = [a for a in arguments if a not in interval]
                    jobs = [[*rest, f"optimizer.lr={lr}"] for lr in (0.1, 0.2)]
                    returned = self.launcher.launch(jobs, initial_job_idx=0)
                    with open("objectives", "w") as file:
                        file.write(repr([each.return_value for each in returned]))
            """
        )
    )
    options = tmp_path / "conf" / "hydra" / "sweeper"
    options.mkdir(parents=True)
    (options / "halving.yaml").write_text("_target_: hydra_plugins.halving.Halving\n")
    monkeypatch.syspath_prepend(str(plugin.parents[1]))
    from hydra.core.plugins import Plugins

    import hydra_plugins

    monkeypatch.setattr(hydra_plugins, "__path__", [*hydra_plugins.__path__, str(plugin.parent)])
    import hydra_plugins.halving

    Plugins.instance().register(hydra_plugins.halving.Halving)
    words = ["train", "-m", *TINY, "hydra/sweeper=halving", "optimizer.lr=interval(0.1,0.4)"]
    assert main([*words, "--config-dir", "conf", HERE]) == 0
    objectives = eval(Path("objectives").read_text())
    runs = [Run(found_run) for found_run in _runs()]
    assert sorted(objectives) == sorted(run.summary.validation.accuracy for run in runs)
    assert len(objectives) == 2
    sys.modules.pop("hydra_plugins.halving")


def _runs():
    from cifar_lab.run.folder import RunFolder

    return [RunFolder(file.parent) for file in Path("outputs/here").rglob("summary.json")]


@pytest.mark.slow
@pytest.mark.extra("submitit")
def test_submitit_carries_a_whole_sweep(tmp_path):
    words = ["train", "-m", *TINY, "seed=0,1,2", "--no-timing", HERE]
    assert main([*words, "hydra/launcher=submitit_local"]) == 0
    folder, plan, rows = found()
    assert {row.state for row in rows.values()} == {"done"}
    assert len({Run(folder.job(job.name)).status.pid for job in plan.jobs}) == 3


@pytest.mark.extra("submitit")
def test_the_slurm_launcher_composes(capsys):
    words = ["train", "-m", *TINY, "seed=0,1", "hydra/launcher=submitit_slurm"]
    words += ["hydra.launcher.partition=gpu", "hydra.launcher.gpus_per_node=1", "--dry-run"]
    assert main([*words, "--no-timing"]) == 0
    assert "as many jobs at once as hydra/launcher=submitit_slurm starts" in capsys.readouterr().out


@pytest.mark.slow
def test_no_job_starts_after_the_time_limit(capsys):
    words = ["train", "-m", *TINY, "seed=0,1", "--no-timing", HERE, "sweep.max_minutes=0.0001"]
    assert main(words) == 0
    assert "sweep.max_minutes is over: no further job starts" in capsys.readouterr().out
    assert found()[2] == {}
