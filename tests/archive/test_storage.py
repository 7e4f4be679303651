from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import pytest
import zarr

from tasks.archive import storage
from tasks.archive.storage import (
    Place,
    check_place,
    children,
    icechunk_storage,
    is_there,
    remove,
    require_conditional_writes,
    s3_settings,
)
from tasks.errors import ArchiveError, InputError, RoadsteadError
from tests.archive.stores import KEY, SECRET, StoreServer, free_ports, use

SPAWN = multiprocessing.get_context("spawn")
BUCKETS = iter(range(1_000))


@pytest.fixture
def bucket(moto: StoreServer, monkeypatch: pytest.MonkeyPatch) -> str:
    use(monkeypatch, moto.env)
    return moto.bucket(f"bucket-{next(BUCKETS)}")


@pytest.fixture(params=["folder", "file url", "s3", "s3 below a prefix"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An archive that holds nothing yet."""
    folder = tmp_path / "an archive"
    if request.param == "folder":
        return Place(str(folder))
    if request.param == "file url":
        return Place(folder.as_uri())
    bucket = request.getfixturevalue("bucket")
    return Place(bucket if request.param == "s3" else f"{bucket}/an archive/of=ours/")


def put_number(place: Place, number: int) -> str:
    """Commit one number; make the repository if needed."""
    repository = icechunk.Repository.open_or_create(icechunk_storage(place))
    session = repository.writable_session("main")
    zarr.create_array(session.store, name="n", shape=(1,), dtype="i8", overwrite=True)[:] = number
    return str(session.commit(f"put {number}"))


def number(place: Place, snapshot: str | None = None) -> int:
    repository = icechunk.Repository.open(icechunk_storage(place))
    session = repository.readonly_session(**({"snapshot_id": snapshot} if snapshot else {"branch": "main"}))
    array: Any = zarr.open_array(session.store, path="n", mode="r")
    return int(np.asarray(array[:])[0])


def put_in_own_process(place: Place) -> None:
    put_number(place, 9)


def test_a_repository_goes_round(home: Place) -> None:
    place = home.child("tiny.icechunk")
    first = put_number(place, 1)
    put_number(place, 2)
    assert number(place) == 2
    assert number(place, first) == 1


def test_places_below(home: Place) -> None:
    assert not is_there(home)
    assert children(home) == []
    for name in ("tiny.icechunk", "tiny", "other one"):
        assert not is_there(home.child(name))
        put_number(home.child(name), 1)
        assert is_there(home.child(name))
    assert is_there(home)
    assert children(home) == ["other one", "tiny", "tiny.icechunk"]
    assert "snapshots" in children(home.child("tiny"))


def test_removing_spares_neighbours(home: Place) -> None:
    for name in ("tiny.icechunk", "tiny"):
        put_number(home.child(name), 1)
    remove(home.child("tiny"))
    remove(home.child("never there"))
    assert children(home) == ["tiny.icechunk"]
    assert not is_there(home.child("tiny"))
    assert number(home.child("tiny.icechunk")) == 1


def test_files_and_empty_folders_are_no_children(tmp_path: Path) -> None:
    (tmp_path / "empty" / "within").mkdir(parents=True)
    (tmp_path / "tiny.lock").touch()
    assert children(Place(str(tmp_path))) == []
    assert not is_there(Place(str(tmp_path / "empty")))


def test_a_place_crosses_processes(home: Place) -> None:
    place = home.child("tiny.icechunk")
    assert hash(pickle.loads(pickle.dumps(place))) == hash(place)
    process = SPAWN.Process(target=put_in_own_process, args=(place,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert number(place) == 9


def test_what_a_url_names(tmp_path: Path) -> None:
    assert Place(str(tmp_path)).local == tmp_path
    assert Place((tmp_path / "ä b").as_uri()).child("c d").local == tmp_path / "ä b" / "c d"
    assert Place("here").child("tiny").local == Path("here/tiny")
    place = Place("s3://bucket/a/b/").child("tiny")
    assert (place.local, place.bucket, place.prefix) == (None, "bucket", "a/b/tiny")
    assert Place("s3://bucket").child("tiny").prefix == "tiny"


@pytest.mark.parametrize(
    "url", ["here", "/a/b", "a folder", "file:///a/b", "s3://bucket", "s3://bucket/", "s3://bucket/a/b=c/"]
)
def test_places_that_can_hold_an_archive(url: str) -> None:
    check_place(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://bucket/x", "archive gs://bucket: gs is not supported; a local folder or s3://BUCKET/PREFIX"),
        ("https://me:s3cret@host/x?sig=s3cret", "archive https://host: https is not supported"),
        ("s3://", "'' is no bucket; s3://BUCKET/PREFIX with a bucket of 3 to 63 characters is needed"),
        ("s3:bucket/x", "'' is no bucket"),
        ("s3://ab/x", "'ab' is no bucket"),
        ("s3://[bucket]/x", "archive is no path or URL: .*; a local folder or s3://BUCKET/PREFIX is needed"),
        (
            "s3://me:s3cret@bucket/x",
            "archive s3://bucket: only a bucket and a prefix belong in the URL; cred",
        ),
        ("s3://bucket/x?key=s3cret", "archive s3://bucket: only a bucket and a prefix"),
        ("s3://bucket/a//b", "a prefix has no empty, '.' or '..' parts"),
        ("s3://bucket/../b", "a prefix has no empty, '.' or '..' parts"),
        ("file://here/x", "archive file://here/x: here is read as a host; write file:///ABSOLUTE/PATH"),
    ],
)
def test_places_that_cannot(url: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_place(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ({}, (None, "us-east-1")),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, (None, "eu-west-1")),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-north-1"}, (None, "eu-north-1")),
        ({"AWS_ENDPOINT_URL": "http://h:1/"}, ("http://h:1", "us-east-1")),
        ({"AWS_ENDPOINT_URL": "http://h:1", "AWS_ENDPOINT_URL_S3": "https://s"}, ("https://s", "us-east-1")),
        ({"AWS_ENDPOINT_URL": "http://h:1", "AWS_ENDPOINT_URL_S3": ""}, ("http://h:1", "us-east-1")),
    ],
)
def test_settings_are_those_of_every_s3_client(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], settings: tuple[str | None, str]
) -> None:
    use(monkeypatch, env)
    assert s3_settings() == settings


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("", "AWS_ENDPOINT_URL is empty; unset it for AWS itself, or give https://HOST or http://HOST:PORT"),
        ("localhost:8333", "AWS_ENDPOINT_URL is no address of a store; https://HOST or http://HOST:PORT"),
        ("http://me:s3cret@host", "AWS_ENDPOINT_URL is no address of a store"),
    ],
)
def test_endpoints_that_are_none(monkeypatch: pytest.MonkeyPatch, endpoint: str, message: str) -> None:
    use(monkeypatch, {"AWS_ENDPOINT_URL": endpoint})
    with pytest.raises(InputError, match=message) as caught:
        is_there(Place("s3://bucket/x"))
    assert "s3cret" not in str(caught.value)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of patience are for stores that come back."""
    monkeypatch.setattr(storage, "RETRIES", 1)


Question = Callable[[Place], object]
QUESTIONS = pytest.mark.parametrize("ask", [is_there, children, remove, require_conditional_writes])


def refusal(kind: type[RoadsteadError], ask: Question, place: Place) -> str:
    """The one line of an error, which must keep the secret even where it tells all it knows."""
    with pytest.raises(kind) as caught:
        ask(place)
    assert type(caught.value) is kind
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("impatient")
@QUESTIONS
def test_a_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, ask: Question) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": endpoint})
    assert refusal(ArchiveError, ask, Place("s3://bucket/x")) == (
        f"archive s3://bucket/x: {endpoint} does not answer (connection refused); "
        "check AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL"
    )


S3_ENV = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.mark.usefixtures("impatient")
def test_a_store_that_never_says_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "PATIENCE", timedelta(seconds=0.5))
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as deaf:
        use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{deaf.getsockname()[1]}"})
        assert "does not answer (no answer in time)" in refusal(ArchiveError, is_there, Place("s3://bucket"))


@pytest.mark.usefixtures("impatient")
def test_a_store_without_tls(moto: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": moto.endpoint.replace("http:", "https:")})
    assert "does not answer (it does not speak TLS)" in refusal(ArchiveError, is_there, Place("s3://bucket"))


@QUESTIONS
def test_no_such_bucket(moto: StoreServer, monkeypatch: pytest.MonkeyPatch, ask: Question) -> None:
    use(monkeypatch, moto.env)
    assert refusal(InputError, ask, Place("s3://nobodys/x")) == (
        f"archive s3://nobodys/x: there is no bucket nobodys at {moto.endpoint}; make it first"
    )


WRONG = pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"AWS_ACCESS_KEY_ID": "somebody-else"}, "InvalidAccessKeyId"),
        ({"AWS_SECRET_ACCESS_KEY": "mistyped"}, "SignatureDoesNotMatch"),
    ],
)


@WRONG
@QUESTIONS
def test_wrong_credentials(
    rclone: StoreServer, monkeypatch: pytest.MonkeyPatch, ask: Question, wrong: dict[str, str], reason: str
) -> None:
    use(monkeypatch, rclone.env | wrong)
    message = refusal(ArchiveError, ask, Place("s3://bucket/x"))
    assert message == (
        f"archive s3://bucket/x: {rclone.endpoint} refuses the credentials ({reason}); "
        "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    )
    assert not any(value in message for value in wrong.values())


def test_nothing_made_for_a_repository_holds_the_secret(bucket: str) -> None:
    place = Place(f"{bucket}/tiny.icechunk")
    put_number(place, 1)
    session = icechunk.Repository.open(icechunk_storage(place)).readonly_session("main")
    for one in (place, session):
        assert SECRET.encode() not in pickle.dumps(one)
    assert SECRET not in repr((place, icechunk_storage(place), session))


def test_a_local_folder_needs_no_conditional_writes(tmp_path: Path) -> None:
    require_conditional_writes(Place(str(tmp_path / "not there")))
    assert list(tmp_path.iterdir()) == []


def test_conditional_writes_are_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    puts: list[str] = []
    with half_store("whole", puts) as endpoint:
        use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": endpoint})
        for _ in range(2):
            require_conditional_writes(Place("s3://whole/archive"))
    assert len(puts) == 4
    assert puts[0].startswith("/whole/archive/")


def test_the_probe_leaves_nothing(bucket: str) -> None:
    require_conditional_writes(Place(bucket))
    assert not is_there(Place(bucket))


def test_a_store_that_ignores_conditions(rclone: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, rclone.env)
    place = Place(f"{rclone.bucket('careless')}/archive")
    for _ in range(2):  # a refusal is not remembered: the store may have been mended
        assert refusal(InputError, require_conditional_writes, place) == (
            "s3://careless/archive ignores conditional writes (a second If-None-Match: * was accepted): "
            "two commits could overwrite one another; "
            "use a store that honours them (AWS S3, SeaweedFS, MinIO)"
        )
    assert not is_there(Place("s3://careless"))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [("forgetful", "an If-Match of an old ETag was accepted"), ("old", "it answers 501 Not Implemented")],
)
def test_stores_that_honour_half_of_it(kind: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with half_store(kind) as endpoint:
        use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": endpoint})
        assert reason in refusal(InputError, require_conditional_writes, Place(f"s3://{kind}"))


@pytest.mark.usefixtures("impatient")
def test_a_store_in_another_region_or_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with half_store("elsewhere") as endpoint:
        use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-north-1"})
        assert refusal(InputError, is_there, Place("s3://elsewhere/x")) == (
            "archive s3://elsewhere/x: bucket elsewhere is not in region eu-north-1; set AWS_REGION"
        )
    with half_store("ill") as endpoint:
        use(monkeypatch, S3_ENV | {"AWS_ENDPOINT_URL": endpoint})
        assert refusal(ArchiveError, is_there, Place("s3://ill/x")) == (
            f"archive s3://ill/x: {endpoint} answers 503 Service Unavailable (SlowDown)"
        )


@contextmanager
def half_store(kind: str, puts: list[str] | None = None) -> Iterator[str]:
    """The few answers that no store at hand gives: it forgets If-Match, or knows no conditions at all."""
    puts = [] if puts is None else puts
    etag = ""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, code = {"elsewhere": (400, "AuthorizationHeaderMalformed"), "ill": (503, "SlowDown")}.get(
                kind, (200, "")
            )
            answer = f"<Error><Code>{code}</Code></Error>" if code else "<ListBucketResult/>"
            self.answered(status, answer.encode())

        def do_PUT(self) -> None:
            nonlocal etag
            self.rfile.read(int(self.headers["Content-Length"]))
            again = self.headers.get("If-None-Match") == "*" and self.path in puts
            stale = kind == "whole" and self.headers.get("If-Match", etag) != etag
            status = 501 if kind == "old" else 412 if again or stale else 200
            etag = f'"{os.urandom(4).hex()}"' if status == 200 else etag
            puts.append(self.path)
            self.answered(status)

        def do_DELETE(self) -> None:
            self.answered(204)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answered(200, b"<DeleteResult/>")

        def answered(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("ETag", etag or '"none"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free_ports(1)[0]), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
@WRONG
def test_seaweedfs_checks_credentials(
    seaweed: StoreServer, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], reason: str
) -> None:
    use(monkeypatch, seaweed.env | wrong)
    assert f"refuses the credentials ({reason})" in refusal(ArchiveError, is_there, Place("s3://bucket"))


@pytest.mark.slow
def test_seaweedfs_holds_an_archive(seaweed: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, seaweed.env)
    assert "there is no bucket" in refusal(InputError, require_conditional_writes, Place("s3://nobodys/x"))
    home = Place(f"{seaweed.bucket('an-archive')}/below")
    require_conditional_writes(home)
    for name in ("tiny", "other"):
        put_number(home.child(name), 3)
    remove(home.child("other"))
    assert children(home) == ["tiny"]
    seaweed.kill()
    seaweed.restart()
    assert number(home.child("tiny")) == 3
