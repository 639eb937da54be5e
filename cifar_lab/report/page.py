"""report.html, one self-contained page, and report.md, which says the same."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from cifar_lab.report.blocks import Page


def render_html(page: Page) -> str:
    """The page, styles and pictures inside; opens without a network."""
    return _render("report.html.j2", page, as_html=True)


def render_markdown(page: Page) -> str:
    """The same for a terminal or a repository; pictures are links to ``figures/``."""
    return _render("report.md.j2", page, as_html=False)


def _render(template: str, page: Page, as_html: bool) -> str:
    environment = Environment(
        loader=PackageLoader("cifar_lab.report"),
        autoescape=as_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", r"\|")
    environment.filters["words"] = _words
    environment.filters["anchor"] = lambda title: title.lower().replace(" ", "-")
    return environment.get_template(template).render(page=page)


def _words(text: str) -> Markup:
    """Text as HTML, what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
