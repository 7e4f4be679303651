"""What a picture's pixels mean, and that its bytes follow from them."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tasks.products.pictures import (
    BUDGET_BYTES,
    HATCH,
    REFLECTANCE,
    Facts,
    bands_drawn,
    encode,
    hatch,
    render,
    scale_in_words,
    strip_height,
)

FACTS = Facts(
    "2023-12-09 02:00:00 UTC", "sentinel-1-rtc, radar, 10 m pixels", "S1A_IW_" + "X" * 60, "credit", 2.5
)


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_colours_are_on_one_scale_whatever_else_is_in_the_picture() -> None:
    alone = render({name: np.full((4, 4), 0.1) for name in ("red", "green", "blue")}, "reflectance")
    beside = np.full((4, 4), 0.1)
    beside[0] = 0.9
    crowded = render(dict.fromkeys(("red", "green", "blue"), beside), "reflectance")
    assert (crowded[1:] == alone[1:]).all()
    assert (crowded[0] == 255).all()
    expected = 255 * (0.1 / REFLECTANCE.high) ** (1 / REFLECTANCE.gamma)
    assert alone[0, 0, 0] == round(expected)


def test_red_green_and_blue_are_not_swapped() -> None:
    planes = {"red": np.full((2, 2), 0.3), "green": np.full((2, 2), 0.1), "blue": np.full((2, 2), 0.02)}
    red, green, blue = render(planes, "reflectance")[0, 0]
    assert red > green > blue


def test_radar_is_drawn_in_decibels() -> None:
    power = 10 ** (np.array([[-24.0, -9.0, 6.0, 20.0]]) / 10)
    grey = render({"vv": power}, "1")
    assert grey[0, :, 0].tolist() == [0, 128, 255, 255]
    assert (grey == render({"vv": np.array([[-24.0, -9.0, 6.0, 20.0]])}, "dB")).all()
    assert (grey[..., 0] == grey[..., 2]).all()


@pytest.mark.parametrize("units", ["1", "dB", "reflectance"])
def test_what_was_not_seen_is_hatched_never_black(units: str) -> None:
    names = ("red", "green", "blue") if units == "reflectance" else ("vv",)
    planes = {name: np.full((40, 40), 0.1) for name in names}
    planes[names[0]] = planes[names[0]].copy()
    planes[names[0]][10:30, 10:30] = np.nan
    pixels = render(planes, units)
    inside = {tuple(map(int, p)) for p in pixels[10:30, 10:30].reshape(-1, 3)}
    assert inside == set(HATCH)
    assert min(min(one) for one in inside) > 120
    assert (pixels[10:30, 10:30] == hatch((40, 40))[10:30, 10:30]).all()
    assert not (pixels[:10] == hatch((40, 40))[:10]).all()


@pytest.mark.parametrize(
    ("bands", "units", "drawn"),
    [
        (("blue", "green", "nir", "red", "scl"), "reflectance", ("red", "green", "blue")),
        (("green", "nir"), "reflectance", ("nir",)),
        (("vh", "vv"), "1", ("vv",)),
        (("vh",), "dB", ("vh",)),
        (("scl",), "reflectance", ()),
    ],
)
def test_what_is_drawn(bands: tuple[str, ...], units: str, drawn: tuple[str, ...]) -> None:
    assert bands_drawn(bands, units) == drawn


def test_the_scale_is_stated() -> None:
    assert "0 to 0.32" in scale_in_words(("red", "green", "blue"), "reflectance")
    assert "−24 to 6 dB" in scale_in_words(("vv",), "1")
    assert "as delivered" in scale_in_words(("vv",), "relative dB")


def test_the_port_is_above_the_strip_and_untouched_by_it() -> None:
    pixels = np.full((200, 240, 3), 200, np.uint8)
    data = encode(pixels, FACTS)
    sheet = opened(data)
    assert sheet.shape == (200 + strip_height(240, FACTS), 240, 3)
    assert np.abs(sheet[:196] - 200).max() < 12  # WebP is lossy; nothing is written over the port
    assert sheet[204:].mean() < 80


def test_same_in_same_out_and_other_facts_other_bytes() -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (90, 240, 3), dtype=np.uint8)
    assert encode(pixels, FACTS) == encode(pixels.copy(), FACTS)
    assert encode(pixels, replace(FACTS, when="2023-12-10 02:00:00 UTC")) != encode(pixels, FACTS)


def test_a_large_picture_keeps_within_its_budget() -> None:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(4).normal(0, 70, (560, 560, 1))
    rough = np.clip(120 + gaussian_filter(noise, (1, 1, 0)) * np.ones(3), 0, 255)  # a town in 3 m pixels
    assert len(encode(rough.astype(np.uint8), FACTS)) <= BUDGET_BYTES


def test_a_narrow_picture_wraps_its_words() -> None:
    assert strip_height(120, FACTS) > strip_height(400, FACTS)
    assert encode(np.zeros((40, 120, 3), np.uint8), FACTS)
