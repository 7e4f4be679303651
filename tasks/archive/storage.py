"""Where an archive lies: a local folder or a prefix of an S3 bucket, behind one small interface.

Settings of S3 come from the environment that every S3 client reads, so each process that touches the
archive needs it: the flow, and every Dask worker. Credentials never pass through here: obstore and Icechunk
each take them from the environment (or from the role of the machine) where they are used, so no object,
message or pickle holds one.

Icechunk tries a store that does not answer for 23 s and then says "dispatch failure". obstore can be told how
long to try and says why, so everything that can be asked without a repository is asked with it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import icechunk
import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from tasks.errors import ArchiveError, InputError, RoadsteadError

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, S3Config  # exist for type checkers only

DEFAULT_REGION = "us-east-1"
"""What S3 clients take where no region is set; stores other than AWS do not care."""

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Variables that name the store; the first one set is taken, as every S3 client does."""

PATIENCE = timedelta(seconds=8)
"""For one answer, and for all tries together: only lists and objects of a few bytes are asked for."""

RETRIES = 8
BACKOFF: BackoffConfig = {
    "init_backoff": timedelta(milliseconds=200),
    "max_backoff": timedelta(seconds=2),
    "base": 2,
}
"""Three to six seconds together: a store that is back by then (SeaweedFS: three, once killed) does not end
an ingest, and who mistypes an address does not wait long."""

ASKING_AT_ONCE = 8
"""Threads that ask a store; thousands of sites in turn, 20 ms each, would take a minute."""

_ADDRESS = "https://HOST or http://HOST:PORT"
_WANTED = "a local folder or s3://BUCKET/PREFIX"

_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]*)")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NETWORK = {
    "Connection refused": "connection refused",
    "dns error": "no such host",
    "InvalidContentType": "it does not speak TLS",
    "certificate": "its TLS certificate is not trusted",
    "imed out": "no answer in time",
    "TimedOut": "no answer in time",
}
"""What obstore's report of a failed request contains, and what that means."""


@dataclass(frozen=True)
class Place:
    """A folder of an archive, or one repository in it."""

    url: str
    """As the user gave it: a path, file:// or s3://bucket/prefix."""

    @property
    def local(self) -> Path | None:
        """The folder if it is local."""
        url = urlsplit(self.url)
        if url.scheme == "s3":
            return None
        return Path(url2pathname(url.path) if url.scheme == "file" else self.url)

    @property
    def bucket(self) -> str:
        """The bucket; empty for a local folder."""
        return urlsplit(self.url).netloc if self.local is None else ""

    @property
    def prefix(self) -> str:
        """The key below which everything lies, without slashes around; empty for a whole bucket."""
        return urlsplit(self.url).path.strip("/") if self.local is None else ""

    def child(self, name: str) -> Place:
        """Give the place of that name directly below."""
        name = quote(name) if urlsplit(self.url).scheme == "file" else name
        return Place(f"{self.url.rstrip('/')}/{name}")


def check_place(url: str) -> None:
    """Refuse what cannot hold an archive, before anything is read.

    Raises
    ------
    InputError
        For a scheme that is neither local nor S3, a bucket or key that S3 does not take, a file:// URL
        with a host, or credentials in the URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError as fault:
        raise InputError(f"archive is no path or URL: {fault}; {_WANTED} is needed") from fault
    if parts.scheme not in ("", "file", "s3"):
        raise InputError(
            f"archive {parts.scheme}://{_host(url)}: {parts.scheme} is not supported; {_WANTED} is needed"
        )
    if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        raise InputError(f"archive {url}: {parts.netloc} is read as a host; write file:///ABSOLUTE/PATH")
    if parts.scheme == "s3":
        _check_s3(url)


def _check_s3(url: str) -> None:
    place = Place(url)
    if "@" in place.bucket or "?" in url or "#" in url:
        raise InputError(
            f"archive s3://{_host(url)}: only a bucket and a prefix belong in the URL; "
            "credentials go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if not 3 <= len(place.bucket) <= 63:
        raise InputError(
            f"archive {url}: {place.bucket!r} is no bucket; "
            "s3://BUCKET/PREFIX with a bucket of 3 to 63 characters is needed"
        )
    if place.prefix and {"", ".", ".."} & set(place.prefix.split("/")):
        raise InputError(f"archive {url}: a prefix has no empty, '.' or '..' parts")


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def is_there(place: Place) -> bool:
    """Whether any file or object lies below a place.

    Raises
    ------
    InputError
        If there is no such bucket.
    ArchiveError
        If the store does not answer, or refuses the credentials.
    """
    if (folder := place.local) is not None:
        return any(path.is_file() for path in folder.rglob("*"))
    with _asking(place):
        return next(iter(obstore.list(_store(place), chunk_size=1)), None) is not None


def children(place: Place) -> list[str]:
    """Names of the folders directly below a place that hold something, sorted; raises as `is_there` does."""
    if (folder := place.local) is not None:
        names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    else:
        with _asking(place):
            common = obstore.list_with_delimiter(_store(place))["common_prefixes"]
        names = [key.rstrip("/").rpartition("/")[2] for key in common]
    # SeaweedFS goes on to list folders that were emptied.
    with ThreadPoolExecutor(ASKING_AT_ONCE) as threads:
        held = list(threads.map(lambda name: is_there(place.child(name)), names))
    return sorted(name for name, something in zip(names, held, strict=True) if something)


def remove(place: Place) -> None:
    """Remove everything below a place, and the folder itself; raises as `is_there` does."""
    if (folder := place.local) is not None:
        if folder.exists():
            shutil.rmtree(folder)
        return
    with _asking(place):
        store = _store(place)
        obstore.delete(store, [one["path"] for batch in obstore.list(store) for one in batch])


def icechunk_storage(place: Place) -> Any:
    """Give Icechunk's storage of one repository; nothing is asked of it yet."""
    if (folder := place.local) is not None:
        return icechunk.local_filesystem_storage(str(folder))
    endpoint, region = s3_settings()
    return icechunk.s3_storage(
        bucket=place.bucket,
        prefix=place.prefix,
        region=region,
        endpoint_url=endpoint,
        allow_http=bool(endpoint and endpoint.startswith("http://")),
        force_path_style=endpoint is not None,  # nobody serves names of buckets on own hosts but AWS
        from_env=True,
    )


def require_conditional_writes(place: Place) -> None:
    """Refuse an object store on which two commits could overwrite one another.

    Writes a small object below the place under conditions that must fail, and removes it; a store that
    passed is not asked again by this process. A local folder passes at once: a file lock guards it.

    Raises
    ------
    InputError
        If the store accepts what it should have refused, or knows no conditions; also as `is_there`.
    ArchiveError
        As `is_there`.
    """
    if place.local is None:
        _probe(place, s3_settings())


@cache
def _probe(place: Place, _settings: tuple[str | None, str]) -> None:
    is_there(place)  # SeaweedFS makes a bucket that is written to
    store, name = _store(place), f"conditions-{os.urandom(8).hex()}"
    with _asking(place):
        try:
            accepted = _accepted(store, name)
        except BaseError as fault:
            if "status code: 501" not in str(fault):
                raise
            accepted = "it answers 501 Not Implemented"
        finally:
            with suppress(BaseError, FileNotFoundError):  # who may not delete leaves a few bytes
                obstore.delete(store, name)
    if accepted:
        raise InputError(
            f"{place.url} ignores conditional writes ({accepted}): two commits could overwrite one another; "
            "use a store that honours them (AWS S3, SeaweedFS, MinIO)"
        )


def _accepted(store: S3Store, name: str) -> str:
    first = obstore.put(store, name, b"first", mode="create")
    with suppress(AlreadyExistsError, PreconditionError):
        obstore.put(store, name, b"second", mode="create")
        return "a second If-None-Match: * was accepted"
    stale: Any = {"e_tag": first["e_tag"]}
    obstore.put(store, name, b"third", mode=stale)
    with suppress(PreconditionError):
        obstore.put(store, name, b"fourth", mode=stale)
        return "an If-Match of an old ETag was accepted"
    return ""


def s3_settings() -> tuple[str | None, str]:
    """Read endpoint (None for AWS itself) and region from the environment.

    Raises
    ------
    InputError
        If the endpoint is empty or no http(s) URL.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    given = {name: os.environ[name] for name in ENDPOINTS if name in os.environ}
    name, endpoint = next(((n, url) for n, url in given.items() if url), ("", ""))
    if given and not endpoint:  # both clients would take the empty text for an address; one panics
        raise InputError(f"{' and '.join(given)} is empty; unset it for AWS itself, or give {_ADDRESS}")
    parts = urlsplit(endpoint)
    if endpoint and (parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc):
        raise InputError(f"{name} is no address of a store; {_ADDRESS} is needed")
    return endpoint.rstrip("/") or None, region


def _store(place: Place) -> S3Store:
    endpoint, region = s3_settings()
    config: S3Config = {"region": region}
    if endpoint:
        config["aws_endpoint_url_s3"] = endpoint
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=config,
        client_options={
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
            "connect_timeout": timedelta(seconds=3),
            "timeout": PATIENCE,
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE, "backoff": BACKOFF},
    )


@contextmanager
def _asking(place: Place) -> Iterator[None]:
    try:
        yield
    except (BaseError, FileNotFoundError) as fault:
        raise _explained(place, str(fault)) from fault


def _explained(place: Place, fault: str) -> RoadsteadError:
    """Say what obstore's report of many lines means, in one."""
    endpoint, region = s3_settings()
    store = endpoint or f"AWS S3 ({region})"
    status = found.group(1).strip() if (found := _STATUS.search(fault)) else ""
    code = found.group(1) if (found := _CODE.search(fault)) else ""
    if "//169.254." in fault:  # asked the machine for its role, as the last resort
        return ArchiveError(
            f"archive {place.url}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if code == "NoSuchBucket":
        return InputError(f"archive {place.url}: there is no bucket {place.bucket} at {store}; make it first")
    if status.startswith(("301", "307")) or code == "AuthorizationHeaderMalformed":
        return InputError(
            f"archive {place.url}: bucket {place.bucket} is not in region {region}; set AWS_REGION"
        )
    if status.startswith(("401", "403")):
        return ArchiveError(
            f"archive {place.url}: {store} refuses the credentials ({code or status}); "
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        )
    if status:
        return ArchiveError(f"archive {place.url}: {store} answers {status}{f' ({code})' if code else ''}")
    reason = next((said for sign, said in _NETWORK.items() if sign in fault), "the request failed")
    return ArchiveError(
        f"archive {place.url}: {store} does not answer ({reason}); "
        "check AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL"
    )
