"""How much of a yard boxes cover, read off colours at 10 m.

Boxes come in any colour, so what tells is how far a pixel has moved from its own bare colour; a pixel that
has clearly moved is covered, whatever it moved to. Snow moves everything: it is not seen through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.science.ashore.steady import shift_of, steadiest
from tasks.science.plots import Plot
from tasks.science.radiometry import MAD_TO_SD, median_seen

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

STEADY = "steady"
ROUNDS = 3


@dataclass(frozen=True)
class ColourCover:
    """How cover is read off reflectance."""

    bare_sd: float = 2.0
    full_sd: float = 5.0
    """Spreads from the bare colour at which a pixel begins to be covered, and is."""

    least_spread: float = 0.004
    """Reflectance: what light and haze leave between two dates of one bare place."""

    blur_m: float = 8.0
    """Standard deviation of the average over neighbours in the yard."""

    least: float = 0.2
    """Cover below which an averaged pixel counts as bare."""

    quiet_share: float = 0.6
    """Of the dates, those on which a pixel was nearest to its usual colour, from which bare is learnt."""

    steady_share: float = 0.1
    """Of the ground near by that serves as reference: paved like the yards, not green."""

    snow_rise: float = 0.04
    """Rise of green reflectance from which ground may lie under snow: haze and drying ground stay below."""

    snow_infrared: float = 0.3
    """Snow is dark in the short-wave infrared, white boxes are not: share of the rise of green."""

    most_snow: float = 0.3
    """Share of the reference ground under snow from which the date's light cannot be told."""

    least_clear: float = 0.5
    """Share of the reference ground that must be clear: what is seen in between is the edge of a cloud."""

    shade_fall: float = 0.01
    """Fall of reflectance, in every band, from which a pixel lies in shade: of a ship, a crane, a shed."""

    def learn(
        self, columns: Mapping[str, Plane], yards: Sequence[Mask], candidates: Mask
    ) -> dict[str, Plane]:
        """Learn the colour of bare yards, its spread, and ground that brings dates to one light.

        Parameters
        ----------
        columns
            Each band, ``(time, pixel)`` reflectance, NaN where not seen.
        yards
            ``(pixel,)`` of each yard.
        candidates
            ``(pixel,)`` where steady ground may lie.

        Returns
        -------
        dict
            ``bare_<band>`` and ``bare_<band>_spread`` in reflectance, and ``steady``: 1 on reference ground;
            ``(pixel,)``.
        """
        inside = np.logical_or.reduce([np.zeros_like(candidates), *yards])
        reference = steadiest(list(columns.values()), inside, candidates, self.steady_share)
        light = {band: median_seen(v[:, reference].T) for band, v in columns.items()}
        seen = np.isfinite(np.stack(list(light.values()))).all(axis=0)
        # The darker half of the dates: neither snow nor haze.
        green = np.where(seen, light.get("green", next(iter(light.values()))), np.inf)
        usual = green <= np.median(green[seen]) if seen.any() else seen
        shift = {band: v - np.median(v[usual]) if usual.any() else v for band, v in light.items()}
        told = seen & ~self._snow(shift)
        stack = np.stack([(v - shift[band][:, None])[told] for band, v in columns.items()])
        bare = _median_in_time(stack)
        for _ in range(ROUNDS):
            away = np.abs(stack - bare[:, None]).mean(axis=0)
            order = np.argsort(np.argsort(np.where(np.isfinite(away), away, np.inf), axis=0), axis=0)
            count = np.isfinite(away).sum(axis=0)
            near = np.where(order < np.ceil(self.quiet_share * count), stack, np.nan)
            bare = _median_in_time(near)
        spread = MAD_TO_SD * _median_in_time(np.abs(near - bare[:, None])) / self.quiet_share
        learnt = {STEADY: reference.astype(np.float32)}
        for k, band in enumerate(columns):
            learnt |= {f"bare_{band}": bare[k], f"bare_{band}_spread": spread[k]}
        return learnt

    def read(
        self, shown: Mapping[str, Plane], memory: Mapping[str, Plane], plots: Sequence[Plot]
    ) -> list[Plane]:
        """Read the cover of every pixel of every yard, ``(pixel,)`` each: 0 to 1, NaN where not seen.

        Parameters
        ----------
        shown
            Each band, ``(y, x)`` reflectance, NaN where not seen, as under clouds.
        memory
            What `learn` found, ``(y, x)``.
        plots
            The yards.
        """
        steady = memory[STEADY] == 1
        rest = {band: values[steady] - memory[f"bare_{band}"][steady] for band, values in shown.items()}
        clear = np.isfinite(np.stack(list(rest.values()))).all(axis=0)
        snowy = float(self._snow(rest)[clear].mean()) if clear.any() else 1.0
        shift = {band: shift_of(values) for band, values in rest.items()}
        if snowy > self.most_snow or clear.mean() < self.least_clear:
            return [np.full(len(plot.rows), np.nan, np.float32) for plot in plots]
        return [self._read_yard(shown, memory, shift, plot) for plot in plots]

    def _read_yard(
        self, shown: Mapping[str, Plane], memory: Mapping[str, Plane], shift: Mapping[str, float], plot: Plot
    ) -> Plane:
        place = plot.rows, plot.cols
        moved = {b: v[place] - memory[f"bare_{b}"][place] - np.float32(shift[b]) for b, v in shown.items()}
        apart = [
            (step / np.hypot(memory[f"bare_{band}_spread"][place], self.least_spread)) ** 2
            for band, step in moved.items()
        ]
        distance = np.sqrt(np.mean(apart, axis=0))
        cover = np.clip((distance - self.bare_sd) / (self.full_sd - self.bare_sd), 0, 1)
        return np.where(self._snow(moved) | self._shade(moved), np.nan, cover).astype(np.float32)

    def _shade(self, moved: Mapping[str, npt.NDArray[np.floating]]) -> Mask:
        """Tell shade: darker in every band, where a coat of paint is lighter in one or the other."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.logical_and.reduce([step < -self.shade_fall for step in moved.values()]))

    def _snow(self, rise: Mapping[str, npt.NDArray[np.floating]]) -> Mask:
        """Tell snow by colour; without a band in the short-wave infrared nothing is called snow."""
        if not {"green", "swir16"} <= set(rise):
            return np.zeros(np.shape(next(iter(rise.values()))), bool)
        with np.errstate(invalid="ignore"):
            bright = rise["green"] > self.snow_rise
            return np.asarray(bright & (rise["swir16"] < self.snow_infrared * rise["green"]))


def _median_in_time(stack: npt.NDArray[np.floating]) -> Plane:
    """``(band, time, pixel)`` to ``(band, pixel)``."""
    return np.stack([median_seen(values) for values in stack]).astype(np.float32)
