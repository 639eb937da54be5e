"""How a run was asked for, written and read."""

from __future__ import annotations

import json

from cifar_lab.run.origin import Difference, Origin


def test_what_is_recorded_is_read_again():
    differences = [Difference("trainer.epochs", "24", "30")]
    record = {"command": "cifar-lab train", "differences": [d._asdict() for d in differences]}
    found = Origin.recorded(json.loads(json.dumps(record)))
    assert found == Origin("cifar-lab train", differences)


def test_an_older_record_names_no_differences():
    assert Origin.recorded({"command": "x"}) == Origin("x", [])
