"""Runs a script until its first optimizer step is done: ``first_step.py SCRIPT [ARGUMENTS]``.

This is the same for both sides: torch, which both need, is imported first; then the script runs as
from the command line. After the first step, the process prints the number of updated parameters
and exits.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any


def main(script: str) -> None:
    """Runs a script with the arguments that follow it on the command line."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(_leave)
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


def _leave(optimizer: Any, args: Any, kwargs: Any) -> None:
    count = sum(p.numel() for group in optimizer.param_groups for p in group["params"])
    print(f"first step of {count} parameters", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
    sys.exit("the script ended without an optimizer step")
