"""``roadstead voyages`` as a user runs it, on publications of sampled looks."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tasks.infer import infer_tables
from tasks.products.manifest import damaged_files, read_manifest, write_manifest
from tasks.products.series import series_dataset, write_series
from tasks.products.tables import VOYAGE_TYPES, looks_table, stacks_table, vessels_table, write_tables
from tasks.sites import load_site
from tests.flows.tiny import roadstead
from tests.sampled_looks import SITES, sampled_story

ABOUT = {
    "roadstead": "0", "state": {"snapshot": "x", "measure_version": "0"},
    "archive": {"snapshot": "x", "repository": "none"},
    "catalog": "none", "simulated": True, "rejected": [], "superseded": [], "permanent_scatterers": [],
    "assumptions": {},
}  # fmt: skip


def inputs(looks: pd.DataFrame) -> list[dict[str, object]]:
    scenes = looks.drop_duplicates("scene_id")
    return [
        {"scene_id": row["scene_id"], "collection": row["collection"], "orbit": 0, "recipe": "",
         "acquired": f"{row['acquired']:%Y-%m-%dT%H:%M:%SZ}"}
        for row in scenes.to_dict("records")
    ]  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both ports as published by the end of 2023."""
    folder = tmp_path_factory.mktemp("out")
    for name in SITES:
        looks, vessels = (t[t["acquired"] < pd.Timestamp("2024-01-01")] for t in sampled_story(1)[name])
        here, site = folder / name, load_site(name)
        here.mkdir()
        looks, vessels = (t.assign(acquired=t["acquired"].dt.round("s")) for t in (looks, vessels))
        hulls = vessels.assign(outline=None, site=name)
        told = looks_table(looks.to_dict("records")), vessels_table(hulls.to_dict("records"))
        tables = infer_tables.fn(site, *told, stacks_table([]))
        write_tables(here, tables)
        write_series(here, series_dataset(site, tables.looks, tables.utilisation, tables.occupancy))
        write_manifest(here, ABOUT | {"site": name, "inputs": inputs(looks)})
    return folder


def test_trips_are_told_with_what_is_not_known(out: Path) -> None:
    result = roadstead("voyages", "najin", "dunay", "--out", str(out))
    assert result.exit_code == 0
    assert "107 nautical miles over water" in result.stdout
    assert "trips najin to dunay: at least" in result.stdout
    assert "round trips najin to dunay and back: at least" in result.stdout
    assert "not known: which ship was which (a link is a probability)" in result.stdout


def test_voyages_stand_in_both_publications_and_the_manifest_stays_true(out: Path) -> None:
    roadstead("voyages", "najin", "dunay", "--out", str(out))
    files = [out / site / "voyages.parquet" for site in SITES]
    before = [path.read_bytes() for path in files]
    manifests = [(out / site / "manifest.json").read_bytes() for site in SITES]
    assert before[0] == before[1]
    assert list(pd.read_parquet(files[0]).columns) == list(VOYAGE_TYPES)
    for site in SITES:
        assert damaged_files(out / site)[1] == {}
        told = read_manifest(out / site)
        assert told["state"] == ABOUT["state"]
        assert told["voyages"]["dunay najin"]["trips"]["at_least"] >= 3
    roadstead("voyages", "najin", "dunay", "--out", str(out))
    assert [path.read_bytes() for path in files] == before
    assert [(out / site / "manifest.json").read_bytes() for site in SITES] == manifests


def test_an_earlier_day_knows_less_and_writes_nothing(out: Path) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file())
    result = roadstead(
        "voyages", "najin", "dunay", "--out", str(out), "--as-known-on", "2023-10-14", "--json"
    )
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["last_look"] <= "2023-10-14T23:59:59Z"
    assert told["written"] == []
    assert told["links"]
    assert max(link["knowable_on"] for link in told["links"]) <= told["last_look"]
    assert sorted((p, p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("najin", "latakia"), "latakia is not published in"),
        (("najin", "najin"), "both sites are najin; voyages need two"),
        (("najin", "atlantis"), "atlantis"),
        (("najin", "dunay", "--as-known-on", "soon"), "is not a day"),
        (("najin", "dunay", "--as-known-on", "2001-01-01"), "no look that saw a berth by 2001-01-01"),
    ],
)
def test_what_cannot_be_told_is_said_in_one_line(words: tuple[str, ...], said: str, out: Path) -> None:
    result = roadstead("voyages", *words, "--out", str(out))
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
