"""``python -m tests.faults [CAMPAIGN …] [--seed N] [--no-save]``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import machine
from tests.faults import bits, campaign, disks, keys, kills
from tests.faults.program import warm_up

CAMPAIGNS = {
    each.name: each
    for each in (kills.CAMPAIGN, disks.CAMPAIGN, bits.RUNS, bits.CACHES, keys.CAMPAIGN)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs campaigns one after the other and saves what each found.

    Returns:
        0 if every promise held; else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", choices=[*CAMPAIGNS, []])
    parser.add_argument("--seed", type=int, default=0, help="of moments and bits")
    parser.add_argument("--no-save", action="store_true", help="only print")
    options = parser.parse_args(arguments)
    warm_up()
    held = True
    for name in options.campaigns or CAMPAIGNS:
        held &= _run(CAMPAIGNS[name], options.seed, not options.no_save)
    return 0 if held else 1


def _run(chosen: campaign.Campaign, seed: int, save: bool) -> bool:
    if (lacking := chosen.missing()) is not None:
        print(f"{chosen.name:<16} not tried: {lacking}")
        return True
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign.run(chosen, Path(folder), seed)
    print(
        f"{chosen.name:<16} {found.tried} tried, {found.fine} fine "
        f"({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    if save:
        facts = {
            "seed": seed,
            "date": datetime.now(timezone.utc).date().isoformat(),
            "device": machine.device_name(),
            "commit": machine.describe()["commit"],
        }
        campaign.save(campaign.SAVED, chosen, found, facts)
    return not found.faults


if __name__ == "__main__":
    sys.exit(main())
