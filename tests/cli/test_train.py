from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run
from tests.conftest import write_image_folder

#: Digits, a tiny network, two batches an epoch.
QUICK = [
    "experiments=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=2",
    "trainer.precision=float32",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_run_leaves_the_whole_folder(tmp_path):
    assert main(["train", *QUICK]) == 0
    run = RunFolder((tmp_path / "outputs" / "latest").resolve())
    assert run.path.relative_to(tmp_path.resolve()).parts[:2] == ("outputs", "digits")
    expected = [
        run.config, run.overrides, run.hydra, run.status, run.provenance, run.log, run.metrics,
        run.summary, run.model_table, run.last_checkpoint, run.best_checkpoint, run.predictions,
        run.gallery_maps, run.figure("curves"), run.figure("learning_rate"),
        run.figure("gallery"), run.report, run.report_markdown,
    ]  # fmt: skip
    assert [path for path in expected if not path.stat().st_size] == []
    assert json.loads(run.status.read_text())["state"] == "done"
    rows = read_metrics(run.metrics)
    assert [row["epoch"] for row in rows] == [1, 2]
    summary = json.loads(run.summary.read_text())
    predictions = np.load(run.predictions)
    assert predictions["logits"].shape == (360, 10)
    right = (predictions["logits"].argmax(1) == predictions["labels"]).mean()
    assert summary["test"]["accuracy"] == pytest.approx(right, abs=1e-12)
    best = max(rows, key=lambda row: row["val_accuracy"])
    assert summary["validation"]["accuracy"] == best["val_accuracy"]
    assert summary["reported_epoch"] == best["epoch"]
    # What the terminal showed, without control codes.
    log = run.log.read_text()
    assert "epoch 2/2" in log
    assert "\x1b" not in log
    assert "\r" not in log


def test_the_gallerys_images_are_misclassified_by_that_checkpoint(tmp_path):
    assert main(["train", *QUICK]) == 0
    run = RunFolder(tmp_path / "outputs" / "latest")
    predictions, gallery = np.load(run.predictions), np.load(run.gallery_maps)
    rows = [list(predictions["sample_ids"]).index(sample) for sample in gallery["sample_ids"]]
    predicted = predictions["logits"].argmax(1)[rows]
    assert len(rows) == 10
    assert (predicted != predictions["labels"][rows]).all()
    assert (predicted == gallery["predicted"]).all()


def test_without_validation_the_last_epoch_is_reported_and_said_so(tmp_path):
    assert main(["train", *QUICK, "dataset.validation_fraction=0", "report.enabled=false"]) == 0
    run = RunFolder(tmp_path / "outputs" / "latest")
    summary = json.loads(run.summary.read_text())
    assert summary["reported_epoch"] == 2
    assert "no validation split" in summary["reported_because"]
    assert summary["validation"] is None
    assert run.best_checkpoint.read_bytes() == run.last_checkpoint.read_bytes()


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(tmp_path):
    for seed in (0, 0, 1):
        assert main(["train", *QUICK, f"seed={seed}", "report.enabled=false"]) == 0
    runs = sorted((tmp_path / "outputs" / "digits").glob("*/*"))
    losses = [[row["train_loss"] for row in read_metrics(RunFolder(r).metrics)] for r in runs]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


EXPERIMENTS = [
    "cifar10_short",
    "digits",
    "digits_search",
    "eva6_s8_resnet18_8x8",
    "fast90",
    "fast94",
    "s10_custom_resnet",
    "s10_custom_resnet_as_run",
    "s10_custom_resnet_cycled_momentum",
    "s11_resnet18",
    "s12_custom_resnet_lightning",
    "s8_custom_resnet_gradcam",
    "short_augmentation",
    "short_optimizers",
]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_runs_two_batches(experiment, tmp_path):
    words = [f"experiments={experiment}", "debug=smoke", "trainer.batch_size=16"]
    if not experiment.startswith("digits"):
        classes = tuple(f"class{number}" for number in range(10))
        root = write_image_folder(tmp_path / "images", classes, side=32, train=8)
        narrow = ["model.width=4"]
        if experiment.startswith(("fast", "short")):
            narrow = ["model.widths=[4,4,4]"]
        if "resnet18" in experiment:  # of one width
            narrow = []
        few = ["dataset.validation_fraction=0.2"] if experiment.startswith("short") else []
        words += [f"dataset.root={root}", *narrow, "measure_work=false", *few]
    assert main(["train", *words]) == 0


def test_the_list_of_experiments_above_is_complete():
    from cifar_lab.config.compose import Composer

    assert Composer().options("experiments") == EXPERIMENTS


def test_three_mistakes_end_with_status_2_three_lines_and_nothing_written(tmp_path, capsys):
    words = ["model=resnet81", "trainer.epochs=0", "optimizer.rl=1", "dataset=digits"]
    assert main(["train", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("error: ") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["train", *QUICK, f"hydra.run.dir={tmp_path / 'file' / 'run'}"]) == 2
    assert "could not be written" in capsys.readouterr().err


def test_another_runs_folder_is_not_taken(tmp_path, capsys):
    assert main(["train", *QUICK, "hydra.run.dir=outputs/here", "report.enabled=false"]) == 0
    before = (tmp_path / "outputs/here/.hydra/config.yaml").read_text()
    assert main(["train", *QUICK, "hydra.run.dir=outputs/here", "seed=3"]) == 2
    assert "is already used by another run" in capsys.readouterr().err
    assert (tmp_path / "outputs/here/.hydra/config.yaml").read_text() == before


class Died(BaseException):
    """Stands for SIGKILL: nothing is caught, nothing is written afterwards."""


def test_a_run_that_dies_right_after_its_claim_can_be_resumed(tmp_path, monkeypatch):
    def died(*_, **__):
        raise Died

    words = [*QUICK, "seed=3", "report.enabled=false", "hydra.run.dir=outputs/here"]
    monkeypatch.setattr("cifar_lab.recipe.launch.run_experiment", died)
    with pytest.raises(Died):
        main(["train", *words])
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    run = Run(RunFolder(tmp_path / "outputs/here"))
    assert run.state == "died"
    assert run.config["seed"] == 3
    assert "seed=3" in run.overrides
    assert main(["resume", str(run.folder.path)]) == 0
    resumed = Run(run.folder)
    assert (resumed.state, resumed.id) == ("done", run.id)
    assert resumed.provenance.seed == 3


def test_a_loss_that_is_not_finite_fails_with_epoch_step_and_learning_rate(tmp_path, capsys):
    status = main(["train", *QUICK, "optimizer.lr=1e30", "trainer.limit_batches=4"])
    assert status == 1
    assert (
        "failed: the training loss became non-finite in epoch 1, at step" in capsys.readouterr().out
    )
    assert "non-finite" in (tmp_path / "outputs/latest/run.log").read_text()
    recorded = json.loads((tmp_path / "outputs/latest/status.json").read_text())
    assert recorded["state"] == "failed"
    assert "learning rate" in recorded["error"]
    assert "Traceback" in recorded["traceback"]


def test_debug_overfit_learns_its_images_by_heart(tmp_path):
    words = ["dataset=digits", "model.width=8", "debug=overfit", "trainer.epochs=25"]
    assert main(["train", *words]) == 0
    rows = read_metrics(tmp_path / "outputs/latest/metrics.csv")
    assert rows[-1]["train_accuracy"] == 1.0


def test_debug_profile_writes_a_trace(tmp_path, capsys):
    words = ["dataset=digits", "model.width=4", "trainer.batch_size=64", "debug=profile"]
    assert main(["train", *words, "report.enabled=false"]) == 0
    trace = json.loads((tmp_path / "outputs/latest/profile.json").read_text())
    assert any("conv" in str(event.get("name")) for event in trace["traceEvents"])
    assert "Self CPU" in capsys.readouterr().out


def test_check_says_what_would_run_and_writes_nothing(tmp_path, capsys):
    assert main(["check", *QUICK]) == 0
    said = capsys.readouterr().out
    for text in ("1,293 training, 144 validation, 360 test", "CustomResNet", "forward and backward",
                 "schedule:", "at layer2, 8×8", "this configuration would run"):  # fmt: skip
        assert text in said
    assert not (tmp_path / "outputs").exists()


def test_a_mistake_starts_no_download_and_no_decoding(tmp_path, capsys, monkeypatch):
    import torchvision

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", _must_not_be_called)
    assert main(["train", "optimizer.rl=1"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["check"]) == 2
    assert "only `cifar-lab train` downloads" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def _must_not_be_called(*_: object, **__: object) -> None:
    raise AssertionError


def test_check_passes_the_last_batch_too_which_may_be_of_one_image(tmp_path, capsys):
    from tests.conftest import write_image_folder

    root = write_image_folder(tmp_path / "small", side=8, train=17)  # 34 = 3 × 11 + 1
    words = ["dataset=image_folder", f"dataset.root={root}", "dataset.validation_fraction=0"]
    assert main(["check", *words, "model.width=4", "trainer.batch_size=11"]) == 2
    assert "a batch of 1 image could not be passed through" in capsys.readouterr().err
    assert main(["check", *words, "model.width=4", "trainer.batch_size=17"]) == 0


def test_images_too_small_for_the_model_are_refused(tmp_path, capsys):
    from tests.conftest import write_image_folder

    root = write_image_folder(tmp_path / "tiny", side=4)
    words = ["dataset=image_folder", f"dataset.root={root}", "dataset.validation_fraction=0"]
    assert main(["check", *words, "trainer.batch_size=8"]) == 2
    assert "CustomResNet does not accept images of 4×4 pixels" in capsys.readouterr().err


def test_a_step_that_normalises_is_refused(capsys):
    words = [*QUICK, "+augmentation.train.normalise._target_=albumentations.Normalize"]
    assert main(["check", *words]) == 2
    assert "must return uint8 images" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "show", "report", "eval", "resume", "rerun", "ls"])
def test_every_verb_has_help(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert f"usage: cifar-lab {verb}" in capsys.readouterr().out


def test_check_of_a_sweep_checks_every_job(capsys):
    words = [word for word in QUICK if not word.startswith("model.width")]
    assert main(["check", *words, "-m", "model.width=4,0"]) == 2
    captured = capsys.readouterr()
    assert "job: " in captured.out
    assert captured.err == "error: model.width=0: must be greater than 0\n"


def test_check_refuses_a_model_that_the_images_do_not_fit(capsys):
    words = ["dataset=digits", "model._target_=torch.nn.Linear", "~model.width"]
    assert main(["check", *words, "+model.in_features=7", "+model.out_features=10"]) == 2
    assert "num_classes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["train", "--help"],
        ["train", "--cfg", "job", "experiments=digits"],
        ["train", "--info", "searchpath"],
        ["-sc", "install=bash"],
    ],
    ids=" ".join,
)
def test_help_and_configuration_answer_without_torch(words, tmp_path):
    code = (
        "import sys\nfrom cifar_lab.cli.main import main\n"
        f"status = main({words!r})\n"
        "heavy = {'torch', 'numpy', 'scipy', 'pydantic', 'albumentations', 'matplotlib'}\n"
        "heavy |= {'captum', 'timm'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.slow
def test_the_first_step_needs_nothing_that_only_later_steps_use(tmp_path):
    root = write_image_folder(tmp_path / "images")
    words = [
        *("train", "dataset=image_folder", f"dataset.root={root}", "report.enabled=false"),
        *("dataset.validation_fraction=0", "model.width=4", "trainer.batch_size=4"),
    ]
    later = "matplotlib pandas captum sklearn timm torchvision lightning jinja2 torch._dynamo"
    code = (
        "import os, sys\nfrom torch.optim.optimizer import register_optimizer_step_post_hook\n"
        "def leave(*_):\n"
        f"    print('imported:', [m for m in {later.split()} if m in sys.modules], flush=True)\n"
        "    os._exit(0)\n"
        "register_optimizer_step_post_hook(leave)\nfrom cifar_lab.cli.main import main\n"
        f"sys.exit(main({words!r}))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1:] == ["imported: []"], done.stderr


def test_cfg_prints_the_composed_configuration(capsys):
    assert main(["train", "trainer.epochs=3", "--cfg", "job"]) == 0
    assert "epochs: 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "there is no verb 'trian'; did you mean 'train'"),
        (["train", "--epochs", "3"], "--epochs"),
        (["train", "--config-name", "x"], "--config-name is not supported"),
        (["train", "-m", "--cfg", "job"], "--cfg shows a single job"),
        (["train", "--cfg", "job", "modle=1"], "modle"),
        (["train", "--cfg", "job", "--resolve", "seed=${nope}"], "nope"),
        (["train", "--cfg", "job", "-p", "nosuch"], "error: "),
        (["check", "--cfg", "job"], "use `cifar-lab train` for --cfg"),
        (["train", "--config-dir", "nowhere"], "--config-dir=nowhere is not a directory"),
        (["show", "datas"], "needs exactly one of: data, augmentation, model, schedule"),
        (["report"], "needs exactly one RUN"),
        (["report", "nothing"], "RUN=nothing is not a run below outputs/"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_that_mean_nothing_are_refused(words, message, capsys):
    assert main(words) == 2
    captured = capsys.readouterr().err
    assert message in captured
    assert "Traceback" not in captured


def test_a_run_that_ends_with_weights_that_are_not_finite_has_failed_with_a_report(
    tmp_path, capsys
):
    words = [*QUICK, "trainer.epochs=1", "optimizer.lr=1e30", "device=cpu"]
    assert main(["train", *words]) == 1
    run = RunFolder((tmp_path / "outputs" / "latest").resolve())
    status = json.loads(run.status.read_text())
    assert status["state"] == "failed"
    assert "became non-finite in epoch 1, at step " in status["error"]

    def refuse(word):
        raise AssertionError(f"{word} is not valid JSON")

    summary = json.loads(run.summary.read_text(), parse_constant=refuse)
    assert "became non-finite in epoch 1" in summary["stopped"]
    assert run.report.is_file()
    run.report.unlink()
    assert main(["report", str(run.path)]) == 0
    assert "became non-finite in epoch 1" in run.report.read_text()
    assert main(["resume", str(run.path)]) == 1  # there is nothing more to train
    capsys.readouterr()


STEP = "+augmentation.train.cut._target_"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["augmentation.train.crop.padding_pixels=1000000000"], "must be at most 32, the size"),
        (["augmentation.train.cutout.fill=-1"], "augmentation.train.cutout: .* out of bounds"),
        (
            [f"{STEP}=albumentations.RandomCrop"]
            + [f"+augmentation.train.cut.{side}=64" for side in ("height", "width")],
            "augmentation.train.cut: .* exceeds image dimensions",
        ),
        ([f"{STEP}=torch.nn.Identity"], "augmentation.train.cut._target_=torch.nn.Identity: must"),
        (["model._target_=torch.nn.Identity", "~model.width"], "model: .* no parameters to train"),
        (["criterion._target_=torch.nn.Identity", "~criterion.label_smoothing"], "criterion: Iden"),
        (["criterion._target_=torch.nn.MSELoss", "~criterion.label_smoothing"], "criterion: .*siz"),
        (["+model._partial_=true"], "model: _partial_ cannot be set here"),
        (["+criterion._partial_=true"], "criterion: _partial_ cannot be set here"),
        (["~seed"], "seed is missing"),
        (["seed=inf"], "seed=Infinity: must be a valid integer"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_part_that_cannot_work_is_refused_before_a_folder_is_made(
    words, message, tmp_path, capsys
):
    common = ["dataset=digits", "augmentation=crop_flip_cutout8", "device=cpu"]
    assert main(["train", *common, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(f"error: .*{message}", line), line
    assert list(tmp_path.iterdir()) == []


def test_images_larger_than_the_memory_are_refused_before_any_is_decoded(tmp_path, capsys):
    root = write_image_folder(tmp_path / "images")
    words = ["dataset=image_folder", f"dataset.root={root}", "dataset.resize=1000000"]
    assert main(["train", *words, "trainer.batch_size=4", "model.width=4", "device=cpu"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search("1000000×1000000 pixels .*allocate.*set dataset.resize", line)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


@pytest.mark.slow
def test_no_name_of_a_class_costs_a_run_its_report(tmp_path, capsys):
    names = ("$5_$", "n" * 101, "cost $a_b_c$")
    root = write_image_folder(tmp_path / "images", names, train=8)
    words = ["dataset=image_folder", f"dataset.root={root}", f"dataset.cache_dir={tmp_path}"]
    words += ["model.width=4", "trainer.epochs=2", "trainer.batch_size=8", "scheduler=constant"]
    assert main(["train", *words, "trainer.precision=float32", "device=cpu"]) == 0
    run = RunFolder(tmp_path / "outputs" / "latest")
    assert json.loads(run.status.read_text())["state"] == "done"
    page = run.report.read_text()
    assert all(name in page for name in names)
    assert "could not be drawn" not in page
    assert "Traceback" not in capsys.readouterr().err
