"""What differs between two publications is found, all of it, with what it was, what it is, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.editions import Change, TableDiff, compare_publications, largest
from tasks.errors import InputError
from tasks.model import Event
from tasks.products.diff import Edition, differences
from tasks.products.manifest import state
from tests.products.small_publication import DAYS, looks_of, publish, scene_id
from tests.scenes import small_site


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("before") / "tiny", looks_of(DAYS[:-1]))


def compared(before: Path, folder: Path, *args: Any, **kwargs: Any) -> tuple[list[str], dict[str, TableDiff]]:
    causes, tables = compare_publications(before, publish(folder / "tiny", *args, **kwargs))
    return causes, {t.table: t for t in tables}


def whys(changes: tuple[Change, ...]) -> set[str]:
    return {why for change in changes for why in change.why}


def test_nothing_differs_from_itself(before: Path, tmp_path: Path) -> None:
    assert compared(before, tmp_path, looks_of(DAYS[:-1])) == ([], {})


def test_a_new_scene_is_the_reason_of_its_looks_and_periods(before: Path, tmp_path: Path) -> None:
    causes, tables = compared(before, tmp_path)
    assert causes == ["1 × new scene"]
    looks = tables["looks"]
    assert (looks.new, looks.gone, looks.changed) == (2, 0, 0)
    assert {c.row for c in looks.changes} == {f"{scene_id(25)} · {zone}" for zone in ("roads", "harbour")}
    assert whys(looks.changes) == whys(tables["utilisation"].changes) == {"new scene"}
    month = [
        c for c in tables["utilisation"].changes if c.period == "month 2023-10-01" and c.column == "looks"
    ]
    assert {(c.was, c.now, c.change) for c in month} == {(5, 6, 1.0)}
    # The week before holds other looks: none of its numbers moved.
    assert not [c for c in tables["utilisation"].changes if c.period == "week 2023-10-02"]


def test_a_late_correction_is_told_from_another_version(before: Path, tmp_path: Path) -> None:
    rows = looks_of(DAYS[:-1])
    rows[0] = rows[0] | {"vessel_count": 4}
    recipes = {rows[0]["scene_id"]: "r2"}
    causes, tables = compared(before, tmp_path / "late", rows, recipes)
    assert causes == ["1 × late correction"]
    (change,) = tables["looks"].changes
    assert (change.zone_id, change.period, change.column) == ("roads", "2023-10", "vessel_count")
    assert (change.was, change.now, change.change, change.why) == (1, 4, 3.0, ("late correction",))

    newer = state("SNAP1", small_site(), "2")
    causes, tables = compared(before, tmp_path / "version", rows, recipes, state=newer)
    assert causes == ["measure version 1 → 2"]
    assert whys(tables["looks"].changes) == {"measure version 1 → 2"}

    elsewhere = state("SNAP1", replace(small_site(), digest="another"), "1")
    causes, tables = compared(before, tmp_path / "site", rows, recipes, state=elsewhere)
    assert causes == ["site file changed"]

    told = replace(small_site(), events=(Event(date(2023, 10, 1), "A closure", "a report"),))
    causes, _ = compared(before, tmp_path / "said", looks_of(DAYS[:-1]), state=state("SNAP1", told, "1"))
    assert causes == ["title, credit, weights or events in the site file changed"]


def test_a_reprocessed_scene_replaces_another(before: Path, tmp_path: Path) -> None:
    rows = looks_of(DAYS[:-1])
    for row in rows[:2]:
        row["scene_id"] = "S1A_again"
    causes, tables = compared(before, tmp_path, rows, superseded={scene_id(1): "S1A_again"})
    assert causes == ["1 × reprocessed scene", "1 × superseded scene"]
    assert {(c.kind, c.why) for c in tables["looks"].changes} == {
        ("gone", ("superseded scene",)),
        ("new", ("reprocessed scene",)),
    }


def test_a_scene_left_out_and_changed_weights(before: Path, tmp_path: Path) -> None:
    causes, _ = compared(
        before,
        tmp_path,
        looks_of(DAYS[1:-1]),
        rejected=[{"scene_id": scene_id(1), "reason": "lies askew"}],
        assumptions={"index_weights": {"berths": 1}},
    )
    assert causes == ["assumptions changed: index_weights", "1 × scene left out now"]


def test_null_is_not_zero_and_small_noise_is_nothing() -> None:
    def edition(value: object) -> Edition:
        row = {"zone_id": "*", "period": "month", "start": "2023-10-01", "end": "2023-11-01", "index": value}
        return Edition({}, {"utilisation": pd.DataFrame([row]).astype({"index": "Float64"})})

    _, tables = differences(edition(None), edition(0.0))
    (change,) = tables[0].changes
    assert (change.was, change.now, change.change, change.why) == (None, 0.0, None, ("other looks",))
    assert differences(edition(0.1 + 0.2), edition(0.3)) == ([], [])


def test_times_differ_by_days_and_the_largest_comes_first() -> None:
    def edition(days: tuple[str, str]) -> Edition:
        rows = [
            {"zone_id": zone, "measure": "m", "start": pd.Timestamp(day)}
            for zone, day in zip("ab", days, strict=True)
        ]
        return Edition({}, {"regimes": pd.DataFrame(rows)})

    _, tables = differences(edition(("2023-10-01", "2023-10-01")), edition(("2023-10-03", "2023-09-21")))
    assert (tables[0].changed, tables[0].new, tables[0].gone) == (2, 0, 0)
    (top,) = largest(tables[0])
    assert (top.zone_id, top.change) == ("b", -10.0)


def test_a_table_that_only_one_has_is_all_new_or_gone() -> None:
    table = pd.DataFrame({"x": [1, 1, 2]})
    _, (gone,) = differences(Edition({}, {"other": table}), Edition({}, {}))
    assert (gone.gone, gone.new, gone.changed) == (3, 0, 0)
    _, (new,) = differences(Edition({}, {}), Edition({}, {"other": table}))
    assert (new.gone, new.new, new.changed) == (0, 3, 0)


def test_bad_input(before: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no publication"):
        compare_publications(before, tmp_path)
    other = publish(tmp_path / "other", site=small_site("other"))
    with pytest.raises(InputError, match="two of one site"):
        compare_publications(before, other)
    (other / "looks.parquet").write_text("no table")
    with pytest.raises(InputError, match="cannot be read"):
        compare_publications(other, other)


def test_on_the_command_line(before: Path, tmp_path: Path) -> None:
    after = publish(tmp_path / "tiny")
    shown = CliRunner().invoke(app, ["diff", str(before), str(after)])
    assert shown.exit_code == 0, shown.output
    assert "because: 1 × new scene  [a]" in shown.output
    assert "looks: 0 rows changed, 2 new, 0 gone (10 → 12)" in shown.output
    assert max(len(line) for line in shown.output.splitlines()) <= 100
    told = json.loads(CliRunner().invoke(app, ["diff", str(before), str(after), "--json"]).output)
    assert told["same"] is False
    assert told["tables"][0]["changes_by"]["why"].keys() == {"new scene"}
    same = CliRunner().invoke(app, ["diff", str(before), str(before), "--json"])
    assert json.loads(same.output) == {"same": True, "causes": [], "tables": []}
    assert CliRunner().invoke(app, ["diff", str(before), str(tmp_path)]).exit_code == 2
