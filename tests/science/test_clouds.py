"""Cloud and shadow, with and without a classification."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tasks.science.clouds import clouds_of_classes, find_clouds

WATER, CLOUD = 6, 9


def test_a_white_deck_is_no_cloud() -> None:
    classes = np.full((120, 120), WATER)
    classes[20:23, 20:50] = CLOUD  # 300 m × 30 m
    assert not clouds_of_classes(classes, 10.0).hidden.any()


def test_a_cloud_is_hidden_with_its_edge() -> None:
    classes = np.full((120, 120), WATER)
    classes[40:90, 40:90] = CLOUD
    found = clouds_of_classes(classes, 10.0)
    assert found.hidden[37:93, 50].all()
    assert not found.hidden[:30].any()
    assert found.share > 50 * 50 / 120**2


def test_a_deck_under_a_cloud_stays_hidden() -> None:
    classes = np.full((120, 120), WATER)
    classes[20:23, 20:50] = CLOUD
    classes[10:18, 10:60] = CLOUD
    classes[25:60, 10:60] = CLOUD
    assert clouds_of_classes(classes, 10.0).hidden[21, 30]


def test_without_classes_cloud_is_told_from_a_roof() -> None:
    rng = np.random.default_rng(3)
    puff = np.zeros((300, 300))
    puff[100:150, 200:250] = 1
    puff = ndimage.gaussian_filter(puff, 8.0)
    roof = np.zeros((300, 300), bool)
    roof[200:230, 20:50] = True
    planes = {}
    for band, (water, land) in {
        "blue": (0.05, 0.1),
        "green": (0.05, 0.1),
        "red": (0.04, 0.12),
        "nir": (0.02, 0.25),
    }.items():
        ground = np.where(np.arange(300)[None] < 190, land, water) + rng.normal(0, 0.005, (300, 300))
        ground[roof] = 0.5
        shade = np.roll(puff, (-60, -100), (0, 1))  # the sun in the south-east
        planes[band] = (ground * (1 - 0.7 * shade) * (1 - puff) + 0.6 * puff).astype(np.float32)
    found = find_clouds(planes, 10.0)
    assert found.hidden[125, 225]
    assert not found.hidden[roof].any()
