"""Colours of things: reflectance in the five bands that the optical sensors share.

Typical values of painted steel, rust and sheet metal from daylight spectra, rounded; paints are
bright in the near infrared as they are in the visible, water is not, which is what finds ships.
"""

from __future__ import annotations

import numpy as np

BANDS = ("blue", "green", "red", "nir", "swir16")

Colour = tuple[float, float, float, float, float]

PAINTS: dict[str, Colour] = {
    "sheet-grey": (0.20, 0.21, 0.22, 0.24, 0.26),
    "sheet-rust": (0.10, 0.12, 0.19, 0.25, 0.30),
    "sheet-blue": (0.20, 0.17, 0.14, 0.19, 0.20),
    "box-blue": (0.17, 0.12, 0.08, 0.16, 0.17),
    "box-brown": (0.06, 0.08, 0.17, 0.22, 0.24),
    "box-green": (0.09, 0.15, 0.10, 0.20, 0.18),
    "box-white": (0.42, 0.44, 0.45, 0.46, 0.38),
    "box-orange": (0.09, 0.17, 0.33, 0.38, 0.36),
    "deck-red": (0.08, 0.09, 0.18, 0.23, 0.24),
    "deck-green": (0.08, 0.13, 0.10, 0.17, 0.16),
    "deck-grey": (0.16, 0.17, 0.17, 0.18, 0.19),
    "bridge-white": (0.52, 0.54, 0.55, 0.54, 0.42),
    "hatch": (0.23, 0.24, 0.25, 0.27, 0.28),
    "wagon-brown": (0.06, 0.07, 0.11, 0.15, 0.18),
    "crane-yellow": (0.12, 0.25, 0.33, 0.36, 0.34),
    "coal": (0.035, 0.036, 0.038, 0.045, 0.06),
}
"""Blue, green, red, near infrared (0.84 µm), short-wave infrared (1.6 µm); 0 to 1."""

SPECTRA: dict[str, Colour] = {
    "soil": (0.078, 0.108, 0.142, 0.205, 0.285),
    "field": (0.035, 0.068, 0.052, 0.29, 0.18),
    "forest": (0.019, 0.037, 0.026, 0.25, 0.12),
    "dormant": (0.058, 0.078, 0.1, 0.17, 0.24),
    "concrete": (0.145, 0.162, 0.175, 0.2, 0.22),
    "apron": (0.125, 0.14, 0.15, 0.172, 0.19),
    "yard": (0.108, 0.128, 0.146, 0.18, 0.22),
    "ballast": (0.07, 0.08, 0.092, 0.112, 0.14),
    "beach": (0.15, 0.19, 0.235, 0.29, 0.34),
    "street": (0.085, 0.095, 0.105, 0.13, 0.15),
    "roof": (0.155, 0.168, 0.185, 0.21, 0.23),
    "clear water": (0.026, 0.022, 0.008, 0.004, 0.003),
    "brown water": (0.075, 0.098, 0.08, 0.036, 0.012),
    "ice": (0.3, 0.3, 0.28, 0.2, 0.04),
    "snow": (0.66, 0.67, 0.66, 0.6, 0.1),
}
"""Of the ground, in the same bands. Land, roofs and water are tuned to five ports in Sentinel-2 images
(tests/benchmarks/realism_optical.py); the rest are typical values, rounded."""

NAMES = tuple(PAINTS)
REFLECTANCE = np.array(list(PAINTS.values()), np.float32)
"""``(colour, band)``."""

BOXES = tuple(NAMES.index(name) for name in NAMES if name.startswith("box-"))
DECKS = tuple(NAMES.index(name) for name in NAMES if name.startswith("deck-"))


def paint(name: str) -> int:
    """Index of a colour."""
    return NAMES.index(name)
