"""SVG written by hand: elements, inert text, short numbers, and the paper that a drawing lies on.

Colours are CSS classes, so the page's light, dark and print rules reach them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

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


def hatch(key: str) -> str:
    """Define the pattern of what has no value."""
    ground = tag("rect", class_="ground", width=6, height=6)
    line = tag("path", class_="hatch", d="M0 0V6")
    box: dict[str, str | float] = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    return tag("pattern", ground, line, id=f"{key}-hatch", patternTransform="rotate(45)", **box)


def discs(places: Iterable[tuple[float, float]], radius: float) -> str:
    """Path data of discs: one path draws any number of them."""
    r, across = tenths(radius), tenths(2 * radius)
    return "".join(
        f"M{tenths(x - radius)} {tenths(y)}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0"
        for x, y in places
    )


def bars(boxes: Iterable[tuple[float, float, float, float]]) -> str:
    """Path data of upright bars, each given as left edge, upper edge, width and height."""
    return "".join(f"M{tenths(x)} {tenths(y)}h{tenths(w)}v{tenths(h)}h-{tenths(w)}z" for x, y, w, h in boxes)


def apart(marks: Iterable[tuple[float, float]], least: float = 0.5) -> list[tuple[float, float]]:
    """Thin marks (place, value) out to what an eye can tell: of those closer than `least`, the highest stays.

    Examples
    --------
    >>> apart([(0.0, 1.0), (0.2, 3.0), (1.0, 0.0)])
    [(0.2, 3.0), (1.0, 0.0)]
    """
    kept: list[tuple[float, float]] = []
    for x, value in sorted(marks):
        if kept and x - kept[-1][0] < least:
            kept[-1] = max(kept[-1], (x, value), key=lambda mark: mark[1])
        else:
            kept.append((x, value))
    return kept


def paper(
    width: float,
    height: float,
    key: str,
    title: str,
    text: str,
    body: Iterable[str],
    clock: Mapping[str, str] | None = None,
) -> str:
    """Wrap a drawing up with its title and its description, whose ids are made from the key.

    `clock` says where times lie on it, for the page's script.
    """
    return tag(
        "svg",
        tag("title", words(title), id=f"{key}-title"),
        tag("desc", words(text), id=f"{key}-desc"),
        *body,
        viewBox=f"0 0 {tenths(width)} {tenths(height)}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        **(clock or {}),
    )
