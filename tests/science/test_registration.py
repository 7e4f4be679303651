from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tasks.science.registration import filled, find_slide, slid

EVERYWHERE = np.ones((80, 80), bool)


def structure(rng: np.random.Generator) -> np.ndarray:
    """Piers 14 spreads above the water, blurred as a radar does."""
    plane = np.zeros((80, 80))
    plane[10:22, 5:60] = plane[45:55, 20:75] = 14
    return ndimage.gaussian_filter(plane, 1.2) + rng.normal(0, 0.2, plane.shape)


@pytest.mark.parametrize("slide", [(0.0, 0.0), (0.4, -0.3), (-1.0, 0.7), (1.2, 1.2)])
def test_a_slide_is_found_in_spite_of_ships(slide: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    reference = structure(rng).astype("float32")
    image = ndimage.shift(reference, slide, order=3, mode="nearest") + rng.normal(0, 1, reference.shape)
    image[23:26, 10:22] += 15  # a ship alongside
    moved = slid(reference, find_slide(reference, image.astype("float32"), EVERYWHERE))
    wanted = ndimage.shift(reference, slide, order=1, mode="nearest")
    inner = (slice(5, -5), slice(5, -5))
    assert np.abs(moved - wanted)[inner].mean() < 0.15


def test_nothing_to_go_by_leaves_it_as_it_is() -> None:
    rng = np.random.default_rng(2)
    water = rng.normal(0, 0.2, (80, 80)).astype("float32")
    assert find_slide(water, water + 1, EVERYWHERE) == (0.0, 0.0)
    assert slid(water, (0.0, 0.0)) is water


def test_unseen_pixels_take_no_part() -> None:
    rng = np.random.default_rng(3)
    reference = structure(rng).astype("float32")
    image = ndimage.shift(reference, (0.5, 0.0), order=1, mode="nearest").astype("float32")
    image[:30] = np.nan
    moved = slid(reference, find_slide(reference, image, np.isfinite(image)))
    assert np.nanmean(np.abs(moved - image)[35:75, 5:75]) < 0.1


def test_a_hole_takes_its_nearest_pixel() -> None:
    plane = structure(np.random.default_rng(4)).astype("float32")
    plane[30:33, 40:43] = np.nan
    plane[:, 70:] = np.nan
    whole = filled(plane)
    for row, col in np.argwhere(~np.isfinite(plane))[::97]:
        away = np.where(np.isfinite(plane), np.hypot(*(np.indices(plane.shape) - [[[row]], [[col]]])), np.inf)
        assert whole[row, col] in plane[away == away.min()]
    assert (whole[np.isfinite(plane)] == plane[np.isfinite(plane)]).all()
