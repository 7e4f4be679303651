"""Pictures lie where they say: pixels and outlines against pyproj, one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from tasks.model import Site, Zone, ZoneKind
from tasks.products.chips import SITE
from tasks.products.frames import (
    ENLARGED_MOST,
    LEAST_M,
    STEP_M,
    Frame,
    onto_paper,
    outlines_on,
    paper_of,
    site_frame,
    source_window,
    utm_of,
    zone_frame,
)
from tests.scenes import grid, rectangle, small_site

BERTH = Zone("berth", ZoneKind.BERTH, rectangle(20, 10, 3, 15))
YARD = Zone("yard", ZoneKind.CONTAINER_YARD, rectangle(24, 10, 20, 40))


def port() -> Site:
    site = small_site()
    return Site("tiny", "Tiny port", (*site.zones, BERTH, YARD), "digest")


def paper(frame: Frame, finest_m: float, coarsest_m: float | None = None) -> GeoBox:
    return paper_of(frame, finest_m, coarsest_m or finest_m)


def slowly(plane: np.ndarray, image: GeoBox, drawn: GeoBox) -> np.ndarray:
    """Nearest pixel, by the coordinates of every middle."""
    to = Transformer.from_crs(str(drawn.crs), str(image.crs), always_xy=True)
    found = np.full(drawn.shape, np.nan)
    for row in range(drawn.shape[0]):
        for col in range(drawn.shape[1]):
            x, y = drawn.affine * (col + 0.5, row + 0.5)
            c, r = ~image.affine * to.transform(x, y)
            if 0 <= r < plane.shape[0] and 0 <= c < plane.shape[1]:
                found[row, col] = plane[int(r), int(c)]
    return found


def test_a_site_is_framed_by_what_is_ashore_and_alongside() -> None:
    site = port()
    frame = site_frame(site)
    assert frame.shows == SITE
    lon, lat = shapely.total_bounds([BERTH.geometry, YARD.geometry]).reshape(2, 2).T
    x, y = Transformer.from_crs("EPSG:4326", f"EPSG:{frame.epsg}", always_xy=True).transform(lon, lat)
    assert frame.west < x[0] < x[1] < frame.east
    assert frame.south < y[0] < y[1] < frame.north
    assert {side % STEP_M for side in (frame.west, frame.south, frame.east, frame.north)} == {0}
    assert frame == site_frame(Site("tiny", "", (BERTH, YARD, *small_site().zones), "other"))


def test_a_small_zone_gets_room_within_what_is_archived() -> None:
    site = port()
    frame = zone_frame(site, BERTH)
    assert min(frame.east - frame.west, frame.north - frame.south) >= LEAST_M
    archived = zone_frame(site, Zone("all", ZoneKind.HARBOUR_WATER, rectangle(0, 0, 60, 60)))
    assert archived.west - 300 <= frame.west
    assert frame.north <= archived.north + 300


@pytest.mark.parametrize(
    ("lon", "lat", "code"), [(130.3, 42.2, 32652), (-70.0, -33.0, 32719), (179.9, 1.0, 32660)]
)
def test_the_utm_zone_is_that_of_the_place(lon: float, lat: float, code: int) -> None:
    zone = Zone("a", ZoneKind.BERTH, shapely.box(lon, lat, lon + 0.01, lat + 0.01))
    assert utm_of(Site("s", "S", (zone,), "d")) == code


@given(
    side=st.floats(600, 9000),
    finest=st.sampled_from([0.5, 0.7, 3.0, 10.0]),
    coarsest=st.sampled_from([3.0, 10.0]),
)
def test_no_pixel_is_enlarged_more_than_four_times(side: float, finest: float, coarsest: float) -> None:
    coarsest = max(finest, coarsest)
    frame = Frame(SITE, 0, 0, round(side / 30) * 30, 600, 32652)
    drawn = paper(frame, finest, coarsest)
    assert coarsest / abs(drawn.affine.a) <= ENLARGED_MOST * 1.01
    ratio = finest / drawn.affine.a
    assert max(ratio, 1 / ratio) == pytest.approx(round(max(ratio, 1 / ratio)), rel=0.01)
    assert drawn.affine * (drawn.shape[1], drawn.shape[0]) == pytest.approx((frame.east, frame.south))


@pytest.mark.parametrize(
    "image",
    [
        grid(-30, -30, 120, 120),
        grid(10, 10, 40, 30),
        GeoBox((90, 110), Affine(10, 0, 112_003, 0, -10, 4_683_007), "EPSG:32653"),
    ],
    ids=["whole", "part", "neighbour"],
)
def test_pixels_are_those_of_the_place(image: GeoBox) -> None:
    drawn = paper(Frame("yard", 606_990, 4_673_490, 607_590, 4_674_090, 32652), 10.0)
    plane = np.random.default_rng(1).random(image.shape).astype("float32")
    plane[3:9, 4:20] = np.nan
    rows, cols = source_window(image, drawn)
    found = onto_paper(plane[rows, cols], image[rows, cols], drawn)
    expected = slowly(plane, image, drawn)
    alike = (found == expected) | (np.isnan(found) & np.isnan(expected))
    assert alike.mean() > 0.995  # GDAL places pixels of another CRS to an eighth of a pixel
    assert (str(image.crs) != "EPSG:32652") or alike.all()


def test_finer_pixels_are_averaged_and_gaps_do_not_spread() -> None:
    image = GeoBox((60, 60), Affine(1, 0, 0, 0, -1, 60), "EPSG:32652")
    drawn = GeoBox((20, 20), Affine(3, 0, 0, 0, -3, 60), "EPSG:32652")
    plane = np.random.default_rng(2).random((60, 60)).astype("float32")
    plane[:3, :3] = np.nan
    plane[3, 3] = np.nan
    found = onto_paper(plane, image, drawn)
    blocks = plane.reshape(20, 3, 20, 3).swapaxes(1, 2).reshape(20, 20, 9)
    assert np.isnan(found[0, 0])
    assert found[1, 1] == pytest.approx(np.nanmean(blocks[1, 1]), rel=1e-5)
    np.testing.assert_allclose(found[2:], blocks[2:].mean(-1), rtol=1e-5)


def test_an_image_that_ends_before_the_picture_gives_nothing_there() -> None:
    drawn = paper(Frame("yard", 606_990, 4_673_490, 607_590, 4_674_090, 32652), 10.0)
    far = grid(5000, 5000, 20, 20)
    rows, cols = source_window(far, drawn)
    assert np.isnan(onto_paper(np.zeros(far.shape)[rows, cols], far[rows, cols], drawn)).all()


@settings(max_examples=30, deadline=None)
@given(row=st.floats(5, 40), col=st.floats(5, 40), turn=st.floats(0, 180))
def test_outlines_land_on_their_pixels(row: float, col: float, turn: float) -> None:
    drawn = paper(Frame("yard", 606_990, 4_673_490, 607_590, 4_674_090, 32652), 3.0)
    ship = shapely.affinity.rotate(rectangle(row, col, 2, 12), turn)
    rings = outlines_on(drawn, [ship])
    to = Transformer.from_crs("EPSG:4326", str(drawn.crs), always_xy=True)
    for lon, lat in ship.exterior.coords:
        x, y = to.transform(lon, lat)
        px, py = (x - 606_990) / drawn.affine.a, (4_674_090 - y) / drawn.affine.a
        if 0.2 < px < drawn.shape[1] - 0.2 and 0.2 < py < drawn.shape[0] - 0.2:
            assert min(abs(px - a) + abs(py - b) for a, b in rings[0]) < 0.2
    for ring in rings:
        assert ring[0] == ring[-1]
        assert len(list(pairwise(ring))) >= 3
        assert all(0 <= x <= drawn.shape[1] and 0 <= y <= drawn.shape[0] for x, y in ring)


def test_a_bright_ship_lies_inside_its_outline() -> None:
    image, ship = grid(-30, -30, 120, 120), rectangle(24, 30, 4, 10)
    plane = np.zeros(image.shape, "float32")
    plane[54:58, 60:70] = 1
    drawn = paper(zone_frame(port(), YARD), 10.0)
    bright = np.argwhere(onto_paper(plane, image, drawn) == 1)
    outline = shapely.Polygon(outlines_on(drawn, [ship])[0])
    assert len(bright) == pytest.approx(outline.area, rel=0.15)
    assert shapely.contains_xy(outline.buffer(1), bright[:, 1] + 0.5, bright[:, 0] + 0.5).all()


def test_outlines_elsewhere_are_left_out_and_touching_ones_stay_two() -> None:
    drawn = paper(zone_frame(port(), YARD), 3.0)
    assert outlines_on(drawn, [rectangle(500, 500, 4, 10)]) == ()
    assert outlines_on(drawn, []) == ()
    pair = [rectangle(26, 20, 4, 4), shapely.affinity.translate(rectangle(26, 20, 4, 4), 0)]
    assert len(outlines_on(drawn, pair)) == 2
