"""What every published table and column means: one sentence each, with its unit and what null means.

Written into the Parquet files, beside the CSV files and into the STAC items, so that a table explains itself
wherever it is carried. Times are UTC. Null is never 0: it says that the number could not be told.
"""

from __future__ import annotations

TABLES = {
    "looks": "One row per scene and zone: what one image told of one zone, and how much of it was seen.",
    "vessels": "One row per vessel seen in one scene: point, oriented outline, length with its error.",
    "stacks": "One row per outline in a yard in one scene: goods that stood there, or ground not seen.",
    "utilisation": "One row per zone (* for the whole site) and week or month, with intervals and looks.",
    "regimes": "One row per zone (* for the whole site), measure and regime: levels and when they changed.",
    "balance": "One row per visit of a ship and yard near its berth: what came and went meanwhile.",
    "stays": "One row per stay of a ship at a berth, bracketed by the looks before and after it.",
    "voyages": "One row per likely voyage between two ports: the stays it links, and how sure that is.",
}
"""Tables that a publication may hold."""

_SCENE = {
    "site": "Id of the site.",
    "scene_id": "Id of the image, as its catalogue has it; of a pass of several tiles all ids, joined by +.",
    "collection": "Collection that the image is from.",
    "sensor": "What took the image: radar or optical; null where it was not noted.",
    "acquired": "Start of the acquisition, UTC.",
}
_ZONE = {
    "zone_id": "Id of the zone in the site's file.",
    "zone_kind": "Kind of the zone: harbour_water, anchorage, berth, pier, container_yard or rail_yard.",
}


def _share(what: str, unit: str = "0 to 1") -> tuple[str, str, str, str]:
    return (
        f"{what}, mean over the period's looks, {unit}; null if no look could tell.",
        f"{what}, lower end of the 90 % interval, {unit}; null if no look could tell.",
        f"{what}, upper end of the 90 % interval, {unit}; null if no look could tell.",
        f"Looks that could tell: {what[0].lower()}{what[1:]}; null where this is not measured in the zone.",
    )


def _ends(name: str, what: str) -> dict[str, str]:
    return dict(zip((f"{name}_{end}" for end in ("mean", "low", "high", "looks")), _share(what), strict=True))


COLUMNS: dict[str, dict[str, str]] = {
    "looks": _SCENE
    | _ZONE
    | {
        "pixel_m": "Pixel of the image, metres.",
        "seen_fraction": "Share of the zone that the look saw (inside the image, not under cloud), 0 to 1.",
        "vessel_count": "Vessels in the zone: on water those lying freely, at a berth at least those "
        "alongside; null where they could not be told.",
        "vessel_length_m": "Summed length of those vessels, metres; null where it could not be told.",
        "occupied_m": "Metres of the berth that ships take; null off the berths and where it was not told.",
        "occupied_fraction": "Share of the berth's metres seen that ships take, 0 to 1; null as occupied_m.",
        "fill_fraction": "Share of a yard's ground under stacks, 0 to 1, or, with the flag level, its place "
        "on the yard's own scale; null off the yards and where it could not be told.",
        "stack_area_m2": "Ground under stacks, square metres; null off the yards and at pixels over 5 m.",
        "gained_m2": "Ground that stacks took up since the zone's previous clear look, square metres; null "
        "as stack_area_m2, and without such a look.",
        "lost_m2": "Ground that stacks left since the zone's previous clear look, square metres; null as "
        "gained_m2.",
        "teu_low": "Fewest 20-foot containers that such stacks hold, 1 tier; null as stack_area_m2.",
        "teu_high": "Most 20-foot containers that such stacks hold, 5 tiers; null as stack_area_m2.",
        "rail_occupied_m": "Metres of track under rail cars; null off the tracks and where it was not told.",
        "rail_cars_low": "Fewest rail cars of that length; null as rail_occupied_m.",
        "rail_cars_high": "Most rail cars of that length; null as rail_occupied_m.",
        "change_fraction": "Share of the zone that changed since its previous clear look beyond light and "
        "shift, 0 to 1; null without such a look.",
        "change_energy": "Mean squared difference from the previous clear look beyond light, shift and "
        "noise: reflectance squared, or of radar spreads of speckle squared; null as change_fraction.",
        "change_explained": "Share of the difference from the previous clear look that light and shift "
        "explain, 0 to 1; null as change_fraction.",
        "baseline_change_fraction": "Share of the zone that differs from its empty background, 0 to 1; null "
        "where no background is known.",
        "flags": "Words that say why a number is null or what to think of it (not_seen, not_measured, snow, "
        "no_memory, thin_memory, level, disagree, artefact), joined by commas; empty if there is none.",
    },
    "vessels": _SCENE
    | {
        "zone_id": "Id of the zone that the vessel lies in.",
        "longitude": "Longitude of the vessel's middle, degrees east, WGS 84.",
        "latitude": "Latitude of the vessel's middle, degrees north, WGS 84.",
        "length_m": "Length, metres.",
        "length_sd_m": "Standard error of the length, metres.",
        "width_m": "Width, metres; null where the pixels are too coarse to tell.",
        "width_sd_m": "Standard error of the width, metres; null as width_m.",
        "heading_deg": "Hull's direction, degrees clockwise from north, 0 to 180: bow and stern look alike.",
        "score": "Peak of the vessel above the surroundings, in spreads of the surroundings.",
        "evidence": "Picture of the vessel in evidence/; null if none was cut.",
        "outline": "Oriented box of the hull, WKB polygon, WGS 84.",
        "geometry": "Middle of the vessel, WKB point, WGS 84.",
        "bbox": "Bounds of geometry: xmin, ymin, xmax, ymax, degrees.",
    },
    "stacks": _SCENE
    | {
        "zone_id": "Id of the yard that the outline lies in.",
        "what": "What the outline is: stack (goods), or hidden (ground that the look did not see).",
        "area_m2": "Area of the outline, square metres.",
        "geometry": "Outline, WKB polygon, WGS 84.",
        "bbox": "Bounds of geometry: xmin, ymin, xmax, ymax, degrees.",
    },
    "utilisation": {
        "site": "Id of the site.",
        "zone_id": "Id of the zone in the site's file; * for the site as a whole.",
        "zone_kind": f"{_ZONE['zone_kind'][:-1]}; site for the whole site.",
        "period": "Kind of period: week (from Monday) or month.",
        "start": "First day of the period, UTC.",
        "end": "First day after the period, UTC.",
        "looks": "Looks taken in the period.",
        "looks_seen": "Looks that saw enough of the zone to tell; the denominator of the row's means.",
        "seen_fraction": "Mean share of the zone that the looks saw, 0 to 1; null without a look.",
        "vessels_mean": "Vessels per look that could tell, mean; null if none could.",
        "vessels_low": "Lower end of the 90 % interval of vessels_mean; null as vessels_mean.",
        "vessels_high": "Upper end of the 90 % interval of vessels_mean; null as vessels_mean.",
        "vessels_max": "Most vessels seen at once; null as vessels_mean.",
        **_ends("occupancy", "Share of the quay's metres that ships take"),
        "occupancy_period": "Period that occupancy is told for: longer where the looks carry no shorter one; "
        "null where none is told.",
        **_ends("fill", "Share of the yards' ground under stacks, or their level"),
        **_ends("rail", "Share of the tracks' metres under rail cars"),
        "gained_m2": "Ground that stacks took up, square metres, summed over looks: at least so much; null "
        "if no look could tell.",
        "lost_m2": "Ground that stacks left, square metres, summed over looks: at least so much; null as "
        "gained_m2.",
        "calls_at_least": "Ships that surely arrived at a quay; null without two looks to compare.",
        "calls_at_most": "Ships that can have arrived at a quay; null where nothing bounds them.",
        "index": "Utilisation of the site, 0 to 100, from the parts in index_of; null for single zones and "
        "where a part is missing.",
        "index_low": "Lower end of the 90 % interval of index; null as index.",
        "index_high": "Upper end of the 90 % interval of index; null as index.",
        "index_of": "Parts that the index is made of, joined by +; null for single zones.",
    },
    "regimes": {
        "zone_id": "Id of the zone; * for the site as a whole.",
        "measure": "What is measured: vessels_at_berth, or the name of the measure's column.",
        "state": "What the regime is called: dormant, active or paused.",
        "start": "Most likely start of the regime, UTC; of a first regime the first look.",
        "start_low": "Look after which it began with 90 %, UTC; null for a first regime.",
        "start_high": "Look before which it began with 90 %, UTC; null for a first regime.",
        "end": "Most likely end, UTC; null while it lasts.",
        "level": "Mean of the measure during the regime, in its own unit per look.",
        "level_low": "Lower end of the 90 % interval of level; null where there is none.",
        "level_high": "Upper end of the 90 % interval of level; null where there is none.",
        "probability": "Probability that the change that began it is real, 0 to 1; null for a first regime.",
        "status": "How settled it is: provisional (looks may still undo it) or confirmed.",
        "knowable_on": "Look from which on it could have been known, UTC; null for a first regime.",
    },
    "balance": {
        "site": "Id of the site.",
        "berth_id": "Id of the berth.",
        "first_seen": "First look that saw the ship there, UTC.",
        "last_seen": "Last look that saw the ship there, UTC.",
        "free_before": "Last look before that saw the berth free, UTC; null if none did.",
        "free_after": "First look after that saw the berth free, UTC; null if none has yet.",
        "vessel_length_m": "Length of the ship, metres; null where no look could tell.",
        "yard_id": "Id of the yard.",
        "distance_m": "From the berth to the yard, metres.",
        "lost_m2": "Ground that goods left in the yard meanwhile, square metres: at least so much.",
        "lost_teu_low": "Fewest 20-foot containers on that ground, 1 tier.",
        "lost_teu_high": "Most 20-foot containers on that ground, 5 tiers.",
        "gained_m2": "Ground that goods took up in the yard meanwhile, square metres: at least so much.",
        "gained_teu_low": "Fewest 20-foot containers on that ground, 1 tier.",
        "gained_teu_high": "Most 20-foot containers on that ground, 5 tiers.",
        "looks": "Looks at the yard that this rests on.",
        "flags": "open where one end of the visit was not seen; empty otherwise.",
    },
    "stays": {
        "site": "Id of the site.",
        "zone_id": "Id of the berth.",
        "arrive_low": "Last look before the stay that saw the berth without the ship, UTC; null if none did.",
        "arrive_high": "First look that saw the ship there, UTC.",
        "leave_low": "Last look that saw the ship there, UTC.",
        "leave_high": "First look after that saw the berth without the ship, UTC; null if none has yet.",
        "came_by": "Look by which the ship seen last had come, with 95 %: later than arrive_high where "
        "two ships may pass for one, UTC.",
        "left_from": "Look until which the ship seen first had not left, with 95 %: earlier than leave_low "
        "where two ships may pass for one, UTC.",
        "looks": "Looks that saw the ship there.",
        "length_m": "Length of the ship, metres; null where no look could tell.",
        "length_sd_m": "Standard error of the length, metres; null as length_m.",
        "width_m": "Width of the ship, metres; null where the pixels are too coarse to tell.",
        "width_sd_m": "Standard error of the width, metres; null as width_m.",
        "probability": "Probability that one ship lay there all the while, 0 to 1.",
        "real_probability": "Probability that a ship lay there at all, 0 to 1.",
        "continues_probability": "Probability that it is no new stay but the one before it there, 0 to 1.",
        "status": "How settled it is: open until looks surely saw the berth without the ship.",
        "knowable_on": "Look by which it was known, UTC; null while it is open.",
        "scenes": "Ids of the looks that show it, then of those that bracket it, joined by spaces.",
    },
    "voyages": {
        "origin": "Id of the site that the ship left.",
        "destination": "Id of the site that it reached.",
        "origin_berth": "Id of the berth that it left.",
        "destination_berth": "Id of the berth that it reached.",
        "leave_low": "Last look that saw it at the origin, UTC.",
        "leave_high": "First look that saw its berth there without it, UTC; null if none has yet.",
        "arrive_low": "Last look that saw its berth at the destination without it, UTC; null if none did.",
        "arrive_high": "First look that saw it at the destination, UTC.",
        "origin_length_m": "Length at the origin, metres.",
        "origin_length_sd_m": "Standard error of that length, metres.",
        "destination_length_m": "Length at the destination, metres.",
        "destination_length_sd_m": "Standard error of that length, metres.",
        "probability": "Probability that the two stays are of one ship, 0 to 1.",
        "prompt_probability": "Probability that they are, and that it sailed straight, 0 to 1.",
        "candidates": "Stays that either end could be linked to.",
        "named": "Whether the link may be told as the likeliest.",
        "knowable_on": "Look from which on it could have been known, UTC.",
        "scenes": "Ids of the looks that it rests on, joined by spaces.",
    },
}
"""Column to its meaning, by table; a table that gains a column gains a sentence here."""


def meaning(table: str, column: str) -> str:
    """Say what a column means; empty where nothing is written down."""
    return COLUMNS.get(table, {}).get(column, "")
