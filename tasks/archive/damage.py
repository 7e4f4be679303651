"""What is stored but cannot be read back as it was written."""

from __future__ import annotations

import icechunk

from tasks.errors import ArchiveError

DAMAGE = (ValueError, RuntimeError, OSError, IndexError, KeyError, icechunk.IcechunkError)
"""What a checksum that does not fit, or an object that is not there, raises on its way through Zarr."""


class DamagedError(ArchiveError):
    """A stored array that cannot be read back; the message names what it belongs to and what mends it."""


def first_line(fault: BaseException) -> str:
    """Say what a fault says, in one line."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:160]
