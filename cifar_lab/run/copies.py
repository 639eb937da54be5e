"""The copies of a user's own Python files in a run folder, as something to import.

They are never imported from the run folder, where other files may lie beside them: what was
verified is written to a private folder of this process.
"""

from __future__ import annotations

import hashlib

from cifar_lab.own_code import OwnCode, is_own_name, written
from cifar_lab.refusal import Refusal
from cifar_lab.run.code import COPIES, Code, Module
from cifar_lab.run.record import Run

#: What was written in this process, by what the run says about its code.
_UNPACKED: dict[Code, OwnCode] = {}


def unpacked(run: Run, trusted: bool) -> OwnCode:
    """Return the copies in a run as the only modules that may be imported.

    Args:
        run: any run, perhaps a stranger's.
        trusted: whether whoever made it is trusted.

    Raises:
        Refusal: it has no copies, they are not what the run says they are, or it is a stranger's.
    """
    code, path = run.code, run.folder.path
    if code is None or not code.modules:
        raise Refusal(
            f"--as-recorded: {path} was built without Python files of your own; leave it out"
        )
    if not (trusted or run.is_mine):
        raise Refusal(
            f"--as-recorded: {path} was not made by you on this machine, so that the Python files "
            "in it are not imported: add --trust (for explain: --trust-code) if you trust whoever "
            "made the run"
        )
    contents = _verified(run, code)
    if code not in _UNPACKED:
        below = {name.removeprefix(f"{COPIES}/"): each for name, each in contents.items()}
        _UNPACKED[code] = written(below, frozenset(each.name for each in code.modules))
    return _UNPACKED[code]


def copy_of(run: Run, module: Module) -> bytes | None:
    """Return the copy of a module; None if there is none, or if it is not what the run says.

    Raises:
        Refusal: it is damaged.
    """
    path = run.folder.path / module.copy
    if not is_own_name(module.name) or not run.files.has(path):
        return None
    content = run.files.read(path)
    return content if hashlib.sha256(content).hexdigest() == module.sha256 else None


def _verified(run: Run, code: Code) -> dict[str, bytes]:
    """Return the contents by path in the run; refuses all that cannot be used at once."""
    contents: dict[str, bytes] = {}
    problems = []
    for module in code.modules:
        content, path = copy_of(run, module), run.folder.path / module.copy
        if content is not None:
            contents[module.copy] = content
        elif is_own_name(module.name) and run.files.has(path):
            problems.append(f"{path} is not what the run was made with: its SHA-256 differs")
        else:
            problems.append(f"{run.folder.path} has no copy of {module.file}, only its SHA-256")
    if problems:
        raise Refusal(
            [f"--as-recorded: {each}; leave it out to use the files" for each in problems]
        )
    return contents
