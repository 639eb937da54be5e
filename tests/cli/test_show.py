from __future__ import annotations

import pytest

from cifar_lab.cli.main import main
from tests.conftest import write_image_folder


@pytest.mark.parametrize(
    ("part", "said", "figure"),
    [
        (
            "data",
            ["1,293", "144", "360", "mean of R, G, B over"],
            "data/data.html",
        ),
        ("augmentation", [], "augmentation.png"),
        ("model", ["6,573,120", "ResidualSum"], None),
        ("schedule", ["504 steps, 21 per epoch", "largest: 0.02"], "schedule.png"),
    ],
)
def test_show_prints_and_draws_a_part(part, said, figure, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # Flags and overrides may stand in any order, the part among them.
    assert main(["show", "trainer.batch_size=64", part, "dataset=digits"]) == 0
    output = capsys.readouterr().out
    for text in said:
        assert text in output
    if figure is not None:
        begins = b"<!doctype html>" if figure.endswith("html") else b"\x89PNG"
        assert (tmp_path / "outputs" / "show" / figure).read_bytes().startswith(begins)
        assert f": outputs/show/{figure}" in output.splitlines()[-1]


def test_the_data_are_shown_whatever_a_batch_would_hold(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    root = write_image_folder(tmp_path / "images", side=32)
    words = ["dataset=image_folder", f"dataset.root={root}", "dataset.validation_fraction=0"]
    assert main(["show", "data", *words]) == 0  # 8 images, batches of 512
    assert "8" in capsys.readouterr().out
    assert main(["show", "data", *words, "dataset.root=nowhere"]) == 2
    assert main(["show", "augmentation", *words]) == 2
