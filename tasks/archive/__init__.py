"""The image memory: one Icechunk repository per site, one group per collection.

Knows Zarr and Icechunk. Knows nothing of catalogues or detectors: how a scene is read, and what
is done with a block of pixels, are handed in as functions.
"""
