"""Text, CSV, LaTeX and JSON of a comparison say the same."""

from __future__ import annotations

import csv
import io
import json
import re
from statistics import fmean, stdev

import pytest
from scipy.stats import binomtest

from cifar_lab.results.comparison import compared
from cifar_lab.results.exported import FORMATS, as_csv, as_json, as_latex, as_text
from cifar_lab.results.table import mcnemar_says, p_value
from cifar_lab.run.files import write_object
from tests.made import a_provenance
from tests.results.compared_runs import CLASSES, a_grid, a_run

T, F = True, False
NASTY = ("50 % of $x_1", "a & b", r"\input{c}_#^~")


@pytest.fixture
def grid(tmp_path):
    return compared(a_grid(tmp_path, classes=NASTY))


def test_the_table_gives_mean_deviation_and_difference(grid):
    values = grid.rows[1].configuration.numbers["val_accuracy"]
    base = fmean(grid.baseline.numbers["val_accuracy"])
    effect = grid.rows[1].effect
    line = next(each for each in as_text(grid).splitlines() if each.startswith("lr=0.2"))
    assert f"{100 * fmean(values):.2f} ± {100 * stdev(values):.2f}" in line
    shown = [100 * (fmean(values) - base), 100 * effect.low, 100 * effect.high]
    first, low, high = (f"{each:+.2f}".replace("-", "−") for each in shown)
    assert f"{first} ({low} to {high})" in line


def test_the_text_has_the_classes(grid):
    first, second = grid.rows[0].by_image.recalls[0], grid.rows[1].by_image.recalls[0]
    line = next(each for each in as_text(grid).splitlines() if each.startswith(NASTY[0]))
    cells = line.removeprefix(NASTY[0]).split()
    assert cells[0] == f"{100 * first:.1f}"
    assert cells[1] == f"{100 * (second - first):+.1f}".replace("-", "−")


def test_other_machines_and_versions_are_told(tmp_path):
    runs = a_grid(tmp_path, seeds=1)
    made = a_provenance(precision="float32", device_name="B", libraries={"torch": "2.6.0"})
    write_object(runs[1].folder.provenance, made)
    text = as_text(compared(runs))
    assert "different versions of torch: 2.15.0; 2.6.0." in text
    assert "different hardware: " in text
    assert "different commits" not in text


def test_csv_has_exact_numbers(grid):
    lines = list(csv.DictReader(io.StringIO(as_csv(grid))))
    assert [line["configuration"] for line in lines] == ["lr=0.1", "lr=0.2", "lr=0.5"]
    assert [line["optimizer.lr"] for line in lines] == ["0.1", "0.2", "0.5"]
    for line, row in zip(lines, grid.rows, strict=True):
        values = row.configuration.numbers["val_accuracy"]
        assert float(line["val_accuracy_mean"]) == fmean(values)
        assert float(line["val_accuracy_sd"]) == pytest.approx(stdev(values))
    assert float(lines[2]["val_accuracy_difference_low"]) == grid.rows[2].effect.low
    assert lines[0]["val_accuracy_difference_low"] == ""


def test_latex_marks_the_set_within_noise_and_escapes_names(grid):
    text = as_latex(grid)
    bold = [line.split(" &")[0] for line in text.splitlines() if "textbf" in line]
    assert bold == [
        row.configuration.name + " (baseline)" * (n == 0)
        for n, row in enumerate(grid.rows)
        if row.within_noise
    ]
    assert r"50 \% of \$x\_1 &" in text
    assert r"a \& b &" in text
    assert r"\textbackslash{}input\{c\}\_\#\textasciicircum{}\textasciitilde{} &" in text
    for table in re.findall(r"begin\{tabular\}\{(\w+)\}(.*?)\\end", text, re.S):
        lines = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(table[0])}


def test_json_has_every_image_and_no_number_that_is_not_finite(tmp_path):
    first = a_run(tmp_path / "a", [T, T, F, F])
    second = a_run(tmp_path / "b", [T, F, T, F], config={"optimizer.lr": 0.2})
    value = json.loads(as_json(compared([first, second])))
    assert value["mcnemar"]["p_value"] == binomtest(1, 2).pvalue
    assert value["mcnemar"]["only_first_images"] == [
        {"sample_id": "validation/1", "class": "bee", "first": "bee", "second": "cat"}
    ]
    assert value["configurations"][0]["folders"] == [str(first.folder.path)]
    accuracies = [value["configurations"][0][f"accuracy of class {c}"] for c in CLASSES]
    assert accuracies == [0.5, 1.0, 0.0]
    differences = [value["configurations"][1][f"difference of class {c}"] for c in CLASSES]
    assert differences == [0.0, -1.0, 1.0]
    assert value["differing"] == {"optimizer.lr": ["0.1", "0.2"]}


def test_every_format_tells_what_is_not_ranked_and_left_out(tmp_path):
    runs = a_grid(tmp_path)
    other = a_run(tmp_path / "o", [T] * 60, data="0123456789", config={"optimizer.lr": 9})
    failed = a_run(tmp_path / "f", [T], state="failed")
    found = compared([*runs, other, failed])
    for name, write in FORMATS.items():
        text = write(found)
        assert "data 0123456789 instead of fedcba987654" in text, name
        if name != "csv":
            assert "it is not finished: failed" in text, name
    tables = as_latex(found).split(r"\begin{tabular}", 1)[1]
    assert "lr=9" not in tables
    assert as_text(found).count("lr=9") == 1


def test_what_mcnemar_says_and_does_not_say():
    assert mcnemar_says(0.01).startswith("These two networks differ")
    assert mcnemar_says(0.2).startswith("These images do not tell the two networks apart")
    assert "not about these recipes" in mcnemar_says(0.01)
    assert [p_value(p) for p in (0.5, 0.0312, 1e-9)] == ["p = 0.5", "p = 0.031", "p < 0.0001"]
