"""Fit the weights of `EvidenceOptions` to the boxes at the quays of the five real ports.

Run as ``python -m tests.benchmarks.fit_alongside``: what is found in each port with weights that were fitted
to the four others, which is what another port may expect, and then the weights of all five.

Boxes are ships where they cover a label well, drawn a little tighter since labels are loose. The others are
countless and mostly easy, so a first fit claims ships, and what it claims in vain weighs as much as a ship in
the next. Two vessels at Gdynia's quays that nobody labelled are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import minimize

from tasks.science.clouds import find_clouds
from tasks.science.optical import scene
from tasks.science.optical.alongside import Box
from tasks.science.optical.evidence import (
    DEFAULT_EVIDENCE,
    EvidenceOptions,
    Surroundings,
    log_odds,
    outlines,
    terms,
    weigh,
)
from tasks.science.shapes import Vessel
from tests.sen2ships import GROWN_M, PORTS, Port, match, read_port

TIGHT_M = 6.0
"""Labels are drawn so much too large."""

SHIP, STRANGE = 0.3, 0.12
"""Intersection over union with a label from which a box is a ship, and below which it is none."""

RIDGE = 3.0
"""Weight of the squared weights, of standardised terms: five ports tell no more."""

ROUNDS, HARDEST = 3, 60
"""Fits after the first, and boxes a port that each adds."""

TERMS = ("straight", "size", "slender", "colour", "shallow", "leaves_behind", "end", "end_behind")

NOT_LABELLED = {"gdynia": ((511, 821), (669, 833))}
"""Row and column of vessels that can be seen there: a white ferry and a ship at a pier's head."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Boxes:
    """The boxes of a port that can be ships, and what is known of them."""

    terms: Numbers
    """``(box, term)``"""
    places: npt.NDArray[np.object_]
    label: npt.NDArray[np.intp]
    """Which label it covers, −1 none, −2 not known."""


def read_boxes(port: Port) -> Boxes:
    """Take all boxes of a port that are not impossible."""
    taken: list[Boxes] = []

    def collect(
        boxes: list[Box], _: object, around: Surroundings, pixel_m: float, options: EvidenceOptions
    ) -> list[Vessel]:
        seen = weigh(boxes, around, pixel_m)
        able = np.isfinite(log_odds(boxes, seen, options))
        places = outlines([box for box, can in zip(boxes, able, strict=True) if can], pixel_m)
        places = shapely.transform(places, lambda xy: xy * [1, -1])
        found = terms(boxes, seen, options)
        columns = np.stack([found[name] for name in TERMS], axis=1)[able]
        taken.append(Boxes(columns, places, known_as(port, places)))
        return []

    whole = replace(scene.DEFAULT_OPTICAL, tile_px=10**6)
    with mock.patch.object(scene, "claims", collect):
        clouds = find_clouds(port.planes, port.pixel_m)
        scene.detect_optical_scene(port.planes, port.pixel_m, unclear=clouds, options=whole)
    return taken[0]


def known_as(port: Port, places: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
    """Say which label each box covers."""
    middles, covered = shapely.centroid(places), np.zeros((len(places), len(port.labels)))
    known = np.full(len(places), -1)
    for row, col in NOT_LABELLED.get(port.name, ()):
        known[shapely.distance(middles, shapely.Point(col, row)) * port.pixel_m < 90] = -2
    for k, label in enumerate(port.labels):
        tight = label.buffer(-TIGHT_M / port.pixel_m)
        shared = shapely.area(shapely.intersection(places, tight))
        covered[:, k] = shared / (shapely.area(places) + tight.area - shared)
        inside = shapely.contains(label.buffer(GROWN_M / port.pixel_m), middles)
        known[inside & (covered[:, k] >= STRANGE)] = -2
        known[covered[:, k] >= SHIP] = -2
    best = covered.argmax(axis=1)
    for k, label in enumerate(port.labels):
        inside = shapely.contains(label.buffer(GROWN_M / port.pixel_m), middles)
        known[inside & (best == k) & (covered[:, k] >= SHIP)] = k
    return known


def fit(ports: Sequence[Boxes]) -> tuple[Numbers, float]:
    """Weights and constant of a logistic regression, ships' boxes weighing one ship together."""
    ship = np.concatenate([boxes.label >= 0 for boxes in ports])
    columns = np.concatenate([boxes.terms for boxes in ports])
    mass = np.concatenate([_masses(boxes) for boxes in ports])
    used = mass > 0
    middle, spread = columns[used].mean(axis=0), columns[used].std(axis=0)
    scaled = (columns - middle) / spread
    for turn in range(ROUNDS + 1):
        weights, constant = _logistic(scaled[used], ship[used], mass[used])
        if turn == ROUNDS:
            break
        odds = np.split(scaled @ weights + constant, np.cumsum([len(b.label) for b in ports])[:-1])
        mass[~ship & used] *= 0.25 if turn == 0 else 1.0
        first = 0
        for boxes, own in zip(ports, odds, strict=True):
            for k in _claimed(boxes, own):
                mass[first + k] += boxes.label[k] == -1
            first += len(own)
    return weights / spread, float(constant - (weights / spread) @ middle)


def _masses(boxes: Boxes) -> Numbers:
    mass = np.where(boxes.label == -1, 40 / max((boxes.label == -1).sum(), 1), 0.0)
    for k in np.unique(boxes.label[boxes.label >= 0]):
        mass[boxes.label == k] = 1 / (boxes.label == k).sum()
    return mass


def _logistic(columns: Numbers, ship: npt.NDArray[np.bool_], mass: Numbers) -> tuple[Numbers, float]:
    sign = np.where(ship, 1.0, -1.0)

    def loss(x: Numbers) -> tuple[float, Numbers]:
        margin = sign * (columns @ x[:-1] + x[-1])
        slope = -mass * sign / (1 + np.exp(margin))
        value = mass @ np.logaddexp(0, -margin) + RIDGE / 2 * x[:-1] @ x[:-1]
        return float(value), np.append(columns.T @ slope + RIDGE * x[:-1], slope.sum())

    x = minimize(loss, np.zeros(columns.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return x[:-1], float(x[-1])


def _claimed(boxes: Boxes, odds: Numbers) -> list[int]:
    claimed: list[int] = []
    for k in np.argsort(-np.where(boxes.label == -2, -np.inf, odds), kind="stable"):
        place = boxes.places[k]
        if boxes.label[k] != -2 and all(
            place.intersection(boxes.places[o]).area
            <= DEFAULT_EVIDENCE.max_overlap * min(place.area, boxes.places[o].area)
            for o in claimed
        ):
            claimed.append(int(k))
        if len(claimed) == HARDEST:
            break
    return claimed


def weighted(weights: Numbers, constant: float) -> EvidenceOptions:
    return replace(DEFAULT_EVIDENCE, constant=constant, **dict(zip(TERMS, map(float, weights), strict=True)))


def main() -> None:
    ports = {name: read_port(name) for name in PORTS}
    boxes = {name: read_boxes(port) for name, port in ports.items()}
    tally = np.zeros((2, 3), int)
    for name, port in ports.items():
        others = [boxes[other] for other in PORTS if other != name]
        line = []
        for k, evidence in enumerate((weighted(*fit(others)), DEFAULT_EVIDENCE)):
            options = replace(scene.DEFAULT_OPTICAL, evidence=evidence)
            clouds = find_clouds(port.planes, port.pixel_m)
            found = scene.detect_optical_scene(port.planes, port.pixel_m, unclear=clouds, options=options)
            hits = len(match(port, found.vessels))
            tally[k] += hits, len(port.labels), len(found.vessels)
            line.append(f"{hits} of {len(port.labels)} with {len(found.vessels)} claims")
        print(f"{name:10} left out: {line[0]}; as it is: {line[1]}")
    for k, kind in enumerate(("each port left out", "as it is")):
        print(f"{kind}: recall {tally[k][0] / tally[k][1]:.2f}, precision {tally[k][0] / tally[k][2]:.2f}")
    weights, constant = fit(list(boxes.values()))
    for name, weight in zip([*TERMS, "constant"], [*weights, constant], strict=True):
        print(f"    {name}: float = {weight:.2f}")


if __name__ == "__main__":
    main()
