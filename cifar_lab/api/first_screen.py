"""The first screen of a run's report, for a notebook."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.run.record import Run


@dataclass(frozen=True)
class Report:
    """What a notebook shows of a run: its results, its curves, and where the whole report lies.

    Attributes:
        path: of the whole report.
        lead: what was trained.
        facts: the key results by name.
        curves: PNG with loss and accuracy after each epoch.
    """

    path: Path
    lead: str
    facts: tuple[tuple[str, str], ...]
    curves: bytes

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align: left">{html.escape(name)}</td>'
            f'<td style="text-align: right">{html.escape(value)}</td></tr>'
            for name, value in self.facts
        )
        image = base64.b64encode(self.curves).decode()
        link = html.escape(self.path.as_posix())
        return (
            f"<p>{html.escape(self.lead)}</p><table>{rows}</table>"
            f'<img src="data:image/png;base64,{image}" style="max-width: 100%" '
            'alt="Loss and accuracy after each epoch">'
            f'<p><a href="{link}">{link}</a></p>'
        )

    def __repr__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.facts]
        return "\n".join([self.lead, *lines, f"report: {self.path.as_posix()}"])


def first_screen(run: Run) -> Report:
    """Draw the first screen from a finished run's folder, without its data.

    Raises:
        Refusal: the run is not finished, or a file is damaged.
    """
    from cifar_lab.report.figures.training import curves
    from cifar_lab.report.sections.result import costs, lead, results

    rows = run.metrics
    ends = [float(row["epoch"]) for row in rows]
    picture = curves(rows, ends, run.summary.reported_epoch)
    return Report(run.folder.report, lead(run), (*results(run), *costs(run)), picture)
