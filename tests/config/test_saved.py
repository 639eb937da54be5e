from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from cifar_lab.config.compose import Composer, hydra_files
from cifar_lab.config.saved import rerun, restored
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.older import ADDED, ADDED_VALUES
from cifar_lab.run.record import Run
from tests.made import a_provenance

COMPOSER = Composer()


@pytest.fixture
def earlier(tmp_path):
    """Saves what a run of these overrides would."""

    def save(*overrides: str) -> RunFolder:
        folder = RunFolder(tmp_path)
        (tmp_path / ".hydra").mkdir()
        for name, text in hydra_files(COMPOSER.compose(list(overrides))).items():
            (tmp_path / ".hydra" / name).write_text(text)
        return folder

    return save


def test_without_overrides_the_saved_configuration_stands(earlier):
    folder = earlier("experiments=digits", "trainer.epochs=3")
    found, dropped = rerun(COMPOSER, Run(folder), [])
    assert found.problems == []
    assert dropped == []
    assert found.job() == Run(folder).config
    assert found.job()["trainer"]["epochs"] == 3


def test_a_rerun_without_overrides_still_tells_the_options(earlier):
    choices = {"model": "resnet18", "experiments": "digits"}
    folder = earlier()
    folder.hydra.write_text(OmegaConf.to_yaml({"hydra": {"runtime": {"choices": choices}}}))
    found, _ = rerun(COMPOSER, Run(folder), [])
    assert {k: found.config.hydra.runtime.choices[k] for k in choices} == choices
    assert found.config.hydra.runtime.choices["dataset"] == "cifar10"  # not told: by default


def test_saved_values_survive_later_edits_of_the_yaml(earlier):
    folder = earlier("experiments=digits")
    for file in (folder.config, folder.written):
        config = OmegaConf.load(file)
        config.trainer.batch_size = 77  # as if digits.yaml had said so then
        OmegaConf.save(config, file)
    found, _ = rerun(COMPOSER, Run(folder), ["trainer.epochs=2"])
    assert found.job()["trainer"]["batch_size"] == 77
    assert found.job()["trainer"]["epochs"] == 2


def test_a_changed_group_replaces_the_node_and_drops_older_overrides_beneath_it(earlier):
    folder = earlier("model=custom_resnet", "model.width=8", "seed=4")
    found, dropped = rerun(COMPOSER, Run(folder), ["model=resnet18"])
    assert dropped == ["model=custom_resnet", "model.width=8"]
    assert found.problems == []
    job = found.job()
    assert job["model"] == COMPOSER.compose(["model=resnet18"]).model
    assert job["seed"] == 4
    assert list(found.config.hydra.overrides.task) == ["seed=4", "model=resnet18"]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], "float32"),
        (["trainer.epochs=2"], "float32"),
        (["trainer=lightning"], "float32"),
        (["trainer.precision=bfloat16"], "bfloat16"),
        (["trainer.precision=auto"], "auto"),  # asks for a new choice
    ],
)
def test_the_precision_that_auto_chose_is_kept(earlier, overrides, expected):
    folder = earlier("trainer.precision=auto")
    write_object(folder.provenance, a_provenance(precision="float32"))
    found, _ = rerun(COMPOSER, Run(folder), overrides)
    assert found.problems == []
    assert found.job()["trainer"]["precision"] == expected


def test_a_step_can_be_taken_away_from_a_saved_run(earlier):
    found, _ = rerun(COMPOSER, Run(earlier()), ["~augmentation.train.cutout"])
    assert found.problems == []
    assert list(found.job()["augmentation"]["train"]) == ["crop", "flip"]


def test_interpolations_follow_a_change(earlier):
    found, _ = rerun(COMPOSER, Run(earlier()), ["optimizer.lr=0.3"])
    assert found.job()["scheduler"]["max_lr"] == 0.3


def test_a_rerun_under_another_environment_trains_the_same(earlier, monkeypatch):
    monkeypatch.setenv("LR", "0.25")
    monkeypatch.setenv("CIFAR_LAB_CACHE", "/then")
    folder = earlier("optimizer.lr='${oc.decode:${oc.env:LR}}'")
    monkeypatch.setenv("LR", "0.5")
    monkeypatch.setenv("CIFAR_LAB_CACHE", "/now")
    for changes in ([], ["trainer.epochs=2"]):
        job = rerun(COMPOSER, Run(folder), changes)[0].job()
        assert job["optimizer"]["lr"] == job["scheduler"]["max_lr"] == 0.25
        assert job["dataset"]["cache_dir"] == "/now"
    assert restored(Run(folder), [], OwnCode()).job()["optimizer"]["lr"] == 0.25
    monkeypatch.delenv("LR")
    again, _ = rerun(COMPOSER, Run(folder), [])
    assert again.problems == []
    # What follows a value of the configuration still does.
    job = rerun(COMPOSER, Run(folder), ["optimizer.lr=0.125"])[0].job()
    assert job["optimizer"]["lr"] == job["scheduler"]["max_lr"] == 0.125


def test_hydras_own_overrides_are_dropped(earlier):
    folder = earlier("seed=4")
    hydras = [
        "hydra.run.dir=/elsewhere", "+hydra.callbacks.x._target_=os.system", "~hydra.job.name",
        "hydra/launcher=basic", "+experiments@hydra.job=digits",
    ]  # fmt: skip
    OmegaConf.save(OmegaConf.create([*hydras, "seed=4"]), folder.overrides)
    for changes in ([], ["trainer.epochs=2"]):
        found, dropped = rerun(COMPOSER, Run(folder), changes)
        assert found.problems == []
        assert dropped == hydras
        assert list(found.config.hydra.overrides.task) == ["seed=4", *changes]
        assert "/elsewhere" not in str(found.config.hydra.run.dir)


def test_a_rerun_can_be_run_again(earlier):
    folder = earlier("seed=4")
    found, _ = rerun(COMPOSER, Run(folder), ["trainer.epochs=2"])
    for name, text in hydra_files(found.config).items():
        (folder.path / ".hydra" / name).write_text(text)
    assert Run(folder).overrides == ["seed=4", "trainer.epochs=2"]
    again, dropped = rerun(COMPOSER, Run(folder), ["trainer.epochs=5"])
    assert dropped == ["trainer.epochs=2"]
    assert (again.job()["seed"], again.job()["trainer"]["epochs"]) == (4, 5)


@pytest.mark.parametrize("overrides", [[], ["seed=3"], ["mixing=mixup", "mixing.alpha=0.3"]])
def test_a_run_from_before_a_group_or_a_key_existed_is_read_as_what_it_did(overrides, earlier):
    # Averages had no warm-up then.
    folder = earlier("experiments=digits", "model.width=4", "trainer.ema_warmup=false")
    job = Run(folder).config
    config = OmegaConf.load(folder.config)
    for group, added in ADDED.items():
        config[group] = {key: config[group][key] for key in config[group].keys() - added.keys()}
        if not config[group]:
            del config[group]
    assert "mixing" not in config
    for key in ADDED_VALUES:
        del config[key]
    OmegaConf.save(config, folder.config)
    folder.written.unlink()  # which those runs did not have
    assert Run(folder).config == job
    assert restored(Run(folder), [], OwnCode()).problems == []
    assert restored(Run(folder), [], OwnCode()).job() == job
    found, _ = rerun(COMPOSER, Run(folder), overrides)
    assert found.problems == []
    expected = COMPOSER.compose(["experiments=digits", "model.width=4", *overrides])
    assert found.job()["mixing"] == expected.mixing
    assert found.job()["model"] == job["model"]


def test_what_older_runs_did_is_what_happens_by_default():
    config = COMPOSER.compose([])
    since = {"ema_warmup": True}  # of an average that is off by default
    for group, added in ADDED.items():
        assert {key: config[group][key] for key in added} == {
            **added,
            **{k: since[k] for k in since if k in added},
        }
    assert {key: config[key] for key in ADDED_VALUES} == ADDED_VALUES


def test_new_overrides_are_checked(earlier):
    found, _ = rerun(COMPOSER, Run(earlier()), ["trainer.epochs=0"])
    assert found.problems == ["trainer.epochs=0: must be greater than 0"]


def test_a_folder_without_a_configuration_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"config\.yaml could not be read"):
        assert Run(RunFolder(tmp_path)).config
