"""One moment of a world as blocks that a sensor can draw."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import numpy.typing as npt
from shapely.geometry.base import BaseGeometry

from tasks.simulate.world.blocks import EMPTY, Block, Matter, solid
from tasks.simulate.world.model import (
    BOX_M,
    BOX_PITCH_M,
    CAR_M,
    TRACK_END_M,
    TRACK_M,
    Ship,
    Stack,
    Stay,
    Train,
    World,
    tracks_of,
)
from tasks.simulate.world.palette import BOXES, paint
from tasks.simulate.world.port import CRANE_HEIGHT_M, CRANE_SPACING_M, Port, Strip
from tasks.simulate.world.seeds import generator

Cells = npt.NDArray[np.int16]

DECK_SHARE = 0.62
"""Share of a ship's length that can carry containers."""

FORWARD_DECK = -0.14
"""Middle of that share, along the hull, where the bridge stands forward; amidships where it stands aft."""

DECK_TIERS = 3
BRIDGE_LENGTH_M = 13.0
GEAR_M = (4.0, 4.0, 12.0)
CRANE_M = (13.0, 11.0)
CRANE_BACK_M = 9.0
"""From the quay's edge to the middle of a crane's legs."""

CRANE_WAY_M = 35.0
"""How far a crane may have moved from its post."""

ROW_MIX = 0.25
"""Share of containers that are not of their batch's main colour."""


def scenery(world: World, site_id: str, moment: datetime) -> tuple[Block, ...]:
    """List everything that stands or floats at a site, lowest first.

    Sheds are not among it: they never move and belong to the port's ground.
    """
    port = world.ports[site_id]
    blocks = list(world.fixed.get(site_id, ()))
    for stay in world.lying(site_id, moment):
        ship = world.ships[stay.ship_id]
        blocks += ship_blocks(
            ship, stay, world.ledger.stock(ship.place, moment), _batch(world, ship.place, moment)
        )
    for stack in world.stacks:
        if stack.site_id == site_id:
            boxes = world.ledger.stock(stack.place, moment)
            blocks += stack_blocks(
                stack, port.yards[stack.zone_id], boxes, _batch(world, stack.place, moment)
            )
    for train in world.standing(site_id, moment):
        boxes = world.ledger.stock(train.place, moment)
        blocks.append(train_block(train, port.tracks[train.zone_id], boxes))
    blocks += cranes(port, moment, world.seed)
    return tuple(sorted(blocks, key=lambda b: (b.top_m, b.x, b.y)))


def _batch(world: World, place: str, moment: datetime) -> np.random.Generator:
    return generator(world.seed, "batch", place, world.ledger.emptied(place, moment))


def box_colours(batch: np.random.Generator, rows: int, wide: int) -> Cells:
    """Paint a batch of containers: most of one colour, as the reports of 2023 have it."""
    main = batch.choice(BOXES)
    other = batch.choice(BOXES, (rows, wide))
    return np.where(batch.random((rows, wide)) < ROW_MIX, other, main).astype(np.int16)


def filled(boxes: int, wide: int, tiers: int) -> tuple[int, int]:
    """Count the full rows of a stack, and the containers in the row begun (each pile full or of the rest)."""
    full, rest = divmod(boxes, wide * tiers)
    return full, math.ceil(rest / tiers)


def stack_blocks(stack: Stack, yard: Strip, boxes: int, batch: np.random.Generator) -> list[Block]:
    """Set the containers of a yard down: full rows, then the row begun."""
    full, begun = filled(boxes, stack.wide, stack.tiers)
    rows = full + (begun > 0)
    if rows == 0:
        return []
    colours = box_colours(batch, max(stack.rows, rows), stack.wide)[:rows]
    if begun:
        colours[-1, begun:] = EMPTY
    length = rows * BOX_PITCH_M[0]
    x, y = yard.at(stack.along_m + length / 2)
    return [
        Block(
            Matter.CONTAINER, x, y, yard.heading_deg, length, stack.wide * BOX_PITCH_M[1],
            stack.tiers * BOX_M[2], colours,
        )
    ]  # fmt: skip


def stack_outline(stack: Stack, yard: Strip, boxes: int) -> BaseGeometry | None:
    """Ground covered by a stack, metres; None if there is none.

    The row begun counts for the width of its piles, as an outline drawn by hand would have it.
    """
    full, begun = filled(boxes, stack.wide, stack.tiers)
    if not full and not begun:
        return None
    pitch, wide = BOX_PITCH_M
    half = stack.wide * wide / 2
    a, b, c = stack.along_m, stack.along_m + full * pitch, stack.along_m + (full + 1) * pitch
    edge = begun * wide - half
    ring = [(a, -half), (b, -half), (b, half), (a, half)] if full else []
    if begun and full:
        ring = [(a, -half), (c, -half), (c, edge), (b, edge), (b, half), (a, half)]
    elif begun:
        ring = [(a, -half), (c, -half), (c, edge), (a, edge)]
    import shapely

    return shapely.Polygon([yard.at(*corner) for corner in ring])


def ship_blocks(ship: Ship, stay: Stay, boxes: int, batch: np.random.Generator) -> list[Block]:
    """Draw up a ship: hull with hatches, superstructure, gear, and what stands on deck."""
    turn = math.radians(stay.heading_deg)
    ax, ay = math.sin(turn), math.cos(turn)

    def on_board(
        matter: Matter, along: float, length: float, width: float, top: float, cells: Cells
    ) -> Block:
        share = along * ship.length_m
        return Block(
            matter, stay.x + share * ax, stay.y + share * ay, stay.heading_deg, length, width, top, cells
        )

    blocks = [hull_block(ship, stay)]
    length = min(BRIDGE_LENGTH_M, 0.16 * ship.length_m)
    blocks.append(
        on_board(
            Matter.SUPERSTRUCTURE, ship.bridge, length, 0.86 * ship.width_m, ship.bridge_m,
            solid(paint("bridge-white")),
        )
    )  # fmt: skip
    middle = FORWARD_DECK if ship.bridge > 0.2 else 0.0
    for k in range(ship.gear):
        place = middle + (k - (ship.gear - 1) / 2) * DECK_SHARE / max(ship.gear, 1)
        size = GEAR_M
        blocks.append(
            on_board(
                Matter.CRANE, place, size[0], size[1], ship.deck_m + size[2], solid(paint("crane-yellow"))
            )
        )
    wide, most = int((ship.width_m - 2) // BOX_PITCH_M[1]), int(DECK_SHARE * ship.length_m // BOX_PITCH_M[0])
    above = max(boxes - ship.hold, 0)
    if above and wide and most:
        tiers = min(max(math.ceil(above / (wide * most)), 2), DECK_TIERS)
        full, begun = filled(above, wide, tiers)
        rows = min(full + (begun > 0), most)
        colours = box_colours(batch, most, wide)[:rows]
        if begun and rows == full + 1:
            colours[-1, begun:] = EMPTY
        start = middle * ship.length_m - DECK_SHARE * ship.length_m / 2
        along = (start + rows * BOX_PITCH_M[0] / 2) / ship.length_m
        top = ship.deck_m + tiers * BOX_M[2]
        size_m = rows * BOX_PITCH_M[0], wide * BOX_PITCH_M[1]
        blocks.append(on_board(Matter.CONTAINER, along, *size_m, top, colours))
    return blocks


def hull_block(ship: Ship, stay: Stay) -> Block:
    """Draw up the hull alone: its deck with hatches."""
    deck = np.full((12, 5), ship.deck_colour, np.int16)
    deck[2:10:2, 1:4] = paint("hatch")
    size = ship.length_m, ship.width_m
    return Block(Matter.HULL, stay.x, stay.y, stay.heading_deg, *size, ship.deck_m, deck, True)


def deck_capacity(ship: Ship) -> int:
    """Most containers that a ship carries, below deck and on it."""
    wide, most = int((ship.width_m - 2) // BOX_PITCH_M[1]), int(DECK_SHARE * ship.length_m // BOX_PITCH_M[0])
    return ship.hold + wide * most * DECK_TIERS


def train_block(train: Train, bundle: Strip, boxes: int) -> Block:
    """Draw up a train: a row of cars with gaps, loaded from its head."""
    across = (train.track - (tracks_of(bundle) - 1) / 2) * TRACK_M
    length = train.cars * CAR_M[2]
    x, y = bundle.at(TRACK_END_M + length / 2, across)
    cells = np.full((train.cars * 14, 1), paint("wagon-brown"), np.int16)
    cells[13::14] = EMPTY  # the gap between two cars
    loaded = math.ceil(boxes / 2)
    for car in range(min(loaded, train.cars)):
        cells[car * 14 + 1 : car * 14 + 12] = BOXES[1]
    top = 1.3 + BOX_M[2] if loaded else 1.6
    return Block(Matter.RAIL_CAR, x, y, bundle.heading_deg, length, CAR_M[1], top, cells)


def cranes(port: Port, moment: datetime, seed: int) -> list[Block]:
    """Stand the quay cranes where they are that day: each within reach of its post."""
    found = []
    for quay in port.quays.values():
        for number in range(max(int(quay.length_m // CRANE_SPACING_M), 0)):
            way = generator(seed, "crane", port.site_id, quay.zone_id, number, moment.date().isoformat())
            post = (number + 0.5) * quay.length_m / int(quay.length_m // CRANE_SPACING_M)
            x, y = quay.at(post + way.uniform(-CRANE_WAY_M, CRANE_WAY_M), -CRANE_BACK_M)
            found.append(
                Block(
                    Matter.CRANE, x, y, quay.heading_deg, *CRANE_M, CRANE_HEIGHT_M,
                    _lattice(),
                )
            )  # fmt: skip
    return found


def _lattice() -> Cells:
    """Paint a crane seen from above: a frame that one sees the ground through."""
    cells = np.full((5, 5), EMPTY, np.int16)
    cells[::4, :] = cells[:, ::4] = cells[2, :] = paint("crane-yellow")
    return cells
