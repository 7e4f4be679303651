"""Dated events of a site file: read in order, refused with a reason, and in no mask."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SiteError
from tasks.model import Event
from tasks.sites import check_file, load_site
from tests.sites.test_weights import write

CLOSURE = {"on": "2023-05-01", "title": "Pier closed", "source": "the port's notice"}
SANCTION = {"on": "2023-02-01", "title": "Sanctions", "source": "a gazette"}


def test_events_are_read_in_order_of_time(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, events=[CLOSURE, SANCTION]))
    assert site.events == (
        Event(date(2023, 2, 1), "Sanctions", "a gazette"),
        Event(date(2023, 5, 1), "Pier closed", "the port's notice"),
    )


def test_they_change_no_mask_but_what_is_published(tmp_path: Path) -> None:
    plain, told = load_site(write(tmp_path)), load_site(write(tmp_path, events=[CLOSURE]))
    assert plain.digest == told.digest
    assert plain.said != told.said
    assert plain.said == load_site(write(tmp_path)).said


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("a closure", "a list of objects"),
        (["a closure"], "an object with on"),
        ([CLOSURE | {"on": "May 2023"}], "a date such as"),
        ([CLOSURE | {"title": ""}], "title is ''"),
        ([{"on": "2023-05-01", "title": "Pier closed"}], "source is None"),
    ],
)
def test_what_is_no_event_is_refused_with_its_place(tmp_path: Path, given: Any, reason: str) -> None:
    path = write(tmp_path, events=given)
    (problem,) = check_file(path)
    assert problem.where.startswith("events")
    assert reason in problem.message
    with pytest.raises(SiteError, match="events"):
        load_site(path)


def test_the_reports_on_najin_are_marked() -> None:
    assert date(2023, 10, 13) in {event.on for event in load_site("najin").events}
