"""The image memory: one Icechunk repository per site, one group per collection.

Knows Zarr and Icechunk. Knows nothing of catalogues or detectors: how a scene is read, and what
is done with a block of pixels, are handed in as functions.
"""

import os

os.environ.setdefault("ICECHUNK_LOG", "error")  # its warning about local disk is answered by our lock
