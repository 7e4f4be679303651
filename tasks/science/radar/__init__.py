"""Vessels and berths in radar images."""
