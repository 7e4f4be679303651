"""What the page says of berths: a headline that never overclaims, and looks in which null is not free."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from tasks.model import Zone, ZoneKind
from tasks.products.headline import Headline, headline, read_regimes
from tasks.products.quay import OCCUPANCY_COLUMNS, Quay, read_quay
from tasks.products.tables import regimes_table
from tasks.science.radar.berths import DEFAULT_BERTHS
from tasks.science.series.activity import MIN_QUAY
from tests.products.test_page import HOSTILE, MANIFEST, NO_OCCUPANCY, NO_REGIMES, Page, make_site, render
from tests.products.test_page import LOOKS as WATER_LOOKS

BERTHS = (
    Zone("b1", ZoneKind.BERTH, shapely.box(35.01, 35.0, 35.02, 35.001), "East quay", "high"),
    Zone("b2", ZoneKind.BERTH, shapely.box(35.02, 35.0, 35.03, 35.001), "West quay", "medium"),
)
SITE = make_site(zones=(*make_site().zones, *BERTHS))
TAKEN, FREE, UNSEEN, UNKNOWN = (0.5, ""), (0.0, ""), (None, "not_seen"), (None, "not_measured;no_memory")


def berth_looks(*states: tuple[Any, Any]) -> pd.DataFrame:
    """Two looks a month like the water's; a state is that of the first berth and of the second."""
    rows = []
    scenes = WATER_LOOKS.drop_duplicates("scene_id").to_dict("records")
    for scene, pair in zip(scenes, states, strict=False):
        for zone, (share, flags) in zip(("b1", "b2"), pair, strict=True):
            ships = None if share is None else int(share > 0)
            metres = None if share is None else 200 * share
            rows.append(
                {name: scene[name] for name in ("site", "scene_id", "collection", "acquired")}
                | {"zone_id": zone, "zone_kind": "berth", "seen_fraction": 1.0, "flags": flags}
                | {"vessel_count": ships, "occupied_fraction": share, "occupied_m": metres}
            )
    return pd.DataFrame(rows).astype({"vessel_count": "Int32", "acquired": "datetime64[ms]"})


def together(*states: tuple[Any, Any]) -> pd.DataFrame:
    return pd.concat([WATER_LOOKS, berth_looks(*states)], ignore_index=True)


def months(*rows: tuple[str, float | None, float | None, float | None, int]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["start", "mean", "low", "high", "looks"])
    frame["start"] = pd.to_datetime(frame["start"]).dt.date
    return frame.assign(end=frame["start"])[list(OCCUPANCY_COLUMNS)]


LOOKS = together(
    (FREE, FREE), (FREE, UNKNOWN), (UNSEEN, UNSEEN), (UNSEEN, UNSEEN), (TAKEN, TAKEN), (TAKEN, FREE)
)
OCCUPANCY = months(
    ("2023-01-01", 0.0, 0.0, 0.3, 2), ("2023-02-01", None, None, None, 0), ("2023-03-01", 0.4, 0.2, 0.7, 2)
)


def regime(state: str, **values: Any) -> dict[str, Any]:
    given = {"zone_id": "*", "measure": "vessels_at_berth", "state": state, "end": None, "knowable_on": None}
    given |= {"start": np.datetime64("2023-01-10", "s"), "start_low": None, "start_high": None}
    given |= {"level": 0.1, "level_low": 0.0, "level_high": 0.3, "probability": 0.97, "status": "confirmed"}
    return given | values


def changed(**values: Any) -> pd.DataFrame:
    date = np.datetime64("2023-02-20", "s")
    within = {"start_low": np.datetime64("2023-01-20", "s"), "start_high": np.datetime64("2023-03-10", "s")}
    active = regime("active", start=date, level=1.5, knowable_on=np.datetime64("2023-03-20", "s"), **within)
    return regimes_table([regime("dormant", end=date) | values, active | values])


def quay(looks: int = 9) -> Quay:
    found = read_quay(SITE, LOOKS, OCCUPANCY.iloc[:1].assign(looks=looks))
    assert found.counted == looks
    return found


def say(regimes: pd.DataFrame, **given: Any) -> Headline:
    return headline(read_regimes(regimes), quay(**given))


def test_a_confirmed_change() -> None:
    said = say(changed())
    assert said.certainty == "confirmed"
    assert said.text == "Active since 20 Feb 2023 (20 Jan – 10 Mar), confirmed; before: dormant."
    assert "Could have been known on 20 Mar 2023." in said.detail
    assert "1.5 (90\xa0% interval 0.0 to 0.3) since, 0.1 (90\xa0% interval 0.0 to 0.3) before" in said.detail
    assert "probability 0.97, from 9\xa0looks" in said.detail


def test_a_provisional_change_is_called_so() -> None:
    said = say(changed(status="provisional", knowable_on=None))
    assert said.certainty == "provisional"
    assert "provisional until further looks confirm it" in said.text
    assert "confirmed;" not in said.text
    assert "known on" not in said.text


def test_a_change_between_two_active_levels_is_not_an_awakening() -> None:
    rows = changed()
    assert say(rows.assign(state="active")).text.startswith("Busier since 20 Feb 2023")
    assert "before: active too" in say(rows.assign(state="active")).text
    assert say(rows.assign(state="active", level=[2.0, 1.0])).text.startswith("Quieter since")


@pytest.mark.parametrize("probability", [0.11, 0.49, 0.89])
def test_one_level_that_is_merely_likely_is_not_told(probability: float) -> None:
    said = say(regimes_table([regime("active", probability=probability)]))
    assert said.certainty == "open"
    assert said.text == (
        f"No change of activity is established: probability of steady activity {probability:.2f} "
        "from 9\xa0looks, too few to tell."
    )
    assert "None is ruled out either" in said.detail
    assert not re.search("throughout|since|confirmed", said.text + said.detail)


def test_a_change_that_is_merely_likely_is_not_told() -> None:
    said = say(changed(probability=0.7))
    assert said.certainty == "open"
    assert "Active since" not in said.text


def test_one_level_that_is_sure_is_told() -> None:
    said = say(regimes_table([regime("dormant", probability=0.95)]))
    assert said.certainty == "steady"
    assert said.text.startswith("Dormant throughout: no change of activity in 9\xa0looks")


def test_without_a_regime_the_reason_is_said() -> None:
    assert "Only 3\xa0looks saw enough of the berths" in say(NO_REGIMES, looks=3).text
    assert "No look saw enough" in say(NO_REGIMES, looks=0).text
    unmeasured = read_quay(SITE, together(*[(UNKNOWN, UNKNOWN)] * 6), NO_OCCUPANCY)
    assert "No look could measure any of the 2 berths" in headline([], unmeasured).text
    assert "No berth is drawn" in headline([], read_quay(make_site(), WATER_LOOKS, NO_OCCUPANCY)).text


def test_regimes_of_single_berths_and_other_measures_are_not_the_sites() -> None:
    rows = regimes_table([regime("active", zone_id="b1"), regime("active", measure="fill")])
    assert read_regimes(rows) == []
    assert read_regimes(pd.DataFrame()) == []


def test_null_is_neither_free_nor_zero() -> None:
    found = read_quay(SITE, LOOKS, OCCUPANCY)
    assert [look.ships for look in found.looks] == [0, 0, None, None, 2, 1]
    assert [look.told for look in found.looks] == [2, 1, 0, 0, 2, 2]
    assert [look.unsettled for look in found.looks][:2] == [False, True]
    assert [look.state for look in found.berths[1].looks] == [
        "free",
        "not measurable",
        "not seen",
        "not seen",
        "taken",
        "free",
    ]
    assert [month.mean for month in found.months] == [0, None, 40]
    assert [month.gap for month in found.months] == ["", "not seen", ""]
    assert found.counted == 4


def test_a_berth_that_no_look_could_tell_of_is_in_no_denominator() -> None:
    found = read_quay(SITE, together(*[(FREE, UNKNOWN)] * 6), OCCUPANCY)
    assert [berth.zone.zone_id for berth in found.silent] == ["b2"]
    assert {(look.told, look.berths) for look in found.looks} == {(1, 1)}
    assert not any(look.unsettled for look in found.looks)


def berth_page(**changes: Any) -> Page:
    given: dict[str, Any] = {"site": SITE, "looks": LOOKS, "occupancy": OCCUPANCY, "regimes": changed()}
    return Page(render(**(given | changes)))


def test_the_page_tells_of_the_berths_with_denominators() -> None:
    text = berth_page().text
    assert "Active since 20 Feb 2023 (20 Jan – 10 Mar), confirmed" in text
    assert "Looks that saw berths4 of 6 (67 %)" in text
    assert "1 ship at least in the newest look" in text
    assert "In the newest look at East quay." in text
    assert "Most in one look: at least 2 ships" in text
    assert "2 of 6 looks could not see the berths" in text
    assert "40 % of the quay metres in Mar 2023" in text
    assert "Feb 2023not seen0 / 2" in text
    assert "2 of 6" in text


@pytest.mark.parametrize(
    ("mark", "drawn"),
    [("taken", 3), ("free", 4), ("unknown", 1), ("stem", 2), ("change-date", 3), ("spell-name", 2)],
)
def test_marks_in_both_widths(mark: str, drawn: int) -> None:
    legend = {"taken": 2, "free": 1, "unknown": 1}.get(mark, 0)
    # On a phone each of the two rows of the grid has its own piece of the shade.
    rows = 1 if mark == "change-date" else 0
    assert berth_page().with_class(mark) == 2 * drawn + legend + rows


def test_a_change_that_is_not_established_is_not_shaded() -> None:
    page = berth_page(regimes=regimes_table([regime("active", probability=0.5)]))
    assert page.with_class("spell") == page.with_class("change") == 0
    assert page.with_class("open") == 1
    assert "Tinted" not in page.text


def test_what_berths_cannot_tell_is_said_as_it_is_measured() -> None:
    text = berth_page().text
    assert "at least the ships there" in text
    assert f"Nothing under {DEFAULT_BERTHS.runs.min_length_m:.0f} m is claimed" in text
    assert "hardly ever seen free" in text
    assert "What a ship holds and who it is cannot be determined from imagery" in text
    assert MIN_QUAY == 1 / 2
    assert "looks that saw at least half of them" in text


def test_berths_are_not_open_water() -> None:
    page = berth_page()
    cards = page.text.split("On open water")[1].split("What these images cannot tell")[0]
    assert "quay" not in cards
    assert "A ship alongside is told of at its berth" in page.text


def test_a_site_without_berths_says_so_in_a_sentence() -> None:
    page = Page(render())
    assert "No berth is drawn for this site, so nothing is said about ships at its quays" in page.text
    assert "At the berths" not in page.text
    assert "What was seen" in page.text
    assert page.with_class("taken") == page.with_class("spell") == 0


def test_berths_that_are_not_measured_say_so_in_a_sentence() -> None:
    looks = together(*[(UNKNOWN, UNKNOWN)] * 6)
    page = berth_page(looks=looks, occupancy=NO_OCCUPANCY, regimes=NO_REGIMES)
    assert "No look could measure any of the 2 berths of this site" in page.text
    assert "At the berths" not in page.text
    assert "2 berths could not be told in any look" in page.text
    assert page.with_class("free") == 0


def test_a_site_of_berths_alone_reads_as_one() -> None:
    looks = berth_looks(*[(FREE, TAKEN)] * 3)
    page = berth_page(site=make_site(zones=BERTHS), looks=looks, utilisation=pd.DataFrame())
    assert "no water zone, so vessels lying off its berths are not counted" in page.text
    assert "nothing can be said about its activity" not in page.text
    assert "In the newest look at West quay." in page.text


def test_a_newest_look_that_could_not_see() -> None:
    page = berth_page(looks=together((TAKEN, FREE), (UNSEEN, UNSEEN)))
    assert "not seen in the newest look" in page.text
    assert (
        "The last look that could tell: 10 Jan 2023, 00:00 UTC, at least 1 ship, 2 of 2 berths" in page.text
    )
    assert not re.search(r"(?<![\d.])0 ships", page.text)


def test_hostile_berths_stay_text() -> None:
    zones = tuple(Zone(z.zone_id, z.kind, z.geometry, HOSTILE, HOSTILE) for z in SITE.zones)
    rows = changed().assign(state=HOSTILE, status=HOSTILE)
    looks = LOOKS.assign(
        flags=LOOKS["flags"].fillna("") + ";" + HOSTILE, scene_id=LOOKS["scene_id"] + HOSTILE
    )
    page = berth_page(
        site=make_site(zones=zones, title=HOSTILE), looks=looks, regimes=rows, manifest=MANIFEST
    )
    assert page.inert
    assert "img" not in [name for name, _ in page.elements]
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.with_class("taken") > 0


def test_same_berths_same_bytes_in_any_order() -> None:
    given = {"site": SITE, "occupancy": OCCUPANCY, "regimes": changed()}
    assert render(looks=LOOKS, **given) == render(looks=LOOKS.iloc[::-1], **given)
