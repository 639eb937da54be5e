from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from cifar_lab.cli.main import main
from cifar_lab.data.sources import Digits
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run
from tests.conftest import write_image_folder
from tests.made import entered, without_its_time

QUICK = [
    "experiments=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=2",
    "trainer.precision=float32",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _signals_as_in_the_foreground() -> Iterator[None]:
    """A shell's background job ignores these, and what it starts would ignore them too."""
    wanted = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A folder whose ``outputs/latest`` is a finished run; copied by the tests that change it."""
    here = tmp_path_factory.mktemp("finished")
    before = Path.cwd()
    os.chdir(here)
    try:
        assert main(["train", *QUICK]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def run(finished, tmp_path, monkeypatch) -> RunFolder:
    shutil.copytree(finished / "outputs", tmp_path / "outputs", symlinks=True)
    monkeypatch.chdir(tmp_path)
    return RunFolder((tmp_path / "outputs" / "latest").resolve())


def test_report_draws_the_same_again_from_the_folder(run, capsys):
    before = without_its_time(run.report)
    for path in (run.report, run.report_markdown, run.figure("curves")):
        path.unlink()
    maps = run.gallery_maps.read_bytes()
    assert main(["report", "latest"]) == 0
    assert without_its_time(run.report) == before
    assert run.gallery_maps.read_bytes() == maps
    assert run.figure("curves").is_file()


def test_report_shows_as_many_images_as_asked(run):
    assert main(["report", "report.misclassified=3", str(run.path)]) == 0
    assert "Showing 3 of" in run.report.read_text()


def test_report_shows_the_gallery_at_several_layers_and_keeps_their_maps(run):
    layers = ["layer3.sum", "layer1.sum"]
    assert main(["report", f"report.gradcam_layer=[{','.join(layers)}]", str(run.path)]) == 0
    with np.load(run.gallery_maps) as file:
        assert file["layers"].tolist() == layers
        assert file["layer3.sum/gradcam"].shape == (10, 3, 4, 4)
        assert file["layer1.sum/hirescam"].shape == (10, 3, 16, 16)
    with np.load(run.averaged_maps) as file:
        assert file["layer"] == "layer3.sum"
    markdown = " ".join(run.report_markdown.read_text().split())
    for layer, size in (("layer3.sum", "4×4"), ("layer1.sum", "16×16")):
        assert f"of the predicted class at {layer} ({size} cells)" in markdown
    assert run.figure("attributions-layer1.sum").is_file()


def test_eval_refuses_a_checkpoint_that_does_not_give_the_recorded_accuracy(run, capsys):
    summary = json.loads(run.summary.read_text())
    summary["test"]["accuracy"] += 0.0015
    run.summary.write_text(json.dumps(summary))
    entered(run)
    assert main(["eval", "latest"]) == 2
    assert "-0.15 points; at most 0.1 are tolerated" in capsys.readouterr().err


def test_report_refuses_a_checkpoint_that_does_not_give_the_recorded_logits(run, capsys):
    with np.load(run.predictions) as file:
        arrays = dict(file)
    arrays["logits"] = arrays["logits"][::-1]
    np.savez_compressed(run.predictions, **arrays)
    entered(run)
    before = run.report.read_bytes()
    assert main(["report", "latest"]) == 2
    assert "does not reproduce the recorded logits of 10 test images" in (capsys.readouterr().err)
    assert run.report.read_bytes() == before


def test_a_shown_image_is_misclassified_by_the_reported_checkpoint(run):
    """Weights from the file, images and labels from the data set, nothing of the report's."""
    with np.load(run.gallery_maps) as file:
        ids, explained = file["sample_ids"], file["predicted"]
    source = Digits(
        validation_fraction=0.1, split_seed=0, mean=None, std=None, limit_train_images=None
    )
    data = source.load()
    test = data.source.test
    rows = [list(test.sample_ids).index(name) for name in ids]
    model = CustomResNet(num_classes=10, width=4).eval()
    model.load_state_dict(torch.load(run.best_checkpoint, weights_only=True)["model"])
    images = (test.images[rows] / 255 - data.mean) / data.std
    with torch.no_grad():
        logits = model(torch.from_numpy(images).float().permute(0, 3, 1, 2))
    assert len(ids) == 10
    assert logits.argmax(1).tolist() == explained.tolist()
    assert all(logits.argmax(1).numpy() != test.labels[rows])


def test_a_run_from_before_a_reports_options_existed_has_a_report(run):
    job = yaml.safe_load(run.config.read_text())
    del job["report"]["gallery"], job["report"]["averaged_images"]
    run.config.write_text(yaml.safe_dump(job))
    provenance = json.loads(run.provenance.read_text())
    del provenance["differences"], provenance["format"]
    run.provenance.write_text(json.dumps(provenance))
    entered(run)
    assert main(["report", str(run.path)]) == 0
    assert "were not yet recorded when this run was made" in run.report.read_text()


def test_the_report_says_what_differs_from_the_defaults(run):
    page = run.report_markdown.read_text()
    assert "model.width (64 → 4)" in page
    assert "  width: 4  # differs" in page
    assert "  nesterov: true\n" in page


def test_report_refuses_values_that_are_not_the_reports(run, capsys):
    assert main(["report", "latest", "trainer.epochs=3"]) == 2
    assert "accepts only report., device=, dataset.root=" in capsys.readouterr().err


def test_report_refuses_an_altered_checkpoint(run, capsys):
    content = bytearray(run.best_checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    run.best_checkpoint.write_bytes(bytes(content))
    assert main(["report", "latest"]) == 2
    assert "best.pt was refused" in capsys.readouterr().err


def test_report_refuses_other_images_than_those_trained_on(run, capsys):
    provenance = json.loads(run.provenance.read_text())
    run.provenance.write_text(json.dumps({**provenance, "data_fingerprint": "0" * 64}))
    entered(run)
    assert main(["report", "latest"]) == 2
    assert "are not those that" in capsys.readouterr().err


def test_a_run_is_read_from_another_folder_and_without_its_device(
    run, tmp_path, monkeypatch, capsys
):
    config = run.config.read_text().replace("device: auto", "device: cuda:7")
    run.config.write_text(config)
    entered(run)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["eval", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert "device=cuda:7 does not exist here" in said
    assert "difference +0.00 points" in said


def test_a_relative_root_means_the_folder_that_it_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image_folder(tmp_path / "images", side=16)
    words = ["dataset=image_folder", "dataset.root=images", "dataset.validation_fraction=0"]
    quick = ["model.width=4", "trainer.batch_size=8", "trainer.epochs=1", "report.enabled=false"]
    assert main(["train", *words, *quick, "augmentation=none"]) == 0
    run = (tmp_path / "outputs" / "latest").resolve()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["eval", str(run)]) == 0
    assert main(["rerun", str(run), "seed=1"]) == 0


@pytest.mark.parametrize(
    "damaged",
    ["summary.json", "metrics.csv", "provenance.json", "model.txt", "predictions.npz"],
)
@pytest.mark.parametrize("content", [None, "", "{", "a,b\n1"])
def test_a_damaged_run_is_refused_not_a_traceback(damaged, content, run, capsys):
    file = run.path / damaged
    file.unlink()
    if content is not None:
        file.write_text(content)
    assert main(["report", "latest"]) == 2
    assert damaged in capsys.readouterr().err
    assert main(["ls"]) == 0


def test_a_report_needs_no_yaml_but_the_runs_own(run, monkeypatch):
    run.overrides.write_text("- experiments=gone\n- model.nothing=3\n")
    entered(run)
    assert main(["report", "latest", "report.misclassified=2"]) == 0
    assert main(["report", "latest", "report.misclasified=2"]) == 2
    assert main(["rerun", "latest", "seed=1"]) == 2


def test_a_run_from_before_mixing_existed_is_read_and_run_again(run, capsys):
    job = yaml.safe_load(run.config.read_text())
    del job["mixing"]
    run.config.write_text(yaml.safe_dump(job))
    entered(run)
    assert main(["eval", str(run.path)]) == 0
    assert "difference +0.00 points" in capsys.readouterr().out
    assert main(["report", str(run.path)]) == 0
    assert main(["rerun", str(run.path), "report.enabled=false"]) == 0
    again = RunFolder(Path("outputs/latest").resolve())
    assert (
        read_metrics(again.metrics)[0]["train_loss"] == (read_metrics(run.metrics)[0]["train_loss"])
    )
    assert "cifar_lab.data.no_mixing" in again.config.read_text()


def test_resume_refuses_other_images(run, capsys):
    status = json.loads(run.status.read_text())
    run.status.write_text(json.dumps({**status, "state": "interrupted"}))
    provenance = json.loads(run.provenance.read_text())
    run.provenance.write_text(json.dumps({**provenance, "data_fingerprint": "0" * 64}))
    entered(run)
    before = run.status.read_text()
    assert main(["resume", "latest"]) == 2
    assert "are not those that" in capsys.readouterr().err
    assert json.loads(run.status.read_text()) == json.loads(before)  # it can still be resumed


def test_eval_prints_the_accuracy_beside_the_recorded_one(run, capsys):
    assert main(["eval", "best"]) == 0
    accuracy = json.loads(run.summary.read_text())["test"]["accuracy"]
    said = capsys.readouterr().out
    assert f"test accuracy {accuracy:.2%}" in said
    assert "difference +0.00 points" in said


@pytest.mark.parametrize("verb", ["eval", "report", "explain"])
def test_a_device_that_is_asked_for_is_never_replaced_in_silence(run, verb, capsys):
    assert main([verb, str(run.path), "device=tpu"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: device=tpu: must be auto, cpu, cuda, or cuda:N")


def test_ls_lists_runs_with_state_and_results(run, capsys):
    assert main(["ls"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "state", "epochs", "validation", "test", "precision"]
    assert row.split()[1:3] == ["done", "2/2"]
    assert row.split()[0] == run.path.relative_to(Path.cwd()).as_posix()


def test_ls_of_a_part_that_fits_no_run_says_so(run, capsys):
    assert main(["ls", "nothing"]) == 0
    assert capsys.readouterr().out == (
        "no run has 'nothing' in its path; `cifar-lab ls` lists all runs in outputs/ (1)\n"
    )
    assert main(["ls", "digits"]) == 0
    assert "done" in capsys.readouterr().out


def test_ls_where_there_are_no_runs_says_how_to_start_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["ls", "nothing"]) == 0
    assert capsys.readouterr().out == (
        "no runs in outputs/; start one with `cifar-lab train experiments=digits`\n"
    )


def test_ls_lists_a_run_whose_status_was_deleted(run, capsys):
    run.status.unlink()
    assert main(["ls"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:3] == ["done", "2/2"]
    assert main(["resume", "digits"]) == 2
    assert "is done; use `cifar-lab rerun` to run it again" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["eval", "report", "explain"])
def test_a_run_whose_path_contains_an_equals_sign_is_named_by_it(run, verb, capsys):
    path = "outputs/sweep/lr=0.1,seed=2"
    run.path.rename(_parent_made(path))
    assert main([verb, path]) == 0
    assert main([verb, path, "device=cpu"]) == 0
    assert main([verb, "outputs/sweep/lr=0.2"]) == 2
    assert "one whose path contains '=' is named by its whole path" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.log", "attributions", "checkpoints", ".lock", ".hydra"])
def test_no_verb_reads_or_writes_through_a_link_inside_a_run(run, name, tmp_path, capsys):
    elsewhere = tmp_path / "elsewhere"
    (run.path / name).rename(elsewhere)
    (run.path / name).symlink_to(elsewhere)
    before = _contents(elsewhere)
    Path("experiments").mkdir()
    for verb in ("report", "explain", "eval", "resume", "rerun", "record"):
        assert main([verb, "latest"]) == 2, verb
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {run.path.relative_to(Path.cwd())}/{name} is a link to")
    assert _contents(elsewhere) == before
    assert not any(Path("experiments").iterdir())


def test_rerun_runs_the_saved_configuration_with_changes(run, capsys):
    assert main(["rerun", "latest", "seed=5", "report.enabled=false"]) == 0
    new = RunFolder(Path("outputs/latest").resolve())
    assert new.path != run.path
    assert json.loads(new.provenance.read_text())["seed"] == 5
    assert "seed=5" in new.overrides.read_text()
    assert "model.width=4" in new.overrides.read_text()


def test_rerun_says_which_older_overrides_a_changed_group_drops(run, capsys):
    words = ["model=custom_resnet", "trainer.limit_epochs=1", "report.enabled=false"]
    assert main(["rerun", "latest", *words, "model.width=5"]) == 0
    assert "dropped overrides of the earlier run: model.width=4" in (capsys.readouterr().out)


def test_a_done_run_is_not_resumed(run, capsys):
    assert main(["resume", "latest"]) == 2
    assert "is done; use `cifar-lab rerun` to run it again" in capsys.readouterr().err


def test_record_enters_runs_into_the_ledger_once(run, capsys):
    Path("experiments").mkdir()
    assert main(["record", "latest"]) == 0
    assert main(["record", "latest"]) == 0
    accuracy = 100 * json.loads(run.summary.read_text())["test"]["accuracy"]
    ledger = Path("experiments/README.md").read_text()
    rows = [line for line in ledger.splitlines() if line.startswith("| digits |")]
    assert len(rows) == 1
    assert f"| 1 | {accuracy:.2f} |" in rows[0]
    (kept,) = Path("experiments/results/digits").iterdir()
    assert sorted(file.name for file in kept.iterdir()) == [
        "config.json", "manifest.json", "metrics.csv", "provenance.json", "summary.json",
    ]  # fmt: skip


def test_record_outside_a_checkout_is_refused(run, capsys):
    assert main(["record", "latest"]) == 2
    assert "record` from the top of a checkout" in capsys.readouterr().err


# Epochs of 21 batches, long enough to be hit by a signal within one.
LONGER = [
    "experiments=digits", "model.width=4", "trainer.epochs=6", "trainer.precision=float32",
    "trainer.ema_decay=0.9", "report.enabled=false",
]  # fmt: skip


def test_a_run_killed_twice_and_resumed_ends_as_one_that_never_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *LONGER, "hydra.run.dir=outputs/whole"]) == 0
    whole, killed = RunFolder(Path("outputs/whole")), RunFolder(Path("outputs/killed"))

    process = _start("train", *LONGER, "hydra.run.dir=outputs/killed")
    _wait_for_epoch(killed, 2, process)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output
    assert json.loads(killed.status.read_text())["state"] == "interrupted"
    assert "saving after epoch" in output

    process = _start("resume", "outputs/killed")
    _wait_for_epoch(killed, len(read_metrics(killed.metrics)) + 1, process)
    process.kill()  # no chance to save: the last epoch's checkpoint must do
    process.communicate(timeout=60)
    assert _listed_state("outputs/killed") == "died"

    assert main(["resume", "killed"]) == 0
    assert _listed_state("outputs/killed") == "done"
    _assert_equal_runs(whole, killed)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_finishes_the_step_with_workers(signum, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = RunFolder(Path("outputs/run"))
    words = [*LONGER, "trainer.workers=2", "trainer.epochs=4", "hydra.run.dir=outputs/run"]
    process = _start("train", *words, new_group=True)
    _wait_for_epoch(run, 1, process)
    os.killpg(process.pid, signum)  # as a terminal or `timeout` does: workers get it too
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 128 + signum, output
    assert "Traceback" not in output
    assert "continue with `cifar-lab resume outputs/run`" in output
    assert main(["resume", "outputs/run"]) == 0
    assert main(["train", *words, "hydra.run.dir=outputs/whole", "trainer.workers=0"]) == 0
    _assert_equal_runs(RunFolder(Path("outputs/whole")), run)


def _parent_made(path: str) -> Path:
    Path(path).parent.mkdir(parents=True)
    return Path(path)


def _contents(place: Path) -> dict[str, bytes]:
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return {str(file): file.read_bytes() for file in files}


#: The program with a verb that takes long, and with a Ctrl-C after it has ended.
STOPPED = """
import os, signal, sys, time
from cifar_lab.cli import main as program
program._dispatch = lambda words: os.kill(os.getpid(), signal.SIGINT) or time.sleep(9)
sys.argv = ["cifar-lab", "ls"]
status = program.main()
os.kill(os.getpid(), signal.SIGINT)
time.sleep(9)
sys.exit("not stopped")
"""


def test_a_second_ctrl_c_while_the_program_ends_prints_no_traceback():
    ended = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")


def test_a_second_ctrl_c_while_the_first_is_reported_prints_no_traceback():
    reported = "program.print = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)\nsys.argv"
    code = STOPPED.replace("sys.argv", reported, 1)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def _assert_equal_runs(one: RunFolder, other: RunFolder) -> None:
    timeless = [
        [{k: v for k, v in row.items() if not k.endswith(("_seconds", "_per_second"))}
         for row in read_metrics(folder.metrics)]
        for folder in (one, other)
    ]  # fmt: skip
    assert timeless[0] == timeless[1]
    for name in ("last_checkpoint", "best_checkpoint"):
        states = [torch.load(getattr(f, name), weights_only=True) for f in (one, other)]
        for part in ("model", "ema"):
            assert states[0][part].keys() == states[1][part].keys()
            for key, value in states[0][part].items():
                assert torch.equal(value, states[1][part][key]), (name, part, key)


def _start(*words: str, new_group: bool = False) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "cifar_lab", *words], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, env=environment, start_new_session=new_group,
    )  # fmt: skip


def _wait_for_epoch(run: RunFolder, epoch: int, process: subprocess.Popen[str]) -> None:
    for _ in range(2000):
        if run.metrics.is_file() and len(read_metrics(run.metrics)) >= epoch:
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.03)
    raise AssertionError("the run did not get that far within a minute")


def _listed_state(path: str) -> str:
    return Run(RunFolder(Path(path))).state


def test_a_loader_worker_that_is_killed_outside_of_a_run_is_told_in_one_line(monkeypatch, capsys):
    def killed(_words):
        raise RuntimeError("DataLoader worker (pid 5) is killed by signal: Killed. ")

    monkeypatch.setattr("cifar_lab.cli.listing.ls", killed)
    assert main(["ls"]) == 1
    told = "error: DataLoader worker (pid 5) is killed by signal: Killed; workers are most often"
    assert capsys.readouterr().err.startswith(told)


def test_another_error_is_not_hidden(monkeypatch):
    def broken(_words):
        raise RuntimeError("a bug")

    monkeypatch.setattr("cifar_lab.cli.listing.ls", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["ls"])
