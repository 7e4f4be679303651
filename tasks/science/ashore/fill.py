"""How full a yard is, at 10 m: a level between the emptiest and the fullest it has been.

A level is no area. It says where the yard stands on its own scale: 0 is what it shows on its emptiest dates
(the fifth percentile of the year before, and a margin for noise), 1 what it shows on its fullest (the
ninety-fifth). It never falls when more stands there, other things equal, and levels of one yard may be
compared with one another within an orbit, which looks from one side, and not between yards. A yard that
has never been seen in use has no full end: until the memory holds one, the scale ends where a given share of
the ground is covered (`least_span`), the level is marked ``thin_memory`` and stays at 1 when more comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.model import ZoneKind
from tasks.science.flags import NOT_MEASURED, NOT_SEEN, THIN_MEMORY
from tasks.science.plots import Plot

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class Cover(Protocol):
    """How cover is learnt and read; `EchoCover` and `ColourCover` are two."""

    @property
    def blur_m(self) -> float:
        """Standard deviation of the average over neighbours in a yard, metres."""
        ...

    @property
    def least(self) -> float:
        """Cover below which an averaged pixel counts as bare."""
        ...

    def learn(
        self, columns: Mapping[str, Plane], yards: Sequence[Mask], candidates: Mask
    ) -> dict[str, Plane]:
        """Learn what bare yards look like, and steady ground: ``(time, pixel)`` to ``(pixel,)``."""
        ...

    def read(
        self, shown: Mapping[str, Plane], memory: Mapping[str, Plane], plots: Sequence[Plot]
    ) -> list[Plane]:
        """Read the cover of every pixel of every yard; NaN where not seen."""
        ...


@dataclass(frozen=True)
class FillOptions:
    """When a level can be told, and on which scale."""

    min_pixels: int = 50
    """Half a hectare at 10 m; in smaller yards speckle and neighbours outweigh the boxes."""

    min_seen: float = 0.5
    """Share of the yard that a scene must see."""

    min_scenes: int = 8
    """Scenes of the memory that must have seen the yard. From a winter with five dates between the snows,
    bare ground was learnt half melted, and every yard of the spring was full."""

    low_quantile: float = 0.05
    high_quantile: float = 0.95

    margin: float = 0.02
    """Mean cover above the emptiest dates that still counts as empty: one pixel in fifty."""

    least_span: float = 0.3
    """Mean cover between empty and full where the past shows less: a yard of which a third is covered is in
    use, and a scale stretched over less would show noise."""


DEFAULT_FILL = FillOptions()


@dataclass(frozen=True)
class FillLook:
    """What one scene tells of one yard."""

    flag: str
    """Empty, ``thin_memory`` (a level on a scale without a full end), or why there is no level: ``not_seen``,
    ``not_measured``."""

    level: float | None
    """0 to 1; None if it cannot be told."""


def learn_levels(
    columns: Mapping[str, Plane],
    where: Mask,
    candidates: Mask,
    plots: Sequence[Plot],
    pixel_m: float,
    cover: Cover,
    options: FillOptions = DEFAULT_FILL,
) -> dict[str, Plane]:
    """Learn the scale of every yard from the scenes of one epoch of one orbit.

    Parameters
    ----------
    columns
        Each band, ``(time, pixel)`` of the pixels of `where`: decibels or reflectance, NaN where not seen.
        The order of dates does not matter.
    where, candidates
        ``(y, x)`` of `ground_near`.
    plots
        Yards and tracks of the site; the yards count.
    pixel_m
        Edge of a pixel, metres.
    cover
        How cover is read: radar or colours.
    options
        Quantiles and limits.

    Returns
    -------
    dict
        ``(y, x)`` float32: what `cover` learns, and ``yard_low`` and ``yard_high``, mean cover at the ends of
        the scale, constant over each yard. Both NaN where no level can be told, ``yard_high`` alone where the
        yard was never seen in use.
    """
    yards = yards_among(plots)
    masks = [_mask(plot, where.shape)[where] for plot in yards]
    learnt = cover.learn(columns, masks, candidates[where])
    memory = {name: _laid_out(column, where) for name, column in learnt.items()}
    past = [
        _mean_covers(
            {band: _laid_out(v[k], where) for band, v in columns.items()},
            memory,
            yards,
            pixel_m,
            cover,
            options,
        )
        for k in range(len(next(iter(columns.values()))))
    ]
    low, high = (np.full(where.shape, np.nan, np.float32) for _ in range(2))
    for k, plot in enumerate(yards):
        known = np.array([date[k] for date in past if np.isfinite(date[k])])
        if len(known) >= options.min_scenes and len(plot.rows) >= options.min_pixels:
            ends = np.quantile(known, (options.low_quantile, options.high_quantile))
            low[plot.rows, plot.cols] = ends[0] + options.margin
            span = ends[1] - ends[0] - options.margin
            high[plot.rows, plot.cols] = ends[1] if span >= options.least_span else np.nan
    return memory | {"yard_low": low, "yard_high": high}


def fill_levels(
    shown: Mapping[str, Plane],
    memory: Mapping[str, Plane],
    plots: Sequence[Plot],
    pixel_m: float,
    cover: Cover,
    options: FillOptions = DEFAULT_FILL,
) -> dict[str, FillLook]:
    """Tell how full every yard is in one scene.

    Parameters
    ----------
    shown
        Each band, ``(y, x)`` decibels or reflectance, NaN where not seen: outside the scene, under clouds.
    memory
        What `learn_levels` found for the scene's orbit.
    plots
        Yards and tracks of the site; the yards count.
    pixel_m
        Edge of a pixel, metres.
    cover, options
        As learnt with.

    Returns
    -------
    dict
        By zone id.
    """
    yards = yards_among(plots)
    covers = _mean_covers(shown, memory, yards, pixel_m, cover, options)
    return {
        plot.zone_id: _look(plot, mean, memory, options) for plot, mean in zip(yards, covers, strict=True)
    }


def yards_among(plots: Sequence[Plot]) -> list[Plot]:
    """Leave the tracks out."""
    return [plot for plot in plots if plot.kind is ZoneKind.CONTAINER_YARD]


def _look(plot: Plot, mean: float, memory: Mapping[str, Plane], options: FillOptions) -> FillLook:
    low, high = (
        float(memory[name][plot.rows[0], plot.cols[0]]) if len(plot.rows) else np.nan
        for name in ("yard_low", "yard_high")
    )
    if not np.isfinite(low):
        return FillLook(NOT_MEASURED, None)
    if not np.isfinite(mean):
        return FillLook(NOT_SEEN, None)
    thin = not np.isfinite(high)
    span = options.least_span if thin else high - low
    return FillLook(THIN_MEMORY if thin else "", float(np.clip((mean - low) / span, 0, 1)))


def _mean_covers(
    shown: Mapping[str, Plane],
    memory: Mapping[str, Plane],
    yards: Sequence[Plot],
    pixel_m: float,
    cover: Cover,
    options: FillOptions,
) -> list[float]:
    covers = cover.read(shown, memory, yards)
    return [_mean_cover(c, plot, pixel_m, cover, options) for c, plot in zip(covers, yards, strict=True)]


def _mean_cover(values: Plane, plot: Plot, pixel_m: float, cover: Cover, options: FillOptions) -> float:
    """Mean over the yard of what is left of each pixel's neighbourhood above bare; NaN if hardly seen."""
    seen = np.isfinite(values)
    if not len(values) or seen.mean() < options.min_seen:
        return float("nan")
    place = plot.rows - plot.rows.min(), plot.cols - plot.cols.min()
    shape = place[0].max() + 1, place[1].max() + 1
    total, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    total[place], weight[place] = np.nan_to_num(values), seen
    near = [
        ndimage.gaussian_filter(plane, cover.blur_m / pixel_m, mode="constant") for plane in (total, weight)
    ]
    mean = near[0][place][seen] / near[1][place][seen]
    return float(np.maximum(mean - cover.least, 0).mean() / (1 - cover.least))


def _mask(plot: Plot, shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, bool)
    mask[plot.rows, plot.cols] = True
    return mask


def _laid_out(column: Plane, where: Mask) -> Plane:
    plane = np.full(where.shape, np.nan, np.float32)
    plane[where] = column
    return plane
