"""The ledger: what is copied from a run, which runs form an experiment, and what rows say."""

from __future__ import annotations

import copy
import dataclasses
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from cifar_lab.refusal import Refusal
from cifar_lab.results.ledger import record_runs, recording, render
from cifar_lab.results.recorded import read_results
from cifar_lab.run.files import (
    read_json,
    read_object,
    write_atomically,
    write_json,
    write_object,
)
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.git import Git
from cifar_lab.run.labels import Labels
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Evaluated, Result, Summary, Work
from cifar_lab.run.trust import OrderScore, Trust
from tests.made import COMMIT, a_provenance, a_summary

CONFIG = {
    "name": "digits",
    "seed": 0,
    "dataset": {"_target_": "Digits", "root": "/data", "cache_dir": "/cache", "resize": None},
    "optimizer": {"lr": 0.1},
}


def test_configuration_summary_provenance_and_metrics_are_copied(tmp_path, experiments):
    run = finished_run(tmp_path)
    record([(run, CONFIG)], experiments)
    kept = experiments / "results" / "digits" / "2025-01-02_10-00-00-000000"
    assert sorted(file.name for file in kept.iterdir()) == [
        "config.json",
        "metrics.csv",
        "provenance.json",
        "summary.json",
    ]
    recorded = read_json(kept / "config.json")
    places = {"root": "DIR", "cache_dir": "DIR", "sampling": "shuffled"}
    expected = CONFIG | {"dataset": CONFIG["dataset"] | places}
    assert {key: recorded[key] for key in CONFIG} == expected
    for file in (run.summary, run.metrics):
        assert (kept / file.name).read_bytes() == file.read_bytes()
    made = read_json(run.provenance)
    assert read_json(kept / "provenance.json") == {**made, "working_directory": None}


def test_what_was_recorded_with_paths_is_cleaned_and_nothing_else_is_changed(tmp_path, experiments):
    record([(finished_run(tmp_path), CONFIG)], experiments)
    kept = experiments / "results" / "digits" / "2025-01-02_10-00-00-000000"
    files = {name: read_json(kept / f"{name}.json") for name in ("config", "provenance", "summary")}
    older = {key: value for key, value in files["provenance"].items() if key != "format"}
    command = f"{older['command']} dataset.root=/work/data"
    dirty = {**older, "command": command, "working_directory": "/work/run"}
    write_json(kept / "provenance.json", dirty)
    dataset = CONFIG["dataset"] | {"sampling": "shuffled"}
    write_json(kept / "config.json", files["config"] | {"dataset": dataset})
    before = (kept / "summary.json").stat()
    ledger = record([], experiments)
    assert "`cifar-lab train seed=0 dataset.root=DIR`" in ledger.read_text()
    cleaned = {**older, "command": f"{older['command']} dataset.root=DIR"}
    assert read_json(kept / "provenance.json") == cleaned
    assert read_json(kept / "config.json") == files["config"]
    assert (kept / "summary.json").stat() == before


def test_a_record_that_was_cut_short_is_not_there_until_it_is_repeated(
    tmp_path, experiments, monkeypatch
):
    run, written = finished_run(tmp_path), []

    def fails(path, value):
        written.append(path)
        if len(written) == 3:
            raise OSError("disk full")
        write_json(path, value)

    monkeypatch.setattr("cifar_lab.results.ledger.write_json", fails)
    with pytest.raises(OSError, match="disk full"):
        record([(run, CONFIG)], experiments)
    assert read_results(experiments / "results") == []
    monkeypatch.undo()
    assert "98.77" in record([(run, CONFIG)], experiments).read_text()


def test_several_at_once_wait_for_each_other(tmp_path, experiments):
    """Each renders the ledger from all that is recorded; none may overwrite a newer one."""
    inside, most, barrier = [], [], threading.Barrier(4)

    def one(hour):
        run = finished_run(tmp_path, hour)
        barrier.wait(30)
        with recording(experiments):
            inside.append(hour)
            most.append(len(inside))
            record([(run, CONFIG)], experiments)
            inside.remove(hour)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, ("10", "11", "12", "13")))
    assert most == [1, 1, 1, 1]
    text = (experiments / "README.md").read_text()
    assert len(rows_below(text, "| run |")) == 4


def test_what_a_killed_record_left_half_written_is_deleted(experiments):
    left = experiments / "results" / "digits" / "1" / ".config.json.12.tmp"
    write_atomically(left, "{")
    with recording(experiments):
        assert not left.exists()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("outputs/digits/2025-01-02/10-00", "2025-01-02_10-00"),
        ("outputs/digits/2025-01-02/10-00/optimizer.lr=1", "2025-01-02_10-00_optimizer.lr=1"),
        ("digits/outputs/digits/2025-01-02/10-00", "2025-01-02_10-00"),
        ("moved/away/10-00", "away_10-00"),
    ],
)
def test_results_are_named_by_what_follows_the_name_of_the_run(tmp_path, experiments, path, key):
    run = finished_run(tmp_path)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    run = RunFolder(run.path.rename(tmp_path / path))
    record([(run, CONFIG)], experiments)
    assert [folder.name for folder in (experiments / "results" / "digits").iterdir()] == [key]


def test_a_link_to_a_run_is_recorded_as_the_run(tmp_path, experiments):
    run = finished_run(tmp_path)
    (tmp_path / "outputs" / "latest").symlink_to(run.path)
    for each in (run, RunFolder(tmp_path / "outputs" / "latest")):
        record([(each, CONFIG)], experiments)
    assert len(read_results(experiments / "results")) == 1


def test_the_ledger_stands_beside_the_results_and_is_what_they_render_to(tmp_path, experiments):
    ledger = record([(finished_run(tmp_path), CONFIG)], experiments)
    assert ledger == experiments / "README.md"
    assert ledger.read_text() == render(read_results(experiments / "results"), studies=False)


def test_a_run_recorded_twice_stands_there_once(tmp_path, experiments):
    run = finished_run(tmp_path)
    first = record([(run, CONFIG)], experiments).read_text()
    assert record([(run, CONFIG)], experiments).read_text() == first
    assert len(read_results(experiments / "results")) == 1


def test_names_and_commands_are_text_and_not_markup(tmp_path, experiments):
    run = finished_run(tmp_path)
    change(run.summary, Summary, model='Net(fill="*a*|<b>")')
    change(run.provenance, Provenance, command="cifar-lab train 'x=`a|b`'")
    text = record([(run, CONFIG)], experiments).read_text()
    assert r'| digits | Net(fill="\*a\*\|\<b\>") | 1 |' in text
    assert r"| ``cifar-lab train 'x=`a\|b`'`` |" in text


def test_a_run_whose_test_set_was_opened_later_is_one_of_the_experiment(tmp_path, experiments):
    first, second = finished_run(tmp_path, "10"), finished_run(tmp_path, "11", seed=1)
    runs = [(first, CONFIG), (second, CONFIG | {"seed": 1, "evaluate_test": False})]
    assert "| digits | ResNet18 | 2 |" in record(runs, experiments).read_text()


def test_runs_whose_test_set_is_closed_are_not_recorded(tmp_path, experiments):
    run = finished_run(tmp_path)
    change(run.summary, Summary, test=None, evaluated="validation")
    with pytest.raises(Refusal) as refused:
        record([(run, CONFIG)], experiments)
    assert refused.value.problems == [
        f"{run.path} has no test result, as evaluate_test=false; add it with "
        f"`cifar-lab eval {run.path}`"
    ]
    assert not (experiments / "results").exists()


def test_the_rows_of_one_run(tmp_path, experiments):
    text = record([(finished_run(tmp_path), CONFIG)], experiments).read_text()
    assert (
        "| digits | ResNet18 | 1 | 98.77 | 20 | 2 min 0 s | – | A processor, 2 threads, bf16 "
        "| `cifar-lab train seed=0` |\n"
    ) in text
    assert (
        "| [digits/2025-01-02_10-00-00-000000](results/digits/2025-01-02_10-00-00-000000) | 0 "
        "| 98.77 | 17 | `0123456789ab` |\n"
    ) in text


def test_the_spread_over_seeds_is_the_sample_standard_deviation(tmp_path, experiments):
    runs = [
        (finished_run(tmp_path, hour, seed, accuracy, seconds), CONFIG | {"seed": seed})
        for seed, (hour, accuracy, seconds) in enumerate(
            [("10", 0.90, 60.0), ("11", 0.92, 120.0), ("12", 0.97, 240.0)]
        )
    ]
    text = record(runs, experiments).read_text()
    # Mean (90 + 92 + 97) / 3 = 93; standard deviation: the root of (9 + 1 + 16) / (n - 1) = 13.
    assert "| 3 | 93.00 ± 3.61 | 20 | 2 min 20 s | – |" in text
    assert len(rows_below(text, "| run |")) == 3


def test_runs_recorded_on_several_days_are_counted_together(tmp_path, experiments):
    for seed, hour in enumerate(("10", "11")):
        run = finished_run(tmp_path, hour, seed)
        text = record([(run, CONFIG | {"seed": seed})], experiments).read_text()
    assert "| digits | ResNet18 | 2 | 98.77 ± 0.00 |" in text


@pytest.mark.parametrize(
    ("key", "value", "same"),
    [
        (("seed",), 7, True),
        (("hooks",), {"a": {"_target_": "cifar_lab.hooks.GradientNorm", "images": 9}}, True),
        (("dataset", "root"), "/elsewhere", True),
        (("dataset", "cache_dir"), "/elsewhere", True),
        (("dataset", "resize"), 16, False),
        (("dataset", "_target_"), "Cifar10", False),
        (("optimizer", "lr"), 0.2, False),
        (("name",), "other", False),
    ],
)
def test_seed_and_places_alone_make_no_other_experiment(tmp_path, experiments, key, value, same):
    changed = copy.deepcopy(CONFIG)
    node = changed
    for part in key[:-1]:
        node = node[part]
    node[key[-1]] = value
    runs = [(finished_run(tmp_path, "10"), CONFIG), (finished_run(tmp_path, "11"), changed)]
    text = record(runs, experiments).read_text()
    assert len(rows_below(text, "| experiment |")) == (1 if same else 2)
    assert len(rows_below(text, "| run |")) == 2


@pytest.mark.parametrize("max_lr", [0.1, "find"])
def test_how_to_look_for_a_learning_rate_makes_another_experiment_only_where_it_was_looked_for(
    tmp_path, experiments, max_lr
):
    config = CONFIG | {"scheduler": {"max_lr": max_lr}}
    runs = [
        (finished_run(tmp_path, "10"), config | {"lr_finder": {"steps": 50}}),
        (finished_run(tmp_path, "11"), config | {"lr_finder": {"steps": 100}}),
        (finished_run(tmp_path, "12"), config | {"lr_finder": {"steps": 200}}),
    ]
    text = record(runs, experiments).read_text()
    assert len(rows_below(text, "| experiment |")) == (3 if max_lr == "find" else 1)


def test_test_time_flips_and_work_are_told(tmp_path, experiments):
    runs = []
    for hour, plain, tflop in (("10", 0.97, 90.0), ("11", 0.96, 94.0)):
        run = finished_run(tmp_path, hour)
        told = {
            "test_without_flips": Evaluated(loss=0.1, accuracy=plain, count=10),
            "work": Work(1.0, 4e11, (4e11,), tflop),
        }
        change(run.summary, Summary, **told)
        runs.append((run, CONFIG))
    text = record(runs, experiments).read_text()
    # The roots of ((97 - 96.5)² + (96 - 96.5)²) / 1 and of 2² + 2².
    assert "| 98.77 ± 0.00 with test-time flip averaging; 96.50 ± 0.71 without |" in text
    assert "| 92 ± 3 TFLOP at 400 GFLOP/s |" in text


def test_the_same_on_other_hardware_or_a_part_of_it_is_counted_apart(tmp_path, experiments):
    runs = []
    for hour, changes in (
        ("10", {}),
        ("11", {"device_name": "another"}),
        ("12", {"environment": {"ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "2"}}),
    ):
        run = finished_run(tmp_path, hour)
        change(run.provenance, Provenance, **changes)
        runs.append((run, CONFIG))
    text = record(runs, experiments).read_text()
    assert len(rows_below(text, "| experiment |")) == 3
    assert "ONEDNN_MAX_CPU_ISA=AVX2 |" in text


def test_a_precision_that_was_stated_or_chosen_is_the_same_but_two_are_counted_apart(
    tmp_path, experiments
):
    runs = []
    for hour, stated, used in (("10", "auto", "a"), ("11", "a", "a"), ("12", "auto", "b")):
        run = finished_run(tmp_path, hour)
        change(run.provenance, Provenance, precision=used)
        runs.append((run, {**CONFIG, "trainer": {"precision": stated}}))
    rows = rows_below(record(runs, experiments).read_text(), "| experiment |")
    assert [row.split("|")[3].strip() for row in rows] == ["2", "1"]


def test_an_early_end_and_uncommitted_work_are_told(tmp_path, experiments):
    run = finished_run(tmp_path)
    change(run.summary, Summary, epochs_trained=12)
    change(run.provenance, Provenance, git=Git(COMMIT, dirty=True))
    text = record([(run, CONFIG)], experiments).read_text()
    assert "| 98.77 | 12 of 20 |" in text
    assert "| `0123456789ab` (changed) |" in text


def test_how_far_maps_can_be_trusted_is_copied_with_the_note(tmp_path, experiments):
    run, other = finished_run(tmp_path, "10"), finished_run(tmp_path, "11")
    trust = Trust("gradcam", "layer2", "test", 8, (OrderScore("gradcam", 0.1, 0.6, 0, 0),), 0.1)
    write_object(run.trust, trust)
    write_object(run.labels, Labels(("best",), "The maps follow the animals."))
    write_object(other.labels, Labels((), "My own business."))
    record([(run, CONFIG), (other, CONFIG)], experiments)
    kept, rest = read_results(experiments / "results")
    assert kept.maps.trust == trust
    assert kept.labels == Labels((), "The maps follow the animals.")
    assert rest.maps.trust is None
    assert rest.labels == Labels.none()
    run.labels.unlink()
    record([(run, CONFIG)], experiments)
    assert read_results(experiments / "results")[0].labels == Labels.none()


def test_whole_and_shortened_runs_stand_in_tables_of_their_own(tmp_path, experiments):
    whole, cut = finished_run(tmp_path, "10"), finished_run(tmp_path, "11", accuracy=0.5)
    fewer_images = CONFIG | {"dataset": {"limit_train_images": 100}}
    text = record([(whole, CONFIG), (cut, fewer_images)], experiments).read_text()
    above, below = text.split("## Shortened runs")
    assert [row.split("|")[4].strip() for row in rows_below(above, "| experiment |")] == ["98.77"]
    assert [row.split("|")[4].strip() for row in rows_below(below, "| experiment |")] == ["50.00"]


def test_without_shortened_runs_there_is_no_table_of_them(tmp_path, experiments):
    text = record([(finished_run(tmp_path), CONFIG)], experiments).read_text()
    assert "Shortened" not in text


def test_a_run_of_no_checkout_has_no_commit(tmp_path, experiments):
    run = finished_run(tmp_path)
    change(run.provenance, Provenance, git=None)
    assert "| 98.77 | 17 | none |\n" in record([(run, CONFIG)], experiments).read_text()


def test_tables_are_whole_and_links_lead_somewhere(tmp_path, experiments):
    runs = [(finished_run(tmp_path, hour), CONFIG) for hour in ("10", "11")]
    ledger = record(runs, experiments)
    text = ledger.read_text()
    for heading in ("| experiment |", "| run |"):
        lines = [line for line in text.splitlines() if line.startswith(heading)]
        columns = {line.count("|") for line in [*lines, *rows_below(text, heading)]}
        assert len(columns) == 1
    links = re.findall(r"\]\((.+?)\)", text)
    assert len(links) == 3
    assert all((ledger.parent / link).is_dir() for link in links)


def test_without_an_experiments_folder_nothing_is_recorded(tmp_path):
    message = f"{tmp_path / 'experiments'}/ does not exist; run `cifar-lab record` from the top of"
    with pytest.raises(Refusal, match=message):
        with recording(tmp_path / "experiments"):
            pass


def test_unfinished_runs_are_refused_all_at_once_and_nothing_is_recorded(tmp_path, experiments):
    runs = [finished_run(tmp_path, hour) for hour in ("10", "11", "12")]
    for run in runs[1:]:
        run.summary.unlink()
    with pytest.raises(Refusal, match=r"is not finished: it has no summary\.json") as refusal:
        record([(run, CONFIG) for run in runs], experiments)
    assert [problem.split(" ")[0] for problem in refusal.value.problems] == [
        str(run.path) for run in runs[1:]
    ]
    assert not any(experiments.iterdir())


@pytest.mark.parametrize("name", ["../../../elsewhere", "a/b", "..", ".", ""])
def test_a_name_that_leads_out_of_the_results_is_refused(tmp_path, experiments, name):
    run = finished_run(tmp_path)
    change(run.summary, Summary, name=name)
    with pytest.raises(Refusal, match=r"summary\.json: name '.*' cannot be the name of a folder"):
        record([(run, CONFIG)], experiments)
    assert not any(experiments.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["experiments", "outputs"]


def test_the_ledger_links_to_published_studies_where_there_are_some(tmp_path, experiments):
    run = finished_run(tmp_path)
    assert "studies" not in record([(run, CONFIG)], experiments).read_text()
    write_json(experiments / "published.json", {"studies": []})
    text = record([(run, CONFIG)], experiments).read_text()
    assert "[results/studies.md](results/studies.md)" in text


def test_an_empty_ledger_has_its_headings():
    text = render([], studies=False)
    assert rows_below(text, "| experiment |") == rows_below(text, "| run |") == []


@pytest.fixture
def experiments(tmp_path) -> Path:
    folder = tmp_path / "experiments"
    folder.mkdir()
    return folder


def record(runs: list[tuple[RunFolder, dict]], experiments: Path) -> Path:
    """Record runs, each with its configuration."""
    for folder, config in runs:
        write_atomically(folder.config, yaml.safe_dump(config))
    return record_runs([Run(folder) for folder, _ in runs], experiments)


def finished_run(
    root: Path, hour: str = "10", seed: int = 0, accuracy: float = 0.98765, seconds: float = 120.0
) -> RunFolder:
    run = RunFolder(root / "outputs" / "digits" / "2025-01-02" / f"{hour}-00-00-000000")
    result = Result(accuracy=accuracy, loss=0.1, count=10, wrong=1)
    write_object(run.summary, a_summary(test=result, training_seconds=seconds))
    made_with = a_provenance(command=f"cifar-lab train seed={seed}", seed=seed)
    write_object(run.provenance, made_with)
    write_atomically(run.metrics, "epoch,train_loss\n1,0.5\n")
    return run


def change(path: Path, kind: type, **changes: Any) -> None:
    """Overwrite fields of a record."""
    write_object(path, dataclasses.replace(read_object(path, kind), **changes))


def rows_below(text: str, heading: str) -> list[str]:
    """Rows of the table whose header starts with ``heading``."""
    table = text[text.index(heading) :].split("\n\n")[0].splitlines()
    return table[2:]
