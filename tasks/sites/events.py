"""Dated events that a site's readers know of, marked beside its series: the member ``events`` of its file.

They come from reports, not from images: a sanction, an accusation, a closure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from tasks.model import Event
from tasks.sites.problem import Problem

MEMBER = "events"

LONGEST_TITLE = 160
"""Characters: a line of the list below the chart."""


def events_problems(collection: object) -> Iterator[Problem]:
    """Check the events of a parsed site file; one that gives none is in order."""
    given = _given(collection)
    if given is None:
        return
    if not isinstance(given, list):
        yield Problem("", MEMBER, f"{MEMBER} is {given!r}; a list of objects is needed")
        return
    for number, event in enumerate(given):
        where = f"{MEMBER}[{number}]"
        if not isinstance(event, Mapping):
            yield Problem("", where, f"is {event!r}; an object with on, title and source is needed")
            continue
        if _date(event.get("on")) is None:
            yield Problem("", where, f"on is {event.get('on')!r}; a date such as 2023-10-13 is needed")
        for name in ("title", "source"):
            text = event.get(name)
            if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST_TITLE:
                yield Problem("", where, f"{name} is {text!r}; 1 to {LONGEST_TITLE} characters are needed")


def read_events(collection: object) -> tuple[Event, ...]:
    """Events of a site file in order of time.

    Examples
    --------
    >>> read_events({"events": [{"on": "2023-10-13", "title": "An accusation", "source": "a report"}]})
    (Event(on=datetime.date(2023, 10, 13), title='An accusation', source='a report'),)
    """
    found = []
    for event in _given(collection) or ():
        on = _date(event["on"])
        assert on is not None  # checked
        found.append(Event(on, event["title"].strip(), event["source"].strip()))
    return tuple(sorted(found, key=lambda e: (e.on, e.title)))


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _given(collection: object) -> Any:
    return collection.get(MEMBER) if isinstance(collection, Mapping) else None
