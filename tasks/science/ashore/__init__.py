"""Yards and tracks: what stands on the ground of a port."""
