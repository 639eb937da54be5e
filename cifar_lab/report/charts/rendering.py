"""The templates of charts, with everything that comes from a user escaped."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cifar_lab.report.bidi import breakable, isolated


def rendered(template: str, **values: Any) -> Markup:
    """Render a template of ``report/templates``."""
    return Markup(_environment().get_template(template).render(**values))


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cifar_lab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["isolated"] = isolated
    environment.filters["breakable"] = breakable
    return environment
