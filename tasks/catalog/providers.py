"""Catalogues that have a name: where they are, what is taken from them, how their files are reached.

Band names, scales and offsets are not here: `records` and `optical` read them from any provider's items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from tasks.catalog.signing import PLANETARY_COMPUTER, Signer


@dataclass(frozen=True)
class Provider:
    """One catalogue and what is taken from it unless collections are named."""

    name: str
    url: str
    collections: tuple[str, ...]


PROVIDERS = (
    Provider(
        "planetary-computer",
        "https://planetarycomputer.microsoft.com/api/stac/v1",
        ("sentinel-1-rtc", "sentinel-2-l2a"),
    ),
    # Collection 1 is the reprocessed archive; from 2015 on, but without the newest weeks of some tiles.
    Provider("earth-search", "https://earth-search.aws.element84.com/v1", ("sentinel-2-l2a",)),
    # Sentinel-1 GRD has ground control points and no CRS, Sentinel-2 is JPEG 2000: scenes of both are listed,
    # and left out with that reason, until a reader for them exists.
    Provider("cdse", "https://stac.dataspace.copernicus.eu/v1", ("sentinel-1-grd", "sentinel-2-l2a")),
)


@dataclass(frozen=True)
class Store:
    """An S3 store that wants keys of its own."""

    endpoint: str
    """Host, or host:port."""

    region: str
    keys: str
    """Where a user gets keys."""

    https: bool = True


PUBLIC_BUCKETS: Mapping[str, str] = MappingProxyType(
    {
        "sentinel-cogs": "https://sentinel-cogs.s3.us-west-2.amazonaws.com",
        "e84-earth-search-sentinel-data": "https://e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com",
        "sentinel-s1-rtc-indigo": "https://sentinel-s1-rtc-indigo.s3.us-west-2.amazonaws.com",
    }
)
"""Buckets that anybody may read, by plain HTTPS: no keys, no signing."""

STORES: Mapping[str, Store] = MappingProxyType(
    {
        "eodata": Store(
            "eodata.dataspace.copernicus.eu",
            "default",
            "https://documentation.dataspace.copernicus.eu/APIs/S3.html",
        )
    }
)
"""Buckets outside Amazon."""


@dataclass(frozen=True)
class Access:
    """How files are reached: an argument, so that tests can have loopback in the place of the world."""

    signer: Signer = PLANETARY_COMPUTER
    public: Mapping[str, str] = field(default_factory=lambda: PUBLIC_BUCKETS)
    stores: Mapping[str, Store] = field(default_factory=lambda: STORES)

    def url(self, href: str) -> str:
        """Give the URL by which a file is read: signed where it must be, plain HTTPS for public buckets."""
        parts = urlsplit(href)
        if parts.scheme == "s3" and parts.netloc in self.public:
            return f"{self.public[parts.netloc]}{quote(parts.path)}"
        return self.signer.sign(href)

    def s3_options(self, href: str) -> dict[str, str]:
        """GDAL's options for a bucket; keys, and the endpoint of unknown ones, are the environment's."""
        store = self.stores.get(urlsplit(href).netloc)
        if store is None:
            return {}
        return {
            "AWS_S3_ENDPOINT": store.endpoint,
            "AWS_REGION": store.region,
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_HTTPS": "YES" if store.https else "NO",
        }

    def how_to_get_keys(self, href: str) -> str:
        """Say what an S3 URL needs that was refused."""
        store = self.stores.get(urlsplit(href).netloc)
        where = f"; get them at {store.keys}" if store else ""
        return f"it needs keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY{where}"


ACCESS = Access()


def provider(ref: str) -> Provider | None:
    """Find a catalogue by its name."""
    return next((one for one in PROVIDERS if one.name == ref), None)
