"""The ports that come with Roadstead, and the rules any site file must keep.

A site is one GeoJSON FeatureCollection: its ``name`` is the site's id, each feature is a zone.
Everything wrong with a file is found here, all at once and with its place, before an image is opened.
"""

from __future__ import annotations

from tasks.sites.check import check_features, check_file
from tasks.sites.load import bundled_sites, find_site, load_site, zones_digest
from tasks.sites.problem import Problem

__all__ = [
    "Problem",
    "bundled_sites",
    "check_features",
    "check_file",
    "find_site",
    "load_site",
    "zones_digest",
]
