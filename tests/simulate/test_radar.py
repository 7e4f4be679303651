"""What the simulated radar must show: speckle, hulls, quays, sea, sidelobes, ghosts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from tasks.errors import InputError
from tasks.simulate.sensors.calendar import Acquisition, Sensor
from tasks.simulate.sensors.echoes import GHOST_M, Echoes, Lit, crosses, folded, scatter
from tasks.simulate.sensors.radar import BLUR_M, LOOKS, RadarGround, image_of, radar_ground, render_radar
from tasks.simulate.sensors.scatterers import gather, of_block, wall_points
from tasks.simulate.sensors.sea_clutter import Look, sea_vh_db, sea_vv_db, waves
from tasks.simulate.world.blocks import Block, Matter, lay, solid
from tasks.simulate.world.port import Port, port_of
from tasks.simulate.world.weather import Weather
from tasks.sites import load_site
from tests.benchmarks.realism_radar import compare_radar

SIDE = 100
BOX = GeoBox((SIDE, SIDE), Affine(10, 0, 500_000, 0, -10, 4_700_000), "EPSG:32652")
MIDDLE = 500_500.0, 4_699_500.0
REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))

Plane = npt.NDArray[np.float32]


def plain(land: float, paved: float = 0.0, box: GeoBox = BOX) -> RadarGround:
    """Nothing but land or nothing but sea."""
    coarse = np.zeros([-(-n // 8) + 1 for n in box.shape], np.float32)
    full = np.ones(box.shape, np.float32)
    return RadarGround(box, full * np.float32(land), full * np.float32(paved), coarse, coarse, gather([]))


def passing(direction: str = "ascending", day: int = 0) -> Acquisition:
    moment = datetime(2023, 1, 9, 9, 22, 47, tzinfo=UTC) + timedelta(days=12 * day)
    orbit, incidence = (134, 33.9) if direction == "ascending" else (61, 38.6)
    return Acquisition("test", Sensor.SENTINEL_1, "sentinel-1a", moment, orbit, direction, incidence)


def air(wind_ms: float = 6.0, ice: float = 0.0) -> Weather:
    return Weather(wind_ms, 320.0, 0.0, 0.0, 0.0, ice, 0.0, 0.0)


def hull(heading_deg: float, length_m: float = 120.0, width_m: float = 18.0) -> Block:
    return Block(Matter.HULL, *MIDDLE, heading_deg, length_m, width_m, 8.0, solid(0), pointed=True)


def ship(heading_deg: float, length_m: float = 120.0, width_m: float = 18.0) -> list[Block]:
    deck = hull(heading_deg, length_m, width_m)
    (ax, ay), back = deck.axis, length_m / 2 - 14
    house = Block(
        Matter.SUPERSTRUCTURE, deck.x - back * ax, deck.y - back * ay, heading_deg, 14, 15, 26, solid(0)
    )
    return [deck, house]


def mean_of(
    ground: RadarGround, blocks: Sequence[Block], direction: str, wind_ms: float = 6.0, passes: int = 12
) -> Plane:
    """VV over several passes."""
    each = [render_radar(ground, blocks, passing(direction, k), air(wind_ms), 1)["vv"] for k in range(passes)]
    return np.asarray(np.mean(each, axis=0, dtype=np.float32))


@cache
def homogeneous(power: float) -> Plane:
    """An image of something that has no texture at all, over its mean."""
    mean, none = np.full((700, 700), power, np.float32), np.zeros((700, 700), np.float32)
    image = image_of(mean, Echoes(none, none), np.random.default_rng(11), 10.0)
    return np.asarray(image / image.mean())


def test_speckle_has_the_looks_of_a_grd_image() -> None:
    assert 1 / homogeneous(1.0).var() == pytest.approx(LOOKS, rel=0.03)


def test_dark_water_has_fewer_looks_because_of_the_noise() -> None:
    assert 1 / homogeneous(0.001).var() < 0.6 * LOOKS


@pytest.mark.parametrize("lag", [1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1])
def test_speckle_is_correlated_as_the_point_response_makes_it(lag: int, axis: int) -> None:
    """White noise behind a Gaussian of width σ has the correlation exp(−d² / 4σ²)."""
    rest = np.moveaxis(homogeneous(1.0) - 1, axis, 0)
    found = (rest[lag:] * rest[:-lag]).mean() / rest.var()
    sigma = BLUR_M / 2.3548 / 10
    assert found == pytest.approx(np.exp(-(lag**2) / (4 * sigma**2)), abs=0.02)


def test_same_inputs_same_bytes_and_another_moment_other_speckle() -> None:
    blocks = ship(30)
    one, again, other = (render_radar(plain(0), blocks, passing(day=k), air(), seed=3) for k in (0, 0, 1))
    assert all(one[b].tobytes() == again[b].tobytes() for b in ("vv", "vh"))
    assert not np.array_equal(one["vv"], other["vv"])
    assert abs(np.corrcoef(one["vv"][:40].ravel(), other["vv"][:40].ravel())[0, 1]) < 0.1


def test_a_ship_changes_only_the_pixels_near_it() -> None:
    with_ship, without = (
        render_radar(plain(0), blocks, passing(), air(), 3)["vv"] for blocks in (ship(30), [])
    )
    changed = np.argwhere(with_ship != without)
    assert len(changed) > 20
    # Sidelobes of its brightest corner reach farthest.
    assert np.hypot(*(changed - SIDE / 2).T).max() * 10 < 450


@pytest.mark.parametrize("wind_ms", [0.5, 6.0, 18.0])
@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_power_is_positive_everywhere(wind_ms: float, direction: str) -> None:
    box = GeoBox((97, 133), BOX.affine, BOX.crs)
    for land in (0.0, 0.5):
        planes = render_radar(plain(land, box=box), ship(10), passing(direction), air(wind_ms, ice=0.7), 1)
        for plane in planes.values():
            assert plane.shape == (97, 133)
            assert plane.dtype == np.float32
            assert np.isfinite(plane).all()
            assert plane.min() > 0


@pytest.mark.parametrize("edge_m", [3.0, 6.0])
def test_what_is_smaller_than_a_pixel_counts_by_its_area(edge_m: float) -> None:
    """Echo rendered over echo listed, and echo listed over area; specimens differ by half a decibel."""
    box = Block(Matter.CONTAINER, *MIDDLE, 20.0, edge_m, edge_m, 2.6, solid(0))
    listed = np.mean([of_block(box, seed).echo_m2.sum() for seed in range(200)])
    assert listed / edge_m**2 == pytest.approx(10 ** (-1.2 / 10), rel=0.03)
    bare, built = (mean_of(plain(0, 1), blocks, "ascending", passes=60) for blocks in ([], [box]))
    added = float((built.astype(np.float64) - bare)[35:65, 35:65].sum()) * 100
    assert added == pytest.approx(of_block(box, 1).echo_m2.sum(), rel=0.2)


def test_points_are_shared_among_pixels_as_a_slow_loop_does_it() -> None:
    rng = np.random.default_rng(5)
    row, col, power = rng.uniform(-1.5, 8.5, 60), rng.uniform(-1.5, 10.5, 60), rng.uniform(0, 3, 60)
    slow = np.zeros((8, 10))
    for y in range(8):
        for x in range(10):
            for r, c, p in zip(row, col, power, strict=True):
                slow[y, x] += p * max(1 - abs(r - y), 0) * max(1 - abs(c - x), 0)
    np.testing.assert_allclose(scatter(row, col, power, (8, 10)), slow, atol=1e-5)


@pytest.mark.parametrize(("direction", "west_is_lit"), [("ascending", True), ("descending", False)])
@pytest.mark.parametrize("heading_deg", [0.0, 180.0])
def test_a_hull_is_brighter_on_the_side_that_faces_the_radar(
    direction: str, west_is_lit: bool, heading_deg: float
) -> None:
    wide = hull(heading_deg, 240.0, 44.0)
    mean = mean_of(plain(0), [wide], direction)
    west, east = mean[40:60, 45:50].sum(), mean[40:60, 50:55].sum()
    assert (west > 1.5 * east) if west_is_lit else (east > 1.5 * west)


def test_tall_things_are_drawn_towards_the_radar() -> None:
    crane = Block(Matter.CRANE, *MIDDLE, 0.0, 12, 12, 40.0, solid(0))
    cols = {}
    for direction in ("ascending", "descending"):
        extra = mean_of(plain(0), [crane], direction, 3.0) - mean_of(plain(0), [], direction, 3.0)
        part = extra[40:60, 40:60].sum(axis=0)
        cols[direction] = float((part * np.arange(40, 60)).sum() / part.sum() + 0.5)
    assert cols["ascending"] < 50 - 1.5
    assert cols["descending"] > 50 + 1.5


@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_a_cargo_ship_stands_10_to_18_db_above_a_moderate_sea(direction: str) -> None:
    """Its own brightness does not follow the sea, so it fades in a storm."""
    contrast, own = {}, {}
    for wind in (6.0, 16.0):
        found, levels = [], []
        for k, heading in enumerate((10.0, 75.0, 130.0)):
            blocks = ship(heading, 118.0 + k, 18.0)
            laid = lay(blocks[0], BOX, 4)
            assert laid is not None
            mean = mean_of(plain(0), blocks, direction, wind, passes=4)
            levels.append(float(mean[laid.rows, laid.cols][laid.share > 0.3].mean()))
            found.append(10 * np.log10(levels[-1] / np.median(mean[:30])))
        contrast[wind], own[wind] = float(np.mean(found)), 10 * np.log10(np.mean(levels))
        assert np.ptp(found) < 9
    assert 10 < contrast[6.0] < 18
    assert contrast[16.0] < contrast[6.0] - 4
    assert own[16.0] == pytest.approx(own[6.0], abs=1.5)


def test_a_full_yard_is_6_to_8_db_brighter_than_an_empty_one() -> None:
    ground = plain(1, 1)
    stacks = [
        Block(Matter.CONTAINER, MIDDLE[0], MIDDLE[1] + 16 * k, 90.0, 126.0 + k, 13.0, 7.8, solid(0))
        for k in (-2, -1, 0, 1, 2)
    ]
    inside = np.s_[46:54, 45:55]
    empty, full = (mean_of(ground, blocks, "descending")[inside].mean() for blocks in ([], stacks))
    assert 6 < 10 * np.log10(full / empty) < 8


def test_cells_without_a_container_return_nothing() -> None:
    cells = np.zeros((20, 4), np.int16)
    full = Block(Matter.CONTAINER, *MIDDLE, 40.0, 126.0, 10.4, 5.2, cells)
    cells = cells.copy()
    cells[10:] = -1
    half = dataclasses.replace(full, colours=cells)
    assert of_block(half, 1).echo_m2.sum() == pytest.approx(of_block(full, 1).echo_m2.sum() / 2, rel=1e-5)


def test_walls_face_outwards_and_their_echo_is_proportional_to_their_area() -> None:
    ring = np.array([(0.0, 0.0), (40.0, 0.0), (40.0, 15.0), (0.0, 15.0), (0.0, 0.0)])
    for corners in (ring, ring[::-1]):
        found = wall_points(corners, 5.0, 2.0, 4.0)
        outside = shapely.points(found.x + found.facing_x, found.y + found.facing_y)
        assert not shapely.contains(shapely.Polygon(ring), outside).any()
        assert found.echo_m2.sum() == pytest.approx(2.0 * 5.0 * 110.0)


@pytest.fixture(scope="module")
def najin() -> tuple[Port, RadarGround]:
    port = port_of(load_site("najin"))
    return port, radar_ground(port, port.window(10, 400), seed=1)


def test_quays_that_face_the_radar_shine(najin: tuple[Port, RadarGround]) -> None:
    """Average along each quay's edge: ascending lights those that face west, descending the others."""
    port, ground = najin
    mean = {d: mean_of(ground, [], d, 4.0, passes=6) for d in ("ascending", "descending")}
    ratio = {}
    for name, quay in port.quays.items():
        places = [quay.at(along, -2.0) for along in np.arange(10, quay.length_m - 10, 5)]
        cols, rows = zip(*(~ground.box.affine * place for place in places), strict=True)
        where = np.array(rows).astype(int), np.array(cols).astype(int)
        ratio[name] = 10 * np.log10(mean["ascending"][where].mean() / mean["descending"][where].mean())
    west = [ratio[n] for n, q in port.quays.items() if 190 < (q.heading_deg + 90) % 360 < 300]
    east = [ratio[n] for n, q in port.quays.items() if 30 < (q.heading_deg + 90) % 360 < 130]
    assert min(len(west), len(east)) >= 5
    assert np.median(west) > 1.5
    assert np.median(east) < -1.5


def test_land_keeps_its_texture_within_an_orbit(najin: tuple[Port, RadarGround]) -> None:
    _, ground = najin
    land = ground.land > 0.99
    one, same = (mean_of(ground, [], "ascending", passes=k) for k in (6, 7))
    other = mean_of(ground, [], "descending", passes=6)
    alike, unlike = (np.corrcoef(np.log(one[land]), np.log(p[land]))[0, 1] for p in (same, other))
    assert alike > 0.8
    assert unlike < 0.6


@pytest.mark.parametrize(
    ("incidence_deg", "wind_ms", "level_db"),
    [(34.0, 3, -19.0), (34.0, 5, -16.0), (34.0, 10, -11.8), (38.6, 2, -23.6), (38.6, 6, -17.4)],
)
def test_sea_level_follows_cmod5n(incidence_deg: float, wind_ms: float, level_db: float) -> None:
    """Averaged over all directions of the wind; CMOD5.N computed apart, in gamma0. It ends at 2 m/s."""
    look = Look.of(dataclasses.replace(passing(), incidence_deg=incidence_deg))
    found = np.mean([sea_vv_db(wind_ms, turn, look) for turn in range(0, 360, 15)])
    calm = 20 * max(np.log10(3.0 / wind_ms), 0)
    assert found + calm == pytest.approx(level_db, abs=0.9)


def test_wind_raises_the_sea_and_blows_brightest_towards_the_radar() -> None:
    look = Look.of(passing("descending"))
    winds = np.linspace(0.5, 18, 60)
    assert (np.diff(sea_vv_db(winds, 0.0, look)) > 0).all()
    assert (np.diff(sea_vh_db(winds)) > 0).all()
    up, down, cross = (float(sea_vv_db(8.0, look.away_deg + turn, look)) for turn in (0, 180, 90))
    assert up > down > cross
    medians = [
        10 * np.log10(np.median(render_radar(plain(0), [], passing(), air(w), 1)["vv"]))
        for w in (1.5, 3.0, 6.0, 12.0)
    ]
    assert (np.diff(medians) > 2).all()
    assert medians[0] < -23


def test_vh_ends_at_the_noise() -> None:
    for wind, low, high in ((1.0, -30.0, -26.0), (8.0, -28.0, -25.0)):
        planes = render_radar(plain(0), [], passing(), air(wind), 1)
        assert low < 10 * np.log10(planes["vh"].mean()) < high


def test_texture_of_the_sea_has_mean_one_and_more_variance_when_rough() -> None:
    variances, open_water = [], np.ones((200, 200), np.float32)
    for wind in (6.0, 15.0):
        drawn = [
            waves(open_water.shape, 10.0, wind, Look.of(passing()), np.random.default_rng(k), open_water)
            for k in range(20)
        ]
        assert np.mean(drawn) == pytest.approx(1.0, abs=0.02)
        variances.append(np.var(drawn))
    assert 0.05 < variances[0] < variances[1] < 0.2


@pytest.mark.parametrize(("direction", "bearing_deg"), [("ascending", -12.0), ("descending", 12.0)])
def test_sidelobes_lie_along_the_track_and_the_look(direction: str, bearing_deg: float) -> None:
    point = np.zeros((SIDE + 1, SIDE + 1), np.float32)
    point[50, 50] = 1000.0
    rays = crosses(point, Look.of(passing(direction)), 10.0)
    rows, cols = np.nonzero(rays)
    far = np.hypot(rows - 50, cols - 50) > 10
    bearing = np.degrees(np.arctan2(cols - 50, 50 - rows))[far]
    off = (bearing - bearing_deg + 45) % 90 - 45
    weight = rays[rows, cols][far]
    assert np.average(off, weights=weight) == pytest.approx(0, abs=0.5)
    assert np.abs(off).max() < 8  # one pixel at ten
    peak_db = 10 * np.log10(rays.max() / (1000 * 0.47))  # a line is lowered once by the blur, a point twice
    assert -31 < peak_db < -24
    point[50, 50] = 10.0
    assert not crosses(point, Look.of(passing(direction)), 10.0).any()


def test_ghosts_lie_five_kilometres_along_the_track() -> None:
    tall = GeoBox((1100, 300), BOX.affine, BOX.crs)
    lit = Lit(np.array([1000.0]), np.array([200.0]), np.array([1e4], np.float32), np.zeros(1, np.float32))
    ghost = folded(lit, Look.of(passing("ascending")), tall)
    assert len(ghost.row) == 3  # one side lies beyond the window
    assert np.hypot(ghost.row.mean() - 1000, ghost.col.mean() - 200) * 10 == pytest.approx(GHOST_M)
    assert ghost.col.mean() < 200  # north-north-west
    assert -30 < 10 * np.log10(ghost.power.sum() / 1e4) < -25


def test_what_cannot_be_rendered_is_refused(najin: tuple[Port, RadarGround]) -> None:
    with pytest.raises(InputError, match=r"'sideways' at 33.9 degrees; ascending or descending"):
        render_radar(plain(0), [], dataclasses.replace(passing(), direction="sideways"), air(), 1)
    with pytest.raises(InputError, match="EPSG:32652 is needed"):
        radar_ground(najin[0], GeoBox((9, 9), BOX.affine, "EPSG:32651"), 1)


def test_the_sea_is_like_operas(tmp_path: Path) -> None:
    if not (REAL / "opera-rtc").is_dir():
        text = f"{REAL} is not there; set ROADSTEAD_REAL_DATA to the folder that holds opera-rtc"
        pytest.fail(f"{text}; in CI these tests must run") if os.environ.get("CI") else pytest.skip(text)
    rows = compare_radar(tmp_path / "sea.png", REAL / "opera-rtc")
    assert (tmp_path / "sea.png").stat().st_size > 10_000
    assert [row for row in rows if not row[-1]] == []
