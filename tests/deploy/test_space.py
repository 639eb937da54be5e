"""A Space has all that its app needs, and nothing that trains; it runs in a fresh environment."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import venv
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import httpx
import pytest
import yaml
from packaging.requirements import Requirement

from cifar_lab.deploy.app.hosted import host
from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.description import Architecture, Module
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.deploy.space import closure, space, write_space
from cifar_lab.refusal import Refusal
from tests.deploy.app.networks import answers_of, bundle, noise, png, sent
from tests.deploy.bundles import a_bundle

pytestmark = pytest.mark.extra("app")

#: Rooms of which a Space has nothing.
LEFT_BEHIND = {
    "api", "assembly", "cli", "config", "engine", "hooks", "optim", "recipe", "report", "results",
    "run", "sweeps", "trackers",
}  # fmt: skip


@pytest.fixture(scope="module")
def of(tmp_path_factory):
    return bundle(tmp_path_factory.mktemp("space") / "bundle")


def requirements(files: dict[str, bytes]) -> dict[str, Requirement]:
    lines = files["requirements.txt"].decode().splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("--")]
    return {each.name.lower().replace("_", "-"): each for each in found}


def test_nothing_that_trains_comes_along(of):
    rooms = {name.split(".")[1] for name in closure() if "." in name}
    assert rooms >= {"analysis", "data", "deploy", "explain", "models"}
    assert not rooms & LEFT_BEHIND
    copied = {name.split("/")[1] for name in space(of) if name.startswith("cifar_lab/")}
    assert not copied & LEFT_BEHIND
    assert not any(
        name in closure() for name in ("cifar_lab.data.loaders", "cifar_lab.data.augment")
    )


def test_imports_inside_functions_count_and_those_for_type_checkers_do_not():
    found = closure("cifar_lab.deploy.app.hosted")
    assert "cifar_lab.deploy.overlay" in found
    assert "cifar_lab.models.custom_resnet" in found  # found by its name only
    lazy = closure("cifar_lab.cli.app")  # it imports the app inside a function
    assert "cifar_lab.deploy.app.serving" in lazy


def test_every_import_of_the_copied_code_is_there_too(of):
    files = space(of)
    modules = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in files
        if name.startswith("cifar_lab/") and name.endswith(".py")
    }
    for name, content in files.items():
        if name.startswith("cifar_lab/") and name.endswith(".pyi"):
            package = name.removesuffix("/__init__.pyi").replace("/", ".")
            for node in ast.parse(content).body:
                if isinstance(node, ast.ImportFrom):
                    assert f"{package}.{node.module}" in modules
    assert "cifar_lab/deploy/app/templates/answer.html.j2" in files
    assert "cifar_lab/deploy/app/templates/page.css" in files


def test_the_front_matter_says_how_a_space_runs_it(of):
    _, metadata, text = space(of)["README.md"].decode().split("---\n", 2)
    found = yaml.safe_load(metadata)
    assert found == {
        "title": "insects",
        "sdk": "gradio",
        "sdk_version": distribution("gradio").version,
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "app_file": "app.py",
    }
    assert "# insects" in text


def test_a_title_may_be_anything(tmp_path):
    name = 'a: "b"\n---\nsdk: docker'
    text = space(bundle(tmp_path / "bundle", name=name))["README.md"].decode()
    found = yaml.safe_load(text.split("---\n", 2)[1].partition("\n---")[0])
    assert found["title"] == name
    assert found["sdk"] == "gradio"


def test_requirements_have_ranges_and_only_what_is_needed(of, tmp_path):
    found = requirements(space(of))
    assert {"torch", "numpy", "pillow", "pydantic", "safetensors", "gradio", "lazy-loader"} <= set(
        found
    )
    unneeded = {
        "hydra-core", "omegaconf", "albumentations", "matplotlib", "scikit-learn", "timm",
        "torchvision", "captum", "opencv-python-headless", "scipy",
    }  # fmt: skip
    assert not unneeded & set(found)
    assert all(each.specifier for each in found.values())
    for name, each in found.items():
        assert each.specifier.contains(distribution(name).version), name
    timm = Architecture("timm_model", {"name": "resnet18"}, own=False)
    assert "timm" in requirements(space(bundle(tmp_path / "timm", architecture=timm)))


def test_a_network_of_ones_own_comes_with_what_it_imports(tmp_path):
    from tests.deploy.bundles import a_bundle

    path = a_bundle(
        tmp_path / "own",
        {"code/net.py": b"import einops_of_mine\nimport scipy.stats\nimport os, torch\n"},
        modules=(Module("net", "code/net.py"),),
    )
    files = space(read_bundle(path))
    assert "trust=True" in files["app.py"].decode()
    assert "scipy" in requirements(files)
    assert files["bundle/code/net.py"] == (path / "code" / "net.py").read_bytes()


def test_it_is_written_whole_or_not_at_all(of, tmp_path, monkeypatch):
    write_space(tmp_path / "deep" / "space", of)
    assert read_bundle(tmp_path / "deep" / "space" / "bundle").description == of.description
    with pytest.raises(Refusal, match="exists already; choose another place with --export-space"):
        write_space(tmp_path / "deep" / "space", of)

    def fails(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(Refusal, match="No space left on device"):
        write_space(tmp_path / "full", of)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


#: Refuses imports of installed packages that are not among ALLOWED.
BLOCKER = """
import sys
from importlib.machinery import PathFinder

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if path is None and name not in ALLOWED:
            found = PathFinder.find_spec(name, SITES)
            if found is not None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture
def environment(of, tmp_path) -> Path:
    """Python of an environment with the requirements and what they require, and nothing else."""
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    (site,) = (tmp_path / "venv").glob("lib/*/site-packages")
    sites = [path for path in sys.path if path.endswith("site-packages")]
    names = _required(requirements(space(of)))
    allowed = {top for top, owners in packages_distributions().items() if _normal(owners) & names}
    (site / "blocker.py").write_text(f"ALLOWED = {allowed!r}\nSITES = {sites!r}\n{BLOCKER}")
    (site / "requirements.pth").write_text("\n".join(["import blocker", *sites]))
    return python


def _required(asked: dict[str, Requirement]) -> set[str]:
    """Names of distributions that requirements need, directly or not."""
    found: set[str] = set()
    waiting = [(name, tuple(each.extras)) for name, each in asked.items()]
    while waiting:
        name, extras = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            lines = distribution(name).requires or []
        except ModuleNotFoundError:  # of other systems
            continue
        for line in map(Requirement, lines):
            wanted = [{"extra": extra} for extra in ("", *extras)]
            if line.marker is None or any(line.marker.evaluate(each) for each in wanted):
                waiting.append((line.name.lower().replace("_", "-"), tuple(line.extras)))
    return found


def _normal(owners: list[str]) -> set[str]:
    return {owner.lower().replace("_", "-") for owner in owners}


@pytest.mark.parametrize("port", ["", "x", "0", "65536", "7860.0", "9" * 5000])
def test_a_port_that_is_none_is_one_message(of, port, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/something")
    monkeypatch.setenv("GRADIO_SERVER_PORT", port)
    with pytest.raises(SystemExit, match=r"^error: GRADIO_SERVER_PORT=.*: must be a whole number"):
        host(of.path, trust=False)


def test_every_file_of_ones_own_that_is_not_python_is_named(tmp_path):
    files = {"code/one.py": b"def (", "code/two.py": b"x = '\xff'", "code/three.py": b"import os\n"}
    modules = tuple(Module(Path(name).stem, name) for name in files)
    opened = read_bundle(a_bundle(tmp_path / "bundle", files, modules=modules))
    with pytest.raises(Refusal) as refused:
        write_space(tmp_path / "space", opened)
    one, two = refused.value.problems
    assert "code/one.py is not valid Python: invalid syntax" in one
    assert "code/two.py is not valid Python" in two
    assert not (tmp_path / "space").exists()


@pytest.mark.slow
def test_it_runs_in_an_environment_of_its_own_and_answers_the_same(of, environment, tmp_path):
    folder = tmp_path / "a space"
    write_space(folder, of)
    variables = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)}
    for name in ("hydra", "omegaconf", "albumentations", "matplotlib", "sklearn", "cv2", "timm"):
        tried = subprocess.run([environment, "-c", f"import {name}"], capture_output=True)
        assert b"No module named" in tried.stderr, name
    where = subprocess.run(
        [environment, "-c", "import cifar_lab; print(cifar_lab.__file__)"],
        cwd=folder, env=variables, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.strip() == str(folder / "cifar_lab" / "__init__.py"), where.stderr
    with subprocess.Popen(
        [environment, "app.py"], cwd=folder, env=variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith("app: http://127.0.0.1:"), said + process.stdout.read()
            _answers_as_before(said.removeprefix("app: ").strip(), of)
        finally:
            process.terminate()
            rest = process.communicate(timeout=60)[0]
    assert rest == ""


def _answers_as_before(address: str, of) -> None:
    pixels = noise(77, 32, 32)
    asking = {"data": [sent(png(pixels)), 3]}
    event = httpx.post(f"{address}/gradio_api/call/classify", json=asking).json()["event_id"]
    lines = httpx.get(f"{address}/gradio_api/call/classify/{event}", timeout=60).text.splitlines()
    (answer,) = json.loads(next(x for x in lines if x.startswith("data:")).removeprefix("data:"))
    found = answers_of(of).answer(pixels, None)
    assert [each["probability"] for each in answer["classes"]] == [
        each.probability for each in found.ranked[:3]
    ]
    assert answer["far"] == bool(open_bundle(of).far(open_bundle(of).logits(pixels[None]))[0])
    assert httpx.get(address).status_code == 200
