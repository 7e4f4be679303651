"""Arrays in, arrays out: radiometry, detection, backgrounds, zone measures, inference.

No files, no network, no clock, no Prefect. Lazy in, lazy out; random numbers and times are
arguments.
"""

MEASURE_VERSION = "7"
"""Part of every look's recipe: raise it whenever the same pixels would give other numbers."""
