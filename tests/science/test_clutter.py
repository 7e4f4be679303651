from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.radar.clutter import multilook


def slow_multilook(db: np.ndarray, radius: int) -> np.ndarray:
    """The obvious twin: look at every pixel of every window."""
    out = np.full(db.shape, np.nan)
    for y, x in np.argwhere(np.isfinite(db)):
        window = db[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        out[y, x] = window[np.isfinite(window)].astype(float).mean()
    return out


def test_multilook_averages_seen_pixels_only() -> None:
    db = np.array([[1, np.nan], [3, 5]], "float32")
    np.testing.assert_allclose(multilook(db, 1), [[3, np.nan], [3, 3]])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 17), st.integers(1, 19), st.integers(0, 5), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_multilook_equals_its_slow_twin(
    height: int, width: int, radius: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    db = rng.normal(-17, 3, (height, width)).astype("float32")
    db[rng.random(db.shape) > share] = np.nan
    np.testing.assert_allclose(multilook(db, radius), slow_multilook(db, radius), atol=1e-5)
