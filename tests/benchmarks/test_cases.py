"""Tests that every row has its target, and some cases at tiny sizes on embedded digits."""

from __future__ import annotations

import dataclasses
from inspect import signature

import numpy as np
import pytest
import torch

from benchmarks import ours, peers, roofline
from benchmarks.__main__ import choose, line, main
from benchmarks.cases import (
    all_cases,
    auto_precision,
    evaluation,
    input_pipeline,
    listing,
    lr_finder,
    predicting,
    serving,
    start_up,
    tiny_network,
    training_step,
)
from benchmarks.cases.memory import multiply
from benchmarks.measure import Different, Result, Settings
from benchmarks.peers import whole_batches
from benchmarks.targets import AMX_BF16, AVX512_BF16, CUDA, TARGETS, Target
from tests.benchmarks.conftest import MACHINE, made_case
from tests.conftest import write_image_folder

#: Rows that show where time goes, without a bound.
WITHOUT_TARGET = {
    "throughput",
    *(
        f"layers-{network}-{short}"
        for network in ("resnet18", "custom-resnet")
        for short in ("bf16", "fp32")
    ),
}


def test_every_row_is_registered_and_has_its_target():
    cases = all_cases()
    assert all(case.name == name and case.what for name, case in cases.items())
    assert {name: case.target for name, case in cases.items() if case.target} == TARGETS
    assert set(cases) - set(TARGETS) == WITHOUT_TARGET


def test_cases_are_chosen_by_name_or_pattern():
    assert [case.name for case in choose(["gradcam-*", "records"])] == [
        "gradcam-package",
        "gradcam-captum",
        "records",
    ]
    assert len(choose([])) == len(all_cases())
    with pytest.raises(SystemExit, match="no case matches speed; available: step-resnet18"):
        choose(["speed"])


def test_a_result_is_printed_with_its_interval_and_target():
    text = line(made_case(), Result(1.5, 1.4, 1.6, 4))
    assert " ".join(text.split()) == "a 1.50 [1.40, 1.60] n=4 target >= 2: MISSED"
    below = made_case(target=Target(50, at_most=True), unit="ms")
    assert line(below, Result(12.0, pairs=1)).endswith("12.0 ms  n=1  target <= 50 ms: met")


def test_a_missing_peer_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'lightning'", name="lightning")

    monkeypatch.setattr(peers.importlib, "import_module", missing)
    with pytest.raises(peers.MissingPeer, match=r"lightning is not installed; pip install 'cifar"):
        peers.load("lightning_peer")


@pytest.mark.extra("bench")
def test_airbench_has_what_its_peer_calls():
    """It trains on CUDA only."""
    peer = peers.load("airbench_peer")
    assert signature(peer.train94).bind(verbose=False)
    assert signature(peer.evaluate).bind("model", "loader", tta_level=2)
    assert signature(peer.CifarLoader).bind("cifar10", train=False, batch_size=2000)


def test_a_training_step_has_the_losses_of_the_plain_loop(quick):
    result = training_step.run(quick, "float32", 8)
    assert result.value > 0
    assert len(result.ours) == len(result.theirs) == result.pairs == 2


def test_auto_is_timed_beside_both_precisions(quick):
    result = auto_precision.run(quick, ["model=resnet18"], 8)
    assert result.value > 0
    assert len(result.ours) == len(result.theirs) == result.pairs == 2
    assert result.notes[0].startswith("images/s: auto ")


@pytest.mark.parametrize("name", auto_precision.NETWORKS)
def test_the_networks_of_automatic_precision_can_be_built(name):
    overrides, _, _ = auto_precision.NETWORKS[name]
    built = training_step.experiment(Settings(), overrides, "float32", 4)
    assert built.config["optimizer"]["lr"] == training_step.LEARNING_RATE


def test_a_choice_that_is_clearly_slower_is_refused():
    with pytest.raises(Different, match="auto chose float32, with which a step is at most"):
        auto_precision.refuse_wrong_choice("float32", "bfloat16", [0.49, 0.5, 0.51])
    auto_precision.refuse_wrong_choice("float32", "bfloat16", [0.4, 0.9, 1.3])  # noise
    auto_precision.refuse_wrong_choice("float32", "bfloat16", [0.89, 0.9, 0.91])  # by its rule
    auto_precision.refuse_wrong_choice("float32", "float32", [0.49, 0.5, 0.51])  # the same


def test_different_losses_are_detected(quick, monkeypatch):
    monkeypatch.setattr(ours, "losses", lambda built, batches: [0.1, 0.1, 0.1])
    with pytest.raises(Different, match="losses of three steps: differs by"):
        training_step.run(quick, "float32", 8)


def test_the_finder_has_the_curve_of_the_package(quick, monkeypatch):
    result = lr_finder.run(quick, "float32", "float32")
    assert result.value > 0
    assert result.notes[0].startswith("smoothed losses of 10 steps differ by")
    monkeypatch.setattr(ours, "range_test", lambda *_: ([1e-5] * 10, [2.0] * 10))
    with pytest.raises(Different, match="learning rates: differs by"):
        lr_finder.run(quick, "float32", "float32")


def test_a_tiny_network_learns_the_same_in_both_loops(quick):
    assert tiny_network.against_bare_loop(quick).value > 0


def test_the_input_pipeline_gives_the_views_of_its_peer(quick):
    built = ours.experiment(
        *quick.images(), "augmentation=crop_flip_cutout8", "trainer.batch_size=64"
    )
    input_pipeline.assert_same_views(built, "albumentations_loader")
    shown = np.zeros((32, 32, 3), np.int16)
    with pytest.raises(Different, match="neither a crop of its source"):
        input_pipeline._explained(np.full((32, 32, 3), 200, np.uint8), shown)


def test_torchvision_on_batches_gives_the_same_views(quick):
    built = ours.experiment(
        *quick.images(), "augmentation=crop_flip_cutout8", "trainer.batch_size=64"
    )
    input_pipeline.assert_same_views(built, "torchvision_batches")


@pytest.mark.extra("bench")
def test_kornia_gives_the_same_views(quick):
    built = ours.experiment(
        *quick.images(), "augmentation=crop_flip_cutout8", "trainer.batch_size=64"
    )
    input_pipeline.assert_same_views(built, "kornia_batches")


def test_whole_batches_hold_every_image_once():
    images = np.arange(10, dtype=np.uint8).repeat(3).reshape(10, 1, 1, 3)
    loader = whole_batches.loader(images, np.arange(10), lambda batch: batch, 4)
    batches = list(loader)
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == list(range(10))
    assert torch.equal(torch.cat([pixels[:, 0, 0, 0] for pixels, _ in batches]).long(), labels)


def test_every_file_has_a_row(quick):
    result = predicting.run(dataclasses.replace(quick, root=None))
    assert result.value > 0
    assert result.notes[0].startswith("images/s: ")


def test_figures_and_bookkeeping_of_an_evaluation(quick):
    given = evaluation._evaluation(quick)
    given["batches"] = given["batches"][:1]
    found, pictures = ours.evaluation_figures(**given)
    logits, labels = given["batches"][0]
    assert found["accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert [evaluation._pixels(picture)[0] for picture in pictures] == [1296, 1296, 1496]


def test_operations_and_bytes_are_counted():
    a, b = torch.ones(4, 8), torch.ones(8, 2)

    def step():
        (a @ b).relu()

    work = roofline.count(step)
    assert work.operations == 2 * 4 * 8 * 2
    assert work.bytes == 2 * 4 * 2 * 4  # read and written once, four bytes each; no product's
    bound = work.lines(seconds=4.0, rate=64.0, bandwidth=64.0)[1]
    assert bound.startswith("bound 2.000 s if arithmetic (2.000 s) and memory (1.000 s) overlap")
    assert bound.endswith("measured 4.000 s = 50% and 75% of these speeds")


def test_an_image_folder_is_multiplied_by_links(tmp_path):
    small = write_image_folder(tmp_path / "small")
    assert multiply(small, tmp_path / "large") == 80
    assert len(list((tmp_path / "large" / "test").glob("*/*"))) == 4
    file = next((small / "train").glob("*/*"))
    assert file.stat().st_nlink == 11


@pytest.mark.slow
def test_runs_are_listed_in_a_moment(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = listing.measure(quick)
    assert 0 < result.value < 60
    assert len(result.ours) == result.pairs == 2
    assert result.notes[0].startswith("`cifar-lab ls model=custom_resnet --sort optimizer.lr`; ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_runs_become_a_table_in_a_moment(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = listing.measure_table(quick)
    assert 0 < result.value < 60
    assert len(result.ours) == result.pairs == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_both_scripts_come_to_their_first_step(quick):
    result = start_up.first_step(quick, filled=True)  # asserts equally many parameters
    assert result.value > 0
    assert result.pairs == 1


@pytest.mark.slow
def test_both_servers_give_the_same_answers(quick, monkeypatch):
    result = serving.measure(quick, 99)
    assert result.value > 0
    assert len(result.ours) == len(result.theirs) == result.pairs == 2
    assert result.notes[0].startswith("32 clients, 64 PNG files of 32×32")


def test_a_command_runs_a_case_and_saves_it_only_when_told(tmp_path, capsys):
    assert main(["accelerator-resnet18", "--quick", "--save", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    if not torch.cuda.is_available():
        assert "no accelerator available" in printed
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_cases_in_bfloat16_are_known():
    """auto compares both precisions, and the matrix rate is that of bfloat16."""
    known = {name for name, case in all_cases().items() if case.in_bfloat16}
    assert {n for n in all_cases() if "bf16" in n or n.startswith(("auto", "matrix"))} <= known
    assert known <= {n for n, case in all_cases().items() if "fp32" not in n}


@pytest.mark.parametrize(
    ("features", "quick", "runs"),
    [
        ([], [], ["plain"]),
        ([], ["--quick"], ["plain", "bf16"]),
        ([AVX512_BF16], [], ["plain", "bf16"]),
        ([AMX_BF16], [], ["plain", "bf16"]),
        ([CUDA], [], ["plain", "bf16"]),
    ],
)
def test_where_bfloat16_is_emulated_only_a_quick_run_computes_in_it(
    features, quick, runs, tmp_path, capsys, monkeypatch
):
    ran = []
    cases = {
        name: made_case(
            name, run=lambda _, n=name: ran.append(n) or Result(3.0), in_bfloat16=name == "bf16"
        )
        for name in ("plain", "bf16")
    }
    monkeypatch.setattr("benchmarks.__main__.all_cases", lambda: cases)
    monkeypatch.setattr(
        "benchmarks.__main__.machine.describe", lambda: {**MACHINE, "features": features}
    )
    assert main([*quick, "--save", str(tmp_path)]) == 0
    assert ran == runs
    told = "not measured: bfloat16 is emulated here" in capsys.readouterr().out
    assert told == ("bf16" not in runs)


def test_a_failing_case_is_reported_and_does_not_stop_the_others(tmp_path, capsys, monkeypatch):
    def broken(settings):
        raise ValueError("add --root DIR")

    name = "input-albumentations"
    cases = {
        name: dataclasses.replace(made_case(name), run=broken),
        "records": made_case("records"),
    }
    monkeypatch.setattr("benchmarks.__main__.all_cases", lambda: cases)
    assert main(["--save", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "records" in captured.out
    assert "add --root DIR" in captured.err
    assert "failed: input-albumentations" in captured.err
