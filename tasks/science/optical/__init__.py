"""Vessels, clouds and empty places in optical images."""
