"""report.html, one self-contained page, and report.md, which says the same."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cifar_lab.report.gallery import RULE, Misclassified


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes:
        name: file name below ``figures/``, without its ending.
        png: the file's content.
        alt: what a reader who cannot see it is told.
        caption: what it shows.
    """

    name: str
    png: bytes
    alt: str
    caption: str

    @property
    def data_uri(self) -> str:
        """The picture inside the page, so that the page needs no other file."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Contents:
    """Everything that a page says; both forms are rendered from it.

    Attributes:
        title: the run's name and time.
        summary: of summary.json.
        provenance: of provenance.json.
        pictures: by name: ``curves``, ``learning_rate`` and, with errors, ``gallery``.
        errors: rows of the gallery.
        sample_ids: of the gallery's images.
        class_names: in the order of the labels.
        model_table: of model.txt.
        config: the configuration as YAML.
    """

    title: str
    summary: dict[str, Any]
    provenance: dict[str, Any]
    pictures: dict[str, Picture]
    errors: Sequence[Misclassified]
    sample_ids: Sequence[str]
    class_names: Sequence[str]
    model_table: str
    config: str
    rule: str = RULE


def render_html(contents: Contents) -> str:
    """The page, styles and pictures inside; opens without a network."""
    return _render("report.html.j2", contents, escape=True)


def render_markdown(contents: Contents) -> str:
    """The same for a terminal or a repository; pictures are links to ``figures/``."""
    return _render("report.md.j2", contents, escape=False)


def _render(template: str, contents: Contents, escape: bool) -> str:
    environment = Environment(
        loader=PackageLoader("cifar_lab.report"),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda value: f"{100 * value:.2f} %"
    environment.filters["thousands"] = lambda value: f"{value:,}"
    environment.filters["duration"] = _duration
    environment.filters["cell"] = lambda text: str(text).replace("|", r"\|")
    return environment.get_template(template).render(vars(contents))


def _duration(seconds: float) -> str:
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
