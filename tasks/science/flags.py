"""What the flags of a look say: why a value is null, or what to think of one that is not."""

from __future__ import annotations

NOT_SEEN = "not_seen"
"""Too little of the zone was seen."""

NOT_MEASURED = "not_measured"
"""The sensor cannot carry the measure, or what it is compared with is not known."""

SNOW = "snow"
"""Snow hides the ground."""

NO_MEMORY = "no_memory"
"""The background is from too few scenes to tell a fixed object from a vessel that stays."""

THIN_MEMORY = "thin_memory"
"""There was little to compare with."""

LEVEL = "level"
"""The fill is a place on the yard's own scale, and no share of its ground."""

DISAGREE = "disagree"
"""Two readings of one berth differ by more than they err."""

ARTEFACT = "artefact"
"""The image held bright streaks that no ship can make; they were left out."""
