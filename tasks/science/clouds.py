"""What a camera could not see: clouds and their shadows, without taking white decks for cloud.

A provider's classes are believed for what is large. Bright roofs, decks and stacks of containers are
small, and masks are known to call them cloud; a cloud that small hides no berth. Where there are no
classes (3 m images), and beside them, clouds are told by their look: white or blue, wider than any
ship, and, where the place is remembered, brighter than it ever is in every band.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SHADOW, CLOUDS, SNOW = 3, (8, 9, 10), 11
"""Classes of Sen2Cor that hide the ground; 10 is cirrus."""

VISIBLE = ("blue", "green", "red")


@dataclass(frozen=True)
class CloudOptions:
    """What counts as cloud."""

    cell_m: float = 30.0
    """Side of the cells in which clouds are looked for: their own texture is coarser."""

    most: float = 0.5
    """Share of a cell that must look like cloud."""

    width_m: float = 120.0
    """Narrower patches are ships, rafts and roofs: the widest ship has 66 m, blur and glow a cell each."""

    reach_m: float = 150.0
    """How far from a cloud's core its frayed edge belongs to it."""

    margin_m: float = 60.0
    """Put around what was found: the edge is soft, and the light in it wrong."""

    bright: float = 0.2
    """Reflectance that a cloud has in every band, the infrared too: silt and shoals are dark there. Ships can
    be told through what is thinner."""

    blue: float = 0.93
    """Blue of a cloud, by its red; sand, concrete and dry grass have 0.5 to 0.9."""

    above: float = 0.08
    """Reflectance by which a cloud is brighter than the remembered place in every band; wet and dry ground
    differ by less."""

    ground: float = 0.1
    """Remembered infrared from which a shadow can be told: water has none to lose."""

    dim: float = 0.6
    """Share of its remembered infrared that ground keeps in a cloud's shadow."""

    shore_m: float = 90.0
    shore_cells: int = 8
    """Ground so near to so many cells of water is told from what those show: piers, and the land's edge."""

    over_water: float = 0.25
    """Share of that water up to which bright ground is snow: it ends at the shore, and a cloud does not."""


DEFAULT_CLOUDS = CloudOptions()


def find_clouds(
    reflectance: Mapping[str, Plane],
    pixel_m: float,
    classes: npt.NDArray[np.integer] | None = None,
    empty: Mapping[str, Plane] | None = None,
    options: CloudOptions = DEFAULT_CLOUDS,
) -> Mask:
    """Find where clouds or their shadows hide the ground.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band, NaN where there is no data.
    pixel_m
        Edge of a pixel on the ground, metres.
    classes
        ``(y, x)`` scene classes of Sentinel-2; None where there are none.
    empty
        What the place looks like without clouds, by band; NaN where that is not known. Shadows can be told
        by it alone.
    options
        What counts as cloud.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` bool; False where there is no data.
    """
    shape = next(iter(reflectance.values())).shape
    step = max(1, round(options.cell_m / pixel_m))
    suspect = _white(reflectance, options)
    if classes is not None:
        suspect |= np.isin(classes, (*CLOUDS, SNOW))
    dark = np.zeros(shape, bool) if classes is None else np.asarray(classes == SHADOW)
    if empty is not None:
        suspect |= _above(reflectance, empty, options)
    clouds = _large(suspect, step, options)
    snow = np.zeros_like(clouds)
    if empty is not None and "nir" in empty and clouds.any():
        snow = clouds & _clear_of_cloud(reflectance, empty, step, options)
    if empty is not None and clouds.any():
        dark |= _dimmed(reflectance, empty, options)
    hidden = (clouds & ~snow) | _large(dark, step, options)
    margin = max(1, round(options.margin_m / options.cell_m))
    hidden = ndimage.binary_dilation(hidden, iterations=margin, mask=~snow) if hidden.any() else hidden
    return _spread(hidden, step, shape)


def _white(planes: Mapping[str, Plane], options: CloudOptions) -> Mask:
    """Bright in every band, and not the colour of the ground where blue and red tell."""
    with np.errstate(invalid="ignore"):
        lowest = np.minimum.reduce([planes[b] for b in planes if b in (*VISIBLE, "nir")])
        white = lowest > options.bright
        if "blue" in planes and "red" in planes:
            white &= planes["blue"] > options.blue * planes["red"]
    return np.asarray(white)


def _above(planes: Mapping[str, Plane], empty: Mapping[str, Plane], options: CloudOptions) -> Mask:
    both = [b for b in planes if b in empty]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.logical_and.reduce([planes[b] - empty[b] > options.above for b in both]))


def _clear_of_cloud(
    planes: Mapping[str, Plane], empty: Mapping[str, Plane], step: int, options: CloudOptions
) -> Mask:
    """Tell which cells of ground lie by water that no cloud veils: what brightens them is snow.

    Without a band beyond 1.5 µm snow has a cloud's colours; thin snow on the piers hid the ships alongside.
    """
    with np.errstate(invalid="ignore"):
        wet = empty["nir"] <= options.ground
    # Thin cloud brightens dark water by less than ground.
    veiled = wet & _above(planes, empty, replace(options, above=options.above / 2))
    water, veil = _cells(wet, step) > 0.9, _cells(veiled, step) > options.most
    side = 2 * round(options.shore_m / options.cell_m) + 1
    near, hazy = (
        ndimage.uniform_filter(cells.astype(np.float32), side, mode="constant") * side**2
        for cells in (water, water & veil)
    )
    return np.asarray(~water & (near > options.shore_cells - 0.5) & (hazy < options.over_water * near))


def _dimmed(planes: Mapping[str, Plane], empty: Mapping[str, Plane], options: CloudOptions) -> Mask:
    """Ground that lost its infrared."""
    if "nir" not in planes or "nir" not in empty:
        return np.zeros(next(iter(planes.values())).shape, bool)
    with np.errstate(invalid="ignore"):
        ground = empty["nir"] > options.ground
        return np.asarray(ground & (planes["nir"] < options.dim * empty["nir"]))


def _large(suspect: Mask, step: int, options: CloudOptions) -> Mask:
    """Keep, on cells, what is too wide for a ship, with the edges that hang on to it."""
    cells = _cells(suspect, step) >= options.most
    side = max(2, round(options.width_m / options.cell_m))
    core = ndimage.binary_opening(np.pad(cells, side, mode="edge"), np.ones((side, side), bool))
    core = core[side:-side, side:-side]
    if not core.any():
        return core
    steps = max(1, round(options.reach_m / options.cell_m))
    return np.asarray(ndimage.binary_dilation(core, iterations=steps, mask=cells | core))


def _cells(mask: Mask, step: int) -> npt.NDArray[np.float64]:
    """Share of each cell that is marked; cells at the edges are cut."""
    rows, cols = (np.arange(0, size, step) for size in mask.shape)
    # Sums over an axis take a fifth of reduceat's time.
    whole = np.pad(mask, [(0, -size % step) for size in mask.shape])
    lines = whole.reshape(len(rows), step, -1).sum(axis=1, dtype=np.int32)
    marked = lines.reshape(len(rows), len(cols), step).sum(axis=2)
    sizes = [np.diff(np.r_[at, size]) for at, size in zip((rows, cols), mask.shape, strict=True)]
    return np.asarray(marked / np.outer(*sizes))


def _spread(cells: Mask, step: int, shape: tuple[int, ...]) -> Mask:
    whole = np.repeat(np.repeat(cells, step, axis=0), step, axis=1)
    return np.asarray(whole[: shape[0], : shape[1]])
