"""What may be used now of the code that a run says it used.

A run folder may be a stranger's, and so may be all that it says. What it recorded is imported only
if a private list of this user's knows the run, see :mod:`cifar_lab.run.mine`; its copies only if
they are asked for as well.
"""

from __future__ import annotations

from pathlib import Path

from cifar_lab.own_code import Given, OwnCode, beside, inside_a_run
from cifar_lab.refusal import Refusal
from cifar_lab.run.code import Code
from cifar_lab.run.copies import unpacked
from cifar_lab.run.record import Run

#: What to do where a run's own code is not imported.
PASS_IT = "pass the folder that it lies beside as --config-dir DIR"
TRUST_IT = "add --trust (for explain: --trust-code)"
COPIED = "add --as-recorded to use the copies in the run"


def config_dir(run: Run, given: Given = Given()) -> str | None:  # noqa: B008  # immutable
    """Return the ``--config-dir`` to compose with: the given one, else the run's, if believed."""
    code = run.code
    if given.config_dir is not None or code is None or code.config_dir is None:
        return given.config_dir
    if not (given.trusted or run.is_mine):
        return None
    return code.config_dir if Path(code.config_dir).is_dir() else None


def own_code(run: Run, given: Given = Given()) -> OwnCode:  # noqa: B008  # immutable
    """Return where modules of a run's own may be imported from.

    Args:
        run: any run, perhaps a stranger's.
        given: in this call; its ``as_recorded`` decides alone, else its ``config_dir``.

    Raises:
        Refusal: the given ``config_dir`` is not a directory, or the copies cannot be used.
    """
    if given.as_recorded:
        return unpacked(run, given.trusted)
    if given.config_dir is not None:
        if not Path(given.config_dir).is_dir():
            raise Refusal(
                f"--config-dir={given.config_dir} is not a directory; choose one that exists"
            )
        return beside(given.config_dir, None, given.trusted)
    code = run.code
    if code is None or not code.modules:
        return OwnCode(instead=f"; for a Python file of your own, {PASS_IT}")
    folders = tuple(map(Path, code.folders))
    lost = _lost(code)
    if given.trusted:
        return OwnCode(folders, instead=lost)
    reason = _not_to_be_imported(run, code)
    if reason is not None:
        return OwnCode(instead=f"; {reason}")
    return OwnCode(folders, frozenset(module.name for module in code.modules), lost)


def _not_to_be_imported(run: Run, code: Code) -> str | None:
    """Return why the recorded modules are not to be imported, and what to do; None if they are."""
    if not run.is_mine:
        return (
            f"{run.folder.path} was not made by you on this machine, so that its own Python files "
            f"are not imported: {PASS_IT}, or "
            f"{TRUST_IT} if you trust whoever made the run"
        )
    inside = [module.file for module in code.modules if inside_a_run(Path(module.file))]
    return f"{inside[0]} lies inside a run folder: {PASS_IT}, or {TRUST_IT}" if inside else None


def _lost(code: Code) -> str:
    """Return what to do about files that are no longer there, as the end of a message."""
    if not code.folders:
        return f"; the run was made with the copies of another run: {COPIED}"
    lost = [module.file for module in code.modules if not Path(module.file).is_file()]
    return f"; missing: {', '.join(lost)}; {PASS_IT}, or {COPIED}" if lost else ""
