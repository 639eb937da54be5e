"""Render a page as self-contained HTML and as Markdown with the same content."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cifar_lab.report import markdown
from cifar_lab.report.bidi import breakable, isolated
from cifar_lab.report.blocks import Page, Section
from cifar_lab.report.charts.svg import HEIGHT
from cifar_lab.run.files import write_atomically
from cifar_lab.wording import in_markdown, longest_run


def write_page(page: Page, html: Path) -> None:
    """Write a page, and beside it its Markdown as ``.md`` and the ``figures/`` it links to."""
    for path, content in page_files(page, html).items():
        write_atomically(path, content)


def page_files(page: Page, html: Path) -> dict[Path, str | bytes]:
    """Render the files that :func:`write_page` writes."""
    return {
        **{html.parent / "figures" / f"{p.name}.png": p.png for p in page.pictures()},
        html: render_html(page),
        html.with_suffix(".md"): render_markdown(page),
    }


def render_html(page: Page) -> str:
    """Render the page with styles and pictures embedded, so that it opens offline."""
    return _render("report.html.j2", page, as_html=True)


def render_markdown(page: Page) -> str:
    """Render the same for a terminal or a repository; pictures link to ``figures/``."""
    return _render("report.md.j2", page, as_html=False)


def section_in_markdown(section: Section) -> str:
    """Render a section alone, for a text that it is put into."""
    return _environment(as_html=False).get_template("section.md.j2").render(section=section)


def _render(template: str, page: Page, as_html: bool) -> str:
    environment = _environment(as_html)
    script = (
        Markup(environment.get_template("page.js.j2").render(height=HEIGHT))
        if as_html
        else Markup()
    )
    return environment.get_template(template).render(
        page=page, script=script, script_hash=_hash(script), chart_height=HEIGHT
    )


def _environment(as_html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("cifar_lab.report"),
        autoescape=as_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["words"] = _words
    environment.filters["isolated"] = isolated
    environment.filters["breakable"] = breakable
    environment.filters["unbroken"] = _unbroken
    environment.filters["md"] = in_markdown
    environment.filters["md_paragraph"] = markdown.paragraph
    environment.filters["md_item"] = markdown.item
    environment.filters["md_linked_item"] = markdown.linked_item
    environment.filters["md_picture"] = markdown.picture
    environment.filters["md_table"] = markdown.table
    environment.filters["fence"] = _fence
    environment.filters["anchor"] = lambda title: title.lower().replace(" ", "-")
    return environment


def _hash(script: str) -> str:
    """What a content security policy names a script by, so that no other one runs."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _fence(lines: Sequence[str]) -> str:
    """Backticks around lines of code, more than any line has in a row."""
    return "`" * max(3, 1 + longest_run("`", "\n".join(lines)))


def _unbroken(cell: str) -> Markup:
    """Convert a cell to HTML whose numbers keep their units, and break before parentheses only."""
    if not re.match(r"[−+-]?\d.* ", cell):
        return isolated(cell)
    parts = re.split(r" (?=\()", cell, maxsplit=1)
    return Markup(" ").join(Markup('<span class="whole">{}</span>').format(part) for part in parts)


def _words(text: str) -> Markup:
    """Convert text to HTML, with words between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(isolated(text))))
