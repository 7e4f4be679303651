"""Object stores that tests of the flows share; each starts when the first test asks for it."""

from __future__ import annotations

from tests.archive.stores import moto, rclone

__all__ = ["moto", "rclone"]
