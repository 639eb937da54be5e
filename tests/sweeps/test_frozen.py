"""What a launcher gets is what was composed when the sweep was planned."""

from __future__ import annotations

import pickle

import yaml
from omegaconf import OmegaConf

from cifar_lab.config.compose import Composer
from cifar_lab.run.record import Run
from cifar_lab.sweeps.frozen import FrozenLoader, claimed, with_hydra
from tests.sweeps.test_extending import kept

COMPOSER = Composer()


def test_the_loader_returns_a_job_by_its_number_also_in_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = kept("outputs/here", "optimizer=sgd,adam", "optimizer.lr=0.3")
    from cifar_lab.results.plan import read_frozen, read_hydra

    master = with_hydra({}, read_hydra(folder))
    loader = pickle.loads(pickle.dumps(FrozenLoader(folder.path.absolute())))
    config = loader.load_sweep_config(master, ["job=1"])
    plain = OmegaConf.to_container(config, resolve=False)
    hydra = plain.pop("hydra")
    assert plain == read_frozen(folder, 1).config
    assert plain["optimizer"]["lr"] == 0.3
    assert hydra["sweep"]["subdir"] == "optimizer=adam"
    assert hydra["runtime"]["choices"]["optimizer"] == "adam"
    assert hydra["sweep"]["dir"] == read_hydra(folder)["sweep"]["dir"]


def test_a_job_whose_process_died_before_it_claimed_a_folder_gets_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = kept("outputs/here", "optimizer=sgd,adam", "seed=7")
    from cifar_lab.results.plan import read_plan

    job = read_plan(folder).jobs[1]
    run = claimed(folder, job)
    assert run.state == "died"
    assert run.config["seed"] == 7
    assert list(job.overrides) == Run(run.folder).overrides
    chosen = yaml.safe_load(run.folder.hydra.read_text())["hydra"]["runtime"]["choices"]
    assert chosen["optimizer"] == "adam"
    assert claimed(folder, job).id == run.id
