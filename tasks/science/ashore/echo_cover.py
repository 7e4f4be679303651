"""How much of a yard boxes cover, read off radar at 10 m.

Boxes and the ground between them make corners: ground that is covered returns some 7 dB more than bare
ground, and power adds up within a pixel, so its rise tells the share that is covered. Cranes and ships beside
a yard are single points that are brighter still; what they light up says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.ashore.steady import shift_of, steadiest
from tasks.science.plots import Plot
from tasks.science.radiometry import mean_seen, median_seen

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SPOT_SIDE_PX = 5
"""Of the window in which a spot is the brightest pixel."""

STEADY = "steady"


@dataclass(frozen=True)
class EchoCover:
    """How cover is read off decibels."""

    full_db: float = 7.0
    """Rise from a bare yard to one full of boxes, 6 to 8 dB in the literature. It only sets the scale."""

    most: float = 1.5
    """What one pixel may count for, of a full one: single corners outshine what stands around them."""

    spot: float = 2.0
    """Times the rise of a full yard. A peak beside the yard that is brighter is a crane or a ship."""

    spot_reach_px: int = 2
    """How far a spot lights up what is around it: the point response is two pixels wide."""

    blur_m: float = 13.0
    """Standard deviation of the average over neighbours in the yard, against speckle."""

    least: float = 0.25
    """Cover below which an averaged pixel counts as bare: what speckle, and a crane's outskirts, reach."""

    quiet_share: float = 0.4
    """Of the dates, those with the faintest yard, from which its bare state is learnt: over six dates speckle
    averages out, and a yard in use on half of the dates is still learnt bare."""

    steady_share: float = 0.5
    """Of the ground near by that serves as reference: speckle makes any single pixel unsteady."""

    def learn(
        self, columns: Mapping[str, Plane], yards: Sequence[Mask], candidates: Mask
    ) -> dict[str, Plane]:
        """Learn what bare yards return, and ground that brings dates to one scale.

        Parameters
        ----------
        columns
            Each band, ``(time, pixel)`` decibels, NaN where not seen.
        yards
            ``(pixel,)`` of each yard.
        candidates
            ``(pixel,)`` where steady ground may lie.

        Returns
        -------
        dict
            ``bare_<band>`` in decibels, and ``steady``: 1 on reference ground; ``(pixel,)``.
        """
        inside = np.logical_or.reduce([np.zeros_like(candidates), *yards])
        reference = steadiest(list(columns.values()), inside, candidates & ~inside, self.steady_share)
        level = {}
        for band, values in columns.items():
            usual = median_seen(values[:, reference])
            shift = np.array([shift_of(date[reference] - usual) for date in values], np.float32)
            level[band] = values - shift[:, None]
        learnt = {f"bare_{band}": median_seen(values) for band, values in level.items()}
        joined = mean_seen(np.stack(list(level.values())))
        for yard in yards:
            brightness = mean_seen(joined[:, yard].T)
            order = np.argsort(brightness, kind="stable")[: np.isfinite(brightness).sum()]
            quiet = order[: int(np.ceil(self.quiet_share * len(order)))]
            for band, values in level.items():
                with np.errstate(divide="ignore"):
                    learnt[f"bare_{band}"][yard] = 10 * np.log10(
                        mean_seen(10 ** (values[quiet][:, yard] / 10))
                    )
        return learnt | {STEADY: reference.astype(np.float32)}

    def read(
        self, shown: Mapping[str, Plane], memory: Mapping[str, Plane], plots: Sequence[Plot]
    ) -> list[Plane]:
        """Read the cover of every pixel of every yard, ``(pixel,)`` each: 0 to `most`, NaN where not seen.

        Parameters
        ----------
        shown
            Each band, ``(y, x)`` decibels, NaN where not seen.
        memory
            What `learn` found, ``(y, x)``.
        plots
            The yards.
        """
        steady = memory[STEADY] == 1
        ratio = {}
        for band, values in shown.items():
            bare = memory[f"bare_{band}"]
            level = values - shift_of(values[steady] - bare[steady])
            ratio[band] = level, bare
        return [self._read_yard(ratio, plot) for plot in plots]

    def _read_yard(self, ratio: Mapping[str, tuple[Plane, Plane]], plot: Plot) -> Plane:
        margin = self.spot_reach_px + SPOT_SIDE_PX // 2
        top, left = max(plot.rows.min() - margin, 0), max(plot.cols.min() - margin, 0)
        window = np.s_[top : plot.rows.max() + margin + 1, left : plot.cols.max() + margin + 1]
        place = plot.rows - top, plot.cols - left
        rises = []
        for level, bare in ratio.values():
            power, bare_power = 10 ** (level[window] / 10), 10 ** (bare[window] / 10)
            bare_yard = bare_power[place][np.isfinite(bare_power[place])]
            usual = np.median(bare_yard) if bare_yard.size else np.nan
            full = usual * (10 ** (self.full_db / 10) - 1)
            rises.append((power - bare_power) / full)
        rise = mean_seen(np.stack(rises))
        inside = np.zeros(rise.shape, bool)
        inside[place] = True
        known = np.nan_to_num(rise, nan=-np.inf)
        peak = (known >= ndimage.maximum_filter(known, SPOT_SIDE_PX, mode="nearest")) & (known > self.spot)
        lit = np.ones((2 * self.spot_reach_px + 1,) * 2, bool)
        spoilt = ndimage.binary_dilation(peak & ~inside, lit)
        cover = np.where(inside & ~spoilt, np.minimum(rise, self.most), np.nan)
        return np.asarray(cover[place], dtype=np.float32)
