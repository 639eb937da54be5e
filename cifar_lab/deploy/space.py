"""A folder for a Hugging Face Space: the app, its network, and no code that trains."""

from __future__ import annotations

import ast
import json
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path

from cifar_lab.deploy.bundle import AGAIN, MANIFEST, Bundle
from cifar_lab.deploy.imports import imported
from cifar_lab.deploy.writing import new_folder
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, in_markdown

PACKAGE = Path(__file__).parents[1]
#: Module from which everything that the app imports is reached.
START = "cifar_lab.deploy.app.hosted"
#: Modules that find others by name: the faces whose names they use.
BY_NAME = {"cifar_lab.deploy.architecture": "cifar_lab.models"}
#: Libraries that only some networks need, by the architecture that needs them.
NEEDED_BY = {"timm_model": ("timm",), "torchvision_model": ("torchvision",)}
#: Name of a distribution where it is not that of its package.
DISTRIBUTIONS = {"PIL": "pillow"}

_README = """\
---
title: {title}
sdk: gradio
sdk_version: {gradio}
python_version: "{python}"
app_file: app.py
---

# {name}

Upload an image to see how the network classifies it, and where it looks. `bundle/` holds the
network with [its model card](bundle/README.md), and `cifar_lab/` the code that opens, applies and
explains it. This folder is all that a Space needs, and the app runs elsewhere as well:

```sh
pip install -r requirements.txt
python app.py
```
"""
_APP = '''\
"""The app of the network in bundle/."""

from pathlib import Path

from cifar_lab.deploy.app.hosted import host

if __name__ == "__main__":
    host(Path(__file__).parent / "bundle", trust={trust})
'''


def space(bundle: Bundle) -> dict[str, bytes]:
    """Return the files of a Space, with those of a bundle, by path."""
    described = bundle.description
    readme = _README.format(
        title=json.dumps(described.name),
        gradio=version("gradio"),
        python=".".join(platform.python_version_tuple()[:2]),
        name=in_markdown(described.name),
    )
    own = _imported_by_own(bundle)
    modules = closure()
    return {
        "README.md": readme.encode(),
        "app.py": _APP.format(trust=bool(own)).encode(),
        "requirements.txt": _requirements(modules, described.architecture.name, own).encode(),
        **{f"bundle/{name}": bundle.read(name) for name in bundle.hashes},
        f"bundle/{MANIFEST}": (bundle.path / MANIFEST).read_bytes(),
        **{f"cifar_lab/{name}": content for name, content in _code(modules).items()},
    }


def _imported_by_own(bundle: Bundle) -> dict[str, list[str]]:
    """Return what each of a user's own files imports, by path.

    Raises:
        Refusal: with every file that is not valid Python.
    """
    found, problems = {}, []
    for each in bundle.description.modules:
        try:
            package = ".".join(Path(each.file).parts[1:-1])  # below the folder of copies
            found[each.file] = list(imported(bundle.read(each.file), package))
        except (SyntaxError, ValueError, RecursionError) as error:
            file = bundle.path / each.file
            problems.append(f"{file} is not valid Python: {first_sentence(error)}; {AGAIN}")
    if problems:
        raise Refusal(problems)
    return found


def write_space(folder: Path, bundle: Bundle) -> None:
    """Write a Space, completely or not at all.

    Raises:
        Refusal: there is something in the folder already, it cannot be written, or a file of the
            bundle is not what it was, or not valid Python.
    """
    files = space(bundle)
    with new_folder(folder, "--export-space") as hidden:
        for name, content in files.items():
            path = hidden / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def closure(start: str = START) -> dict[str, Path]:
    """Return the modules of this package that one imports, however late, with their files."""
    found: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if file is None or name in found:
            continue
        found[name] = file
        parents = name.split(".")
        waiting += [".".join(parents[:depth]) for depth in range(1, len(parents))]
        waiting += imported(file.read_text())
        if name in BY_NAME:
            waiting += _faced(BY_NAME[name])
    return dict(sorted(found.items()))


def _file(name: str) -> Path | None:
    """Return the file of a module of this package; None for anything else."""
    top, *parts = name.split(".")
    if top != "cifar_lab":
        return None
    place = PACKAGE.joinpath(*parts)
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


def _faced(package: str) -> list[str]:
    """Return the modules whose names a package's face offers."""
    stub = ast.parse(_stub(package).read_text())
    return [f"{package}.{each.module}" for each in stub.body if isinstance(each, ast.ImportFrom)]


def _stub(package: str) -> Path:
    return PACKAGE.joinpath(*package.split(".")[1:], "__init__.pyi")


def _code(modules: Mapping[str, Path]) -> dict[str, bytes]:
    """Return the files of modules by path in the package, with what they read and their faces."""
    files = {file: file.read_bytes() for file in modules.values()}
    for name, file in modules.items():
        if file.name == "__init__.py":
            for template in (file.parent / "templates").glob("*"):
                files[template] = template.read_bytes()
            if _stub(name).is_file():
                files[_stub(name)] = _face(name, modules).encode()
    return {file.relative_to(PACKAGE).as_posix(): content for file, content in files.items()}


def _face(package: str, modules: Mapping[str, Path]) -> str:
    """Return a package's face without the names whose modules stay behind."""
    lines = _stub(package).read_text().splitlines(keepends=True)
    kept = []
    for line in lines:
        named = re.match(r"from \.(\w+) import", line)
        if named is None or f"{package}.{named[1]}" in modules:
            kept.append(line)
    return "".join(kept)


def _requirements(
    modules: Mapping[str, Path], architecture: str, own: Mapping[str, Iterable[str]]
) -> str:
    libraries = set(NEEDED_BY.get(architecture, ()))
    for file in modules.values():
        libraries |= _at_once(file.read_text())
    libraries |= {"PIL", "safetensors"}  # imported when they are needed
    ours = {_normal(line): line.partition(";")[0].strip() for line in requires("cifar-lab") or ()}
    names = {DISTRIBUTIONS.get(library, library).lower().replace("_", "-") for library in libraries}
    lines = {ours.get(name) or f"{name}>={version(name)}" for name in names}
    lines |= {f"{name}=={version(name)}" for name in _of_own(own) - names}
    return "\n".join(["--extra-index-url https://download.pytorch.org/whl/cpu", *sorted(lines), ""])


def _normal(requirement: str) -> str:
    """Return the name of a requirement's distribution, lower-case and with dashes."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def _at_once(text: str) -> set[str]:
    """Return the libraries that a module imports as soon as it is imported itself."""
    return _libraries(imported(text, at_once=True))


def _libraries(names: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in names} - {"cifar_lab", *sys.stdlib_module_names}


def _of_own(own: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the distributions that a user's own files import."""
    ours = {Path(file).with_suffix("").parts[1] for file in own}
    libraries = _libraries(name for names in own.values() for name in names)
    known = packages_distributions()
    return {_normal(known[each][0]) for each in libraries - ours if each in known}
