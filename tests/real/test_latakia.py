"""136 real Sentinel-1 dates over Latakia, through the command line: truth by eye, structures, a rerun."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import rasterio
from pyproj import Transformer

from tasks.grid import project
from tasks.model import ZoneKind
from tasks.sites import load_site
from tests.flows.tiny import in_own_process, untouched

pytestmark = [pytest.mark.slow, pytest.mark.prefect]

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))
DATA = REAL / "latakia-s1"
CRS = "EPSG:32636"
DATES = 136

ANCHORAGE_ERROR, BASIN_ERROR = 0.8, 1.5
"""Mean absolute error in vessels over the five dates counted by eye, which is itself good to ± 1."""

SAME_PLACE_M = 60.0
MOSTLY = 0.9


@dataclass(frozen=True)
class Run:
    out: Path
    said: dict[str, Any]
    looks: pd.DataFrame
    vessels: gpd.GeoDataFrame

    @property
    def places(self) -> npt.NDArray[np.float64]:
        """Vessels' centres ``(n, 2)``, metres."""
        to_utm = Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
        return np.column_stack(to_utm.transform(self.vessels.geometry.x, self.vessels.geometry.y))


def backfill(out: Path, state: Path) -> dict[str, Any]:
    period = ("--start", "2022-01-01", "--end", "2023-12-31")
    given = ("--catalog", DATA / "collection.json", "--out", out, "--json")
    done = in_own_process("backfill", "latakia", *given, *period, ROADSTEAD_STATE=str(state))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    if not DATA.is_dir():
        text = f"{DATA} is not there; set ROADSTEAD_REAL_DATA to the folder that holds latakia-s1"
        pytest.fail(f"{text}; in CI these tests must run") if os.environ.get("CI") else pytest.skip(text)
    folder = tmp_path_factory.mktemp("latakia")
    said = backfill(folder / "out", folder / "state")
    published = folder / "out" / "latakia"
    looks = pd.read_parquet(published / "looks.parquet")
    return Run(folder / "out", said, looks, gpd.read_parquet(published / "vessels.parquet"))


@pytest.fixture(scope="session")
def by_eye(run: Run) -> pd.DataFrame:
    """The five labelled dates with our counts beside the reader's and the peer's."""
    labels = pd.read_csv(DATA / "labels_by_eye_counts.csv").set_index("scene_id")
    counts = run.looks.pivot(index="scene_id", columns="zone_id", values="vessel_count")
    return labels.join(counts, how="left", validate="1:1")


def error(counts: pd.Series, truth: pd.Series) -> float:
    return float((counts.astype(float) - truth).abs().mean())


def test_every_date_is_looked_at(run: Run) -> None:
    assert run.said["ingested"] == DATES
    assert run.said["rejected"] == {}
    assert run.looks.groupby("zone_id")["scene_id"].nunique().to_dict() == {
        "ANCHORAGE": DATES,
        "BASIN": DATES,
    }
    assert run.looks["vessel_count"].notna().mean() > 0.9


def test_anchorage_as_counted_by_eye(by_eye: pd.DataFrame) -> None:
    assert len(by_eye) == 5
    assert error(by_eye["ANCHORAGE"], by_eye["anchorage_in_window"]) <= ANCHORAGE_ERROR


def test_basin_as_counted_by_eye(by_eye: pd.DataFrame) -> None:
    assert error(by_eye["BASIN"], by_eye["basin_transient_in_window"]) <= BASIN_ERROR


def test_the_peer_is_beaten_in_the_basin(by_eye: pd.DataFrame) -> None:
    truth = by_eye["basin_transient_in_window"]
    peers = error(by_eye["peer_detections_basin_side_in_window"], truth)
    assert error(by_eye["BASIN"], truth) < peers / 4


def test_the_basin_is_not_full_of_what_never_moves(run: Run) -> None:
    # The peer counts 10 to 20 there on nearly every date; the eye sees 0 to 4 that come and go.
    peer = pd.read_csv(DATA / "peer_counts.csv")["vessel_count_in_port"]
    ours = run.looks.loc[run.looks["zone_id"] == "BASIN", "vessel_count"].dropna()
    assert ours.median() < peer.median() / 3


def test_no_vessel_on_masked_pixels(run: Run) -> None:
    values = []
    for (scene_id, _), (x, y) in zip(run.vessels[["scene_id", "zone_id"]].values, run.places, strict=True):
        with rasterio.open(DATA / "vv" / f"{scene_id}.tif") as image:
            ((value,),) = image.sample([(x, y)])
        values.append(int(value))
    assert len(values) > DATES
    assert min(values) > 0


def test_no_vessel_on_a_structure(run: Run) -> None:
    site = load_site("latakia")
    structures = [project(z.geometry, CRS) for z in site.zones if z.kind is ZoneKind.STRUCTURE]
    assert structures
    vessels = gpd.GeoSeries(gpd.points_from_xy(*run.places.T), crs=CRS)
    assert all((vessels.distance(structure) > 10).all() for structure in structures)


def test_nothing_is_a_vessel_on_nearly_every_date(run: Run) -> None:
    places = run.places
    scenes = run.vessels["scene_id"].to_numpy()
    near = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) <= SAME_PLACE_M
    share = np.array([len(set(scenes[row])) for row in near]) / DATES
    assert share.max() <= MOSTLY


def test_a_rerun_has_nothing_to_do(run: Run, tmp_path: Path) -> None:
    before = untouched(run.out)
    said = backfill(run.out, tmp_path / "state")
    assert (said["new"], said["known"], said["ingested"], said["measured"]) == (0, DATES, 0, 0)
    assert untouched(run.out) == before
