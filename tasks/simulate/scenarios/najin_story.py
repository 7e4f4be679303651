"""The story of ``najin-2023`` as data: ships, quays, and the visits that public reports date.

Sources: VOA (Planet images), CSIS Beyond Parallel, RUSI, NK News/NK Pro, Bloomberg, the White House
release of 13 October 2023, the UK's report to the UN of January 2024. Local time is UTC + 9 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.simulate.world.cargo import hours
from tasks.simulate.world.model import Ship
from tasks.simulate.world.palette import paint

BEGIN, FINISH = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)

SITES = ("najin", "dunay")

LEG_NM = {"dunay": 107.3, "vostochny": 131.4}
"""Shortest way over water from Najin, nautical miles, 600 m off shore."""

SPEED_KN = (10.0, 12.0)

FLEET = (
    Ship("angara", "Angara", 118.0, 19.0, 5.0, 0.32, 21.0, paint("deck-red"), hold=150, gear=1),
    Ship("lady-r", "Lady R", 120.0, 19.4, 5.0, 0.32, 21.0, paint("deck-green"), hold=150, gear=2),
    Ship("maria", "Maria", 123.0, 19.0, 5.5, -0.40, 20.0, paint("deck-red"), hold=150, gear=2),
    Ship("maia-1", "Maia-1", 138.0, 21.0, 6.0, -0.41, 23.0, paint("deck-grey"), hold=180, gear=2),
)
"""Lengths from reports (Maia-1: 138 m; the others 105 to 123 m); two have the bridge forward."""

BULKERS = (
    Ship("bulker-a", "bulk carrier A", 100.0, 16.0, 5.0, -0.40, 18.0, paint("deck-grey")),
    Ship("bulker-b", "bulk carrier B", 135.0, 20.0, 6.5, -0.41, 21.0, paint("deck-green"), gear=2),
    Ship("bulker-c", "bulk carrier C", 112.0, 17.0, 5.5, -0.40, 19.0, paint("deck-red")),
)
"""Ships at the China-leased face: distractors."""

NAVAL = Ship("naval", "naval vessel", 110.0, 14.0, 6.0, 0.05, 24.0, paint("deck-grey"))

IMPORT_BERTHS = ("north-sw-1", "north-sw-2")
DISTRACTOR_BERTHS = ("north-ne-1", "north-ne-2")
EXPORT_BERTHS = {
    "middle-yard-ne": ("middle-ne-1", "middle-ne-2", "middle-sw-1"),
    "middle-yard-sw": ("middle-sw-1", "middle-sw-2", "middle-ne-1"),
}
DUNAY_BERTHS = ("main-n-1", "main-n-2", "main-s-1", "main-s-2")
TIERS = {"middle-yard-ne": 2, "middle-yard-sw": 3, "north-yard-sw": 2}

NORTH_KOREA, RUSSIA, TO_DEPOT, DEPOT, THIRD_PORT = (
    "hinterland:north-korea", "hinterland:russia", "rail:to-tikhoretsk", "depot:tikhoretsk", "port:vostochny",
)  # fmt: skip
"""Where containers come from and go to, as the ledger names it."""


@dataclass(frozen=True)
class Call:
    """One visit to Najin, as wanted; what is None is drawn."""

    arrives: datetime
    ship_id: str | None = None
    exports: int | None = None
    import_h: float | None = None
    export_h: float | None = None
    yard: str | None = None

    ready_h: float | None = None
    """Hours before loading begins by which the stack is complete."""

    by_lorry: tuple[datetime, datetime] | None = None
    """When the exports come by road; None for trains."""

    stays_ashore: bool = False
    """True for imports that nobody fetches for weeks."""

    destination: str = "dunay"


def utc(month: int, day: int, hour: float = 0.0, year: int = 2023) -> datetime:
    """Moment of the story."""
    return datetime(year, month, day, tzinfo=UTC) + hours(hour)


SCRIPT = (
    Call(utc(8, 19, 8)),
    Call(utc(8, 25, 14)),
    Call(utc(9, 7, 12), "angara", 300, import_h=34, ready_h=48, yard="middle-yard-ne"),
    Call(utc(10, 2, 6)),
    Call(utc(10, 6, 4)),
    Call(utc(10, 9, 18)),
    Call(utc(10, 13, 2), import_h=24, export_h=30, exports=210, yard="middle-yard-sw"),
    Call(utc(10, 17, 8), "angara", 250, 34, 33.5, "middle-yard-ne", 44),
    Call(
        utc(10, 21, 16),
        "maria",
        300,
        26,
        32,
        "middle-yard-sw",
        by_lorry=(utc(10, 20, 8), utc(10, 21, 1)),
    ),
    Call(utc(10, 26, 0)),
    Call(utc(10, 29, 20)),
    Call(utc(12, 8, 16), "angara", 240, 30, 30, "middle-yard-ne", 52),
    Call(utc(2, 1, 10, 2024), "lady-r"),
    Call(utc(2, 5, 20, 2024)),
    Call(utc(2, 10, 20, 2024), "maia-1", exports=0, import_h=52, stays_ashore=True),
    Call(utc(3, 10, 0, 2024), "lady-r", 170, 40, 40, "middle-yard-sw", 60, destination="vostochny"),
    Call(utc(3, 20, 0, 2024), "maia-1", 160, yard="middle-yard-ne", ready_h=24 * 38, destination="vostochny"),
    Call(utc(3, 27, 0, 2024), "lady-r", destination="vostochny"),
)
"""Visits that reports date, in UTC (local time is nine hours ahead). The stack for 20 March stands ready from
before the pause: containers stood on the pier for weeks."""

FIRST_CALL_SPREAD_H = 40.0
"""The first visit is "about 20 August"; reports have the first large ship on the 26th."""

SCRIPTED_BULKERS = (
    (utc(10, 4, 3), "bulker-c", 50.0),
    (utc(10, 25, 10), "bulker-a", 44.0),
    (utc(10, 29, 5), "bulker-b", 52.0),
)

PAUSE = utc(2, 13, 0, 2024), utc(3, 10, 0, 2024)
STEP = utc(10, 1)

REPORTED_LOOKS = (
    utc(8, 26, 2), utc(9, 7, 2), utc(9, 8, 2), utc(10, 17, 2), utc(10, 19, 2),
    datetime(2023, 10, 20, 2, 1, tzinfo=UTC), datetime(2023, 10, 20, 6, 43, tzinfo=UTC),
    utc(10, 21, 2), utc(12, 9, 2), utc(2, 27, 2, 2024), utc(3, 10, 2, 2024), utc(3, 12, 2, 2024),
)  # fmt: skip
"""Days of which reports quote images; 20 October was seen at 11:01 and at 15:43 local time."""

WAITING_SHARE = 0.4
"""Share of the ships that wait in the bay before they berth, where there is time."""

FILL_BETWEEN = (
    (utc(8, 31), utc(9, 30), 6.2, 1.0),
    (utc(11, 2, 12), utc(12, 7), 4.9, 1.0),
    (utc(12, 12), utc(1, 31, 0, 2024), 4.9, 1.0),
)
"""Stretches filled with drawn visits: first, last, mean interval and its spread in days."""
