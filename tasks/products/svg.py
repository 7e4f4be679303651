"""SVG written by hand: elements, inert text, short numbers, and the paper that a drawing lies on.

Colours are CSS classes, so the page's light, dark and print rules reach them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

MIN_LABEL_PX = 32
"""Room that a month, a year or a zone's number needs."""


def tag(name: str, *children: str, **attributes: str | float) -> str:
    """Write one element; attributes are escaped, children must be markup already.

    Examples
    --------
    >>> tag("text", words("a < b"), x=1.04, text_anchor="end")
    '<text x="1" text-anchor="end">a &lt; b</text>'
    """
    written = (
        f' {key.rstrip("_").replace("_", "-")}="{tenths(v) if not isinstance(v, str) else html.escape(v)}"'
        for key, v in attributes.items()
    )
    return f"<{name}{''.join(written)}>{''.join(children)}</{name}>"


def words(text: str) -> str:
    """Make text inert inside markup."""
    return html.escape(text)


def tenths(value: float) -> str:
    """Write a number to a tenth, without a needless zero."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")  # + 0.0: no "-0"


def paper(width: float, height: float, key: str, title: str, text: str, body: Iterable[str]) -> str:
    """Wrap a drawing up with its title and its description, whose ids are made from the key."""
    return tag(
        "svg",
        tag("title", words(title), id=f"{key}-title"),
        tag("desc", words(text), id=f"{key}-desc"),
        *body,
        viewBox=f"0 0 {tenths(width)} {tenths(height)}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )
