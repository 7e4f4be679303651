"""The pages are served to this computer, with their types, and nothing that lies beside them."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from flows.serving import HOST, Server
from tasks.editions import publications_in
from tests.flows.tiny import roadstead

SECRET = "not for the world"


def write_site(folder: Path) -> None:
    (folder / "series.zarr").mkdir(parents=True)
    for name, text in (
        ("index.html", f"<!doctype html><title>{folder.name}</title>"),
        ("manifest.json", '{"files": {}}'),
        ("looks.csv", "zone_id\n"),
        ("looks.parquet", "PAR1"),
        ("series.zarr/zarr.json", "{}"),
    ):
        (folder / name).write_text(text)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two publications, with an archive and a half-written folder beside them, and a link that leads out."""
    for site in ("najin", "port of <b>"):
        write_site(tmp_path / "out" / site)
    write_site(tmp_path / "out" / ".najin.new")
    (tmp_path / "out" / "archive").mkdir()
    for path in ("out/archive/secret", "out/secret.csv", "secret.csv"):
        (tmp_path / path).write_text(SECRET)
    (tmp_path / "out" / "najin" / "link.csv").symlink_to(tmp_path / "secret.csv")
    return tmp_path / "out"


@pytest.fixture
def server(out: Path) -> Iterator[Server]:
    with Server(out, publications_in(out), 0) as serving:
        thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def get(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection(HOST, server.server_address[1], timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/najin/", "text/html; charset=utf-8"),
        ("/najin/index.html?a=1#b", "text/html; charset=utf-8"),
        ("/najin/looks.csv", "text/csv; charset=utf-8"),
        ("/najin/looks.parquet", "application/vnd.apache.parquet"),
        ("/najin/series.zarr/zarr.json", "application/json; charset=utf-8"),
        ("/port%20of%20%3Cb%3E/", "text/html; charset=utf-8"),
    ],
)
def test_published_files_have_their_types(server: Server, path: str, kind: str) -> None:
    status, headers, body = get(server, path)
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, kind, "nosniff")
    assert len(body) == int(headers["Content-Length"])
    assert get(server, path, "HEAD")[2] == ""


@pytest.mark.parametrize(
    "path",
    [
        "/secret.csv",
        "/../secret.csv",
        "/najin/../secret.csv",
        "/najin/../../secret.csv",
        "/najin/%2e%2e/%2e%2e/secret.csv",
        "/najin/..%2f..%2fsecret.csv",
        "/najin/link.csv",
        "/archive/secret",
        "/.najin.new/index.html",
        "//etc/passwd",
        "/%00",
        "/najin/series.zarr/",
        "/nothing",
    ],
)
def test_nothing_else_is_given_out(server: Server, path: str) -> None:
    status, _, body = get(server, path)
    assert status == 404
    assert SECRET not in body
    assert "root:" not in body


def test_lists_the_ports_until_there_is_an_overview(server: Server, out: Path) -> None:
    _, _, body = get(server, "/")
    assert '<a href="najin/">najin</a>' in body
    assert "port of &lt;b&gt;" in body
    assert "archive" not in body
    (out / "index.html").write_text("overview")
    assert get(server, "/")[2] == "overview"


def test_a_folder_gets_its_slash_so_that_links_hold(server: Server) -> None:
    status, headers, _ = get(server, "/najin")
    assert (status, headers["Location"]) == (301, "/najin/")


def test_a_foreign_name_is_refused(server: Server) -> None:
    """A page of somebody else's whose name points here must not read these."""
    assert get(server, "/najin/", Host="evil.example")[0] == 403
    assert get(server, "/najin/", Host="localhost:80")[0] == 200


def test_one_publication_is_served_as_the_root(out: Path) -> None:
    home = out / "najin"
    with Server(home, publications_in(home), 0) as one:
        assert one.file_of("/") == home / "index.html"
        assert one.file_of("/looks.csv") == home / "looks.csv"
        assert one.file_of("/../secret.csv") is None


def test_reachable_from_this_computer_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_says_where_and_ends_cleanly(out: Path) -> None:
    command = [sys.executable, "-m", "flows.cli", "serve", str(out), "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
    ) as running:
        try:
            assert running.stdout is not None
            url = running.stdout.readline().strip()
            port = int(url.removesuffix("/").rsplit(":", 1)[1])
            connection = http.client.HTTPConnection(HOST, port, timeout=10)
            connection.request("GET", "/najin/")
            assert connection.getresponse().status == 200
            connection.close()
            running.send_signal(signal.SIGINT)
            said, faults = running.communicate(timeout=20)
        finally:
            running.kill()
    assert (running.returncode, faults) == (0, "")
    assert "ended" in said


def test_bad_input(tmp_path: Path, out: Path) -> None:
    nothing = roadstead("serve", tmp_path / "none")
    assert nothing.exit_code == 2
    assert "holds no publication" in nothing.stderr
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        busy = roadstead("serve", out, "--port", str(taken.getsockname()[1]))
    assert busy.exit_code == 2
    assert "--port 0" in busy.stderr
