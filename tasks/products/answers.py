"""The five questions that everyone asks, answered at the head of the page in a sentence or two each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.products.days import Day, busy_places
from tasks.products.headline import Regime, names, status_of, within
from tasks.products.journeys import Listing, RoundTrips
from tasks.products.places import Place
from tasks.products.quay import Quay
from tasks.products.site_months import SiteMonth
from tasks.products.wording import day, many, probability


@dataclass(frozen=True)
class Answer:
    """A question with its answer and the part of the page that shows more."""

    question: str
    text: str
    more: str
    """Words of the link."""

    anchor: str


def answers(
    spells: Sequence[Regime],
    quay: Quay,
    days: Sequence[Day],
    shown: int,
    places: Sequence[Place],
    months: Sequence[SiteMonth],
    trips: Sequence[RoundTrips],
    stays: Listing | None,
) -> list[Answer]:
    """Answer what can be answered; what cannot says why."""
    return [
        Answer("When did activity pick up?", _when(spells), "Timeline", "timeline"),
        Answer("How sure is that?", _sure(spells, quay), "Every look", "timeline"),
        Answer("What lay where on a day?", _where(days, shown, places), "Choose a day", "day"),
        Answer("How many round trips?", _trips(trips, months, stays), "Stays and voyages", "journeys"),
        Answer("What is not known?", _unknown(quay), "What is not known", "unknown"),
    ]


def _when(spells: Sequence[Regime]) -> str:
    if not spells:
        return "Not told: too few looks saw the berths."
    if not all(spell.established for spell in spells):
        return "No pick-up is established: the looks are too few to tell a change from chance."
    if len(spells) == 1:
        return f"It did not: {spells[0].state} throughout, as far as was looked."
    told = [f"{name} from {within(spell)}" for name, spell in zip(names(spells)[1:], spells[1:], strict=True)]
    return f"First {spells[0].state}; then {'; '.join(told)}."


def _sure(spells: Sequence[Regime], quay: Quay) -> str:
    looks = f"It rests on {quay.counted} of {many(len(quay.looks), 'look')}; the others saw too little."
    if not spells:
        return f"Nothing is claimed. {looks}" if quay.looks else "Nothing is claimed."
    if len(spells) == 1:
        sure = f"Probability of no change: {probability(spells[0].probability)}. "
        return sure + looks
    parts = [
        f"{name} {status_of(spell)}, probability {probability(spell.probability)}"
        for name, spell in zip(names(spells)[1:], spells[1:], strict=True)
    ]
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}. The dates in brackets hold it with 90\xa0%. {looks}"


def _where(days: Sequence[Day], shown: int, places: Sequence[Place]) -> str:
    if not days:
        return "There was no look."
    when = days[shown].looks[0].when
    lines = busy_places(days[shown], places) or ["nothing was seen on any zone that could be told."]
    return f"On {day(when)}, the newest day told of well: {' '.join(lines)} Any other day can be chosen."


def _trips(trips: Sequence[RoundTrips], months: Sequence[SiteMonth], stays: Listing | None) -> str:
    calls = [month.calls for month in months if month.calls is not None]
    seen = (
        f"{many(len(stays.rows), 'stay')} at the berths {'is' if len(stays.rows) == 1 else 'are'} listed. "
        if stays
        else ""
    )
    if trips:
        told = "; ".join(f"with {t.other} at least {t.at_least}, at most {t.at_most}" for t in trips)
        return f"{told[:1].upper()}{told[1:]}, as far as looks can tell. {seen}".strip()
    if not calls:
        return f"Not told: that takes looks at two ports. {seen}".strip()
    low, high = (sum(pair[k] for pair in calls) for k in (0, 1))
    return (
        "Not told here: that takes looks at two ports. Arrivals at these quays, in months with a "
        f"number: at least {low}, at most {high}. {seen}"
    ).strip()


def _unknown(quay: Quay) -> str:
    unseen = len(quay.looks) - len(quay.told)
    blind = f" {unseen} of {many(len(quay.looks), 'look')} could not see the berths." if unseen else ""
    return (
        "What containers, cars and holds contain; who the ships are; what happened between looks."
        f"{blind} Not seen is never counted as nothing."
    )
