"""Self-contained documents: a template, one style, one script, and the policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.products.headline import within
from tasks.products.wording import day, fenced, many, minute, month_name, probability, share, tens

STYLE, SCRIPT = "page.css", "page.js"


def document(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template in: what comes from outside is escaped, style and script go by their hashes."""
    return _environment().get_template(template).render(dict(context) | _assets())


@cache
def _environment() -> Environment:
    # Made once: compiling the templates takes longer than filling them in.
    environment = Environment(
        loader=PackageLoader("tasks.products", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"day": day, "minute": minute, "month": month_name, "share": share, "many": many}
    environment.filters |= {"tens": tens, "fenced": fenced, "within": within, "probability": probability}
    return environment


def _assets() -> dict[str, Markup]:
    here = resources.files("tasks.products")
    found: dict[str, Markup] = {}
    for name, file in (("style", STYLE), ("script", SCRIPT)):
        text = here.joinpath(file).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        found |= {name: Markup(text), f"{name}_hash": Markup(f"sha256-{digest}")}
    return found
