"""A run is exported to a folder that stands alone and predicts what the run recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import cifar_lab
from cifar_lab.cli.main import main
from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.contents import contents_of
from cifar_lab.recipe.exporting import place_of
from cifar_lab.run.files import object_text
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.robustness import Robustness
from tests.made import pixels_of_digits
from tests.run.test_robustness import a_suite, condition

QUICK = (
    "dataset=digits",
    "name=digits",
    "dataset.validation_fraction=0.1",
    "trainer.epochs=1",
    "trainer.limit_batches=2",
    "trainer.batch_size=32",
    "report.enabled=false",
)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(2)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ("model.width=4",),
        ("model.width=4", "trainer.precision=bfloat16", "trainer.test_time_flips=true"),
        ("model.width=4", "trainer.ema_decay=0.5", "trainer.channels_last=false"),
        ("model=resnet18",),
        ("model=three_block", "model.widths=[4,4,4]"),
        ("model=timm", "model.name=resnet18"),
        ("model=timm", "model.name=vit_tiny_patch16_224"),
        ("model=torchvision", "model.name=shufflenet_v2_x0_5"),
    ],
    ids=lambda words: " ".join(words),
)
def test_the_bundle_gives_the_runs_logits_bit_for_bit(here, overrides):
    run = cifar_lab.train(*QUICK, "model=custom_resnet", *overrides)
    bundle = cifar_lab.open_bundle(run.export("bundle"))
    shutil.rmtree("outputs")
    pixels = pixels_of_digits()
    np.testing.assert_array_equal(bundle.predict(pixels).logits, run.predictions.test.logits)
    assert bundle.class_names == tuple("0123456789")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        torch.set_num_threads(2)
        run = cifar_lab.train(*QUICK, "model.width=4", "trainer.precision=bfloat16")
        place = run.export()
    return folder, run, folder / place


@pytest.fixture
def exported(made, monkeypatch):
    """The current folder, a run in it, and its bundle."""
    monkeypatch.chdir(made[0])
    return made


#: Predicts in a process that can import neither some packages nor what trains.
ELSEWHERE = """
import sys
BARRED = {"albumentations", "captum", "hydra", "matplotlib", "omegaconf"}
BARRED |= {f"cifar_lab.{room}" for room in ("assembly", "config", "engine", "recipe", "run")}
class Bars:
    def find_spec(self, name, path=None, target=None):
        if name in BARRED:
            raise ImportError(f"{name} is imported")
sys.meta_path.insert(0, Bars())
import cifar_lab, numpy, torch
torch.set_num_threads(2)
folder, images, logits = sys.argv[1:]
bundle = cifar_lab.open_bundle(folder)
numpy.save(logits, bundle.predict(numpy.load(images)).logits)
assert len(bundle.explain(numpy.load(images)[:2]).maps) == 2
"""


@pytest.mark.slow
def test_it_predicts_where_little_is_installed_and_nothing_that_trains_is_imported(
    exported, tmp_path
):
    _, run, place = exported
    np.save(tmp_path / "images.npy", pixels_of_digits())
    words = [str(place), str(tmp_path / "images.npy"), str(tmp_path / "logits.npy")]
    subprocess.run([sys.executable, "-I", "-c", ELSEWHERE, *words], check=True, cwd=tmp_path)
    found = np.load(tmp_path / "logits.npy")
    np.testing.assert_array_equal(found, run.predictions.test.logits)


def test_what_a_run_predicts_is_what_it_recorded_bit_for_bit(exported):
    _, run, _ = exported
    found = cifar_lab.open_run("latest").predict(pixels_of_digits()).logits
    np.testing.assert_array_equal(found, run.predictions.test.logits)


def test_it_says_what_the_run_says(exported):
    _, run, place = exported
    described = read_bundle(place).description
    assert place.name == f"digits-{run.id[:8]}"
    assert (described.run, described.name) == (run.id, "digits")
    assert described.test.accuracy == run.summary.test.accuracy
    assert described.validation.count == run.summary.validation.count
    assert described.parameters == run.summary.parameters
    assert described.layers == run.model().explainable_layers
    assert described.usage.precision == "bfloat16"


def test_the_limit_of_energy_is_the_99th_percentile_of_validation(exported):
    _, run, place = exported
    logits = run.predictions.validation.logits.astype(np.float64)
    energies = -np.log(np.exp(logits).sum(1))
    usage = read_bundle(place).description.usage
    assert usage.energy_limit == pytest.approx(np.quantile(energies, 0.99))
    assert usage.energy_images == len(logits)


def test_the_changes_in_float32_are_those_of_the_network_in_float32(exported):
    _, run, place = exported
    described = read_bundle(place).description
    images = torch.from_numpy(pixels_of_digits()).permute(0, 3, 1, 2) / 255
    mean, std = (
        torch.tensor(part).view(3, 1, 1) for part in (run.recorded.data.mean, run.recorded.data.std)
    )
    with torch.no_grad():
        logits = run.model()((images - mean) / std).numpy()
    changed = (logits.argmax(1) != run.predictions.logits.argmax(1)).mean()
    assert described.float32_changes == pytest.approx(changed, abs=1 / 360)


def test_its_images_are_the_data_sets_own(exported):
    _, run, place = exported
    pixels, labels = pixels_of_digits(), run.predictions.test.labels
    ids = {str(name): row for row, name in enumerate(run.predictions.test.sample_ids)}
    predicted = run.predictions.test.logits.argmax(1)
    found = contents_of(read_bundle(place))
    assert sorted(shown.label for shown in found.description.examples) == list(range(10))
    wrong = found.description.misclassified
    assert len(wrong) == min(40, found.description.misclassified_total)
    assert found.description.misclassified_total == (predicted != labels).sum()
    for shown in (*found.description.examples, *wrong):
        row = ids[shown.sample_id]
        np.testing.assert_array_equal(found.pixels(shown), pixels[row])
        assert (shown.label, shown.predicted) == (labels[row], predicted[row])
        assert np.array_equal(np.asarray(Image.open(place / shown.file)), pixels[row])
    probabilities = run.predict([pixels[ids[shown.sample_id]] for shown in wrong]).probabilities
    assert (np.diff(probabilities.max(1)) < 0.02).all()  # most confident first


def test_the_cards_metadata_are_yaml_with_the_results(exported):
    _, run, place = exported
    _, metadata, text = (place / "README.md").read_text().split("---\n", 2)
    fields = yaml.safe_load(metadata)
    assert fields["library_name"] == "cifar-lab"
    assert fields["pipeline_tag"] == "image-classification"
    (model,) = fields["model-index"]
    by_split = {each["dataset"]["split"]: each["metrics"][0] for each in model["results"]}
    assert by_split["test"] == {"type": "accuracy", "value": run.summary.test.accuracy}
    for said in ("# digits", "## Use", "## Results", "## Limits", "In float32, "):
        assert said in text


def test_the_cards_python_lines_run_as_they_stand(exported, monkeypatch, capsys):
    _, _, place = exported
    monkeypatch.chdir(place)
    first = read_bundle(place).description.examples[0]
    lines = (place / "README.md").read_text().split("```python\n")[1].split("```")[0]
    exec(lines, {})
    assert f"{first.file}" in lines
    assert "".join(capsys.readouterr().out.split())


def test_a_file_is_put_into_a_folder_that_is_named(exported, tmp_path):
    _, run, _ = exported
    name = f"digits-{run.id[:8]}.onnx"
    assert place_of(run.recorded, str(tmp_path), ".onnx") == tmp_path / name
    assert place_of(run.recorded, "mine.onnx", ".onnx") == Path("mine.onnx")
    (tmp_path / name).touch()
    with pytest.raises(cifar_lab.Refusal, match="exists already"):
        place_of(run.recorded, str(tmp_path), ".onnx")


def test_the_card_has_the_results_on_harder_images(exported, tmp_path):
    _, run, place = exported
    assert "## Harder images" not in (place / "README.md").read_text()
    copy = Run(RunFolder(shutil.copytree(run.path, tmp_path / "copy")))
    new = condition("CIFAR-10.1 v6", None, 0.5, averaged=False)
    suites = Robustness((a_suite(), a_suite(new.name, new)))
    copy.files.write({copy.folder.robustness: object_text(suites)})
    bundle = cifar_lab.open_run(copy.folder.path).export(tmp_path / "bundle")
    text = contents_of(read_bundle(bundle)).card
    section = text.split("## Harder images\n")[1].split("\n## ")[0]
    assert "not the images of CIFAR-10-C" in section
    words = " ".join(section.split())
    assert words.count("not divided by the error of AlexNet or of any other network") == 1
    lines = [[cell.strip() for cell in line.split("|")] for line in section.splitlines()]
    # By hand: of (0.5, 0.25) and (0.75, 0.5); a quarter of an accuracy is its calibration error.
    for row in (
        "| corruptions@lab | severity 1 | severity 2 | mean | ECE |",
        "| test images |  |  | 87.50 % | 2.00 % |",
        "| fog | 50.00 % | 25.00 % | 37.50 % | 9.38 % |",
        "| mean | 62.50 % | 37.50 % | 50.00 % | 12.50 % |",
        "| CIFAR-10.1 v6 | 8 | 50.00 % | 1.0000 | 12.50 % |",
    ):
        assert [cell.strip() for cell in row.split("|")] in lines
    assert "images like those in training, and of the harder ones above. Nothing is known" in text


def test_a_closed_test_set_stays_closed(here):
    run = cifar_lab.train(*QUICK, "model.width=4", "evaluate_test=false")
    found = contents_of(read_bundle(run.export("bundle")))
    assert (found.description.test, found.description.evaluated) == (None, "validation")
    assert "The test images were not evaluated." in found.card
    ids = set(map(str, run.predictions.validation.sample_ids))
    assert {shown.sample_id for shown in found.description.examples} <= ids


def test_a_folder_that_is_there_is_refused_before_anything_is_read(exported, capsys):
    _, _, place = exported
    before = sorted(path.name for path in place.parent.iterdir())
    assert main(["export", "latest"]) == 2
    assert "exists already; choose another place with -o" in capsys.readouterr().err
    assert main(["export", "latest", "-o", "given", "--misclassified", "0", "--service"]) == 0
    assert {"Dockerfile", "cifar-lab.service"} <= set(read_bundle(Path("given")).hashes)
    assert read_bundle(Path("given")).description.misclassified == ()
    assert sorted(path.name for path in place.parent.iterdir()) == before


def test_nothing_is_left_if_the_bundle_does_not_reproduce_the_run(exported, monkeypatch, capsys):
    folder, _, _ = exported
    monkeypatch.setattr("cifar_lab.recipe.exporting.logits_of", lambda *_: np.zeros((360, 10)))
    assert main(["export", "latest", "-o", "wrong"]) == 2
    assert "does not reproduce the recorded logits" in capsys.readouterr().err
    assert not [path for path in folder.iterdir() if "wrong" in path.name]


@pytest.mark.usefixtures("exported")
def test_more_images_than_a_bundle_may_show_are_refused_before_the_network_is_opened(
    monkeypatch, capsys
):
    monkeypatch.setattr("cifar_lab.recipe.contents.MOST_PIXELS", 15 * 32 * 32)
    monkeypatch.setattr("cifar_lab.recipe.contents.restore", lambda *_: pytest.fail("it is opened"))
    assert main(["export", "latest", "-o", "many", "--misclassified", "6"]) == 2
    assert capsys.readouterr().err.strip() == (
        "error: --misclassified 6: a bundle may show 15,360 pixels in all, which are 5 images of "
        "32×32 pixels beside the examples; ask for at most 5"
    )
    assert not Path("many").exists()


def test_a_bundle_shows_as_many_images_as_it_may(exported, tmp_path, monkeypatch):
    _, run, _ = exported
    for most, shown in ((15, (10, 5)), (4, (4, 0))):
        monkeypatch.setattr("cifar_lab.recipe.contents.MOST_PIXELS", most * 32 * 32)
        described = read_bundle(run.export(tmp_path / str(most))).description
        assert (len(described.examples), len(described.misclassified)) == shown


def test_an_old_runs_validation_has_the_number_of_its_images(exported, tmp_path):
    _, run, _ = exported
    copy = Run(RunFolder(shutil.copytree(run.path, tmp_path / "copy")))
    older = json.loads(copy.folder.summary.read_text())
    older["validation"] |= {"count": None, "wrong": None}
    copy.files.write({copy.folder.summary: json.dumps(older)})
    found = read_bundle(cifar_lab.open_run(copy.folder.path).export(tmp_path / "bundle"))
    assert found.description.validation.count == len(run.predictions.validation.labels)
    assert f"| validation | {len(run.predictions.validation.labels)} | " in contents_of(found).card


@pytest.mark.parametrize("words", [["--misclassified", "many"], ["--licence"], ["other", "words"]])
def test_wrong_words_are_refused(exported, capsys, words):
    assert main(["export", "latest", *words]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_an_altered_bundle_is_refused(exported, tmp_path):
    _, _, place = exported
    copy = shutil.copytree(place, tmp_path / "copy")
    fields = json.loads((copy / "bundle.json").read_text())
    fields["usage"]["class_names"][0] = "nought"
    (copy / "bundle.json").write_text(json.dumps(fields))
    with pytest.raises(cifar_lab.Refusal, match=r"bundle\.json is not what manifest\.json says"):
        cifar_lab.open_bundle(copy)
