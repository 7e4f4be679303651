"""An event's list entry says what the looks can tell of the time after it, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tasks.model import Event
from tasks.products.since import TOO_FEW, Since
from tests.products.test_page import Page, make_site, render

EVENT = Event(date(2023, 1, 20), "A closure", "a report")
AFTER = Since(0.5, 0.7, 1.33, 0.33, 4.54, "untold", 0.3)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("untold", "no change is shown, nor is a fall of 30 % excluded"),
        ("unabated", "unabated: a fall of 30 % is excluded"),
        ("fell", "fewer than before"),
    ],
)
def test_unabated_is_said_only_where_it_is_told(verdict: str, words: str) -> None:
    page = Page(
        render(site=replace(make_site(), events=(EVENT,)), since={EVENT: replace(AFTER, verdict=verdict)})
    )
    assert words in page.text
    assert ("unabated" in page.text) is (verdict == "unabated")
    assert "ratio 1.3 (0.3–4.5, 90 %)" in page.text


def test_an_event_without_looks_is_listed_all_the_same() -> None:
    page = Page(render(site=replace(make_site(), events=(EVENT,))))
    assert "A closure (a report)" in page.text
    assert TOO_FEW in page.text


def test_an_event_outside_the_period_is_not_listed() -> None:
    late = replace(EVENT, on=date(2031, 1, 1))
    assert "A closure" not in Page(render(site=replace(make_site(), events=(late,)))).text
