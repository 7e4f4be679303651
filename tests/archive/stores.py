"""Real object stores on loopback, each a process of its own that a test may kill and start again.

* `moto_server`: in memory, up in two seconds; checks no credentials. For tests of function.
* `seaweed_server`: durable; what it acknowledged is there after ``kill -9``. For tests of reliability.
* `rclone_server`: ignores conditional writes. For the test that we notice.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

KEY, SECRET = "roadstead-test", "not-a-real-secret"

PORTS = range(10_000, 22_000)
"""Not in the ephemeral range (from 32768), where an outgoing connection may hold any port for a moment;
nor are SeaweedFS's own gRPC ports, 10000 further up."""

PATIENCE_S = 60
"""SeaweedFS is up 3 to 8 s after it is started, 3 s after it was killed; a busy machine takes longer."""

DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; what follows keeps it
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Started before the server, so that it ends with the tests however those end."""


@dataclass
class StoreServer:
    """One server; `command` gives its command line from as many ports as it needs, S3's first."""

    name: str
    command: Callable[[Sequence[int]], Sequence[str]]
    folder: Path
    ready: Callable[[Sequence[int]], bool]
    """Whether it is up, asked of its ports."""

    ports_needed: int = 1
    ports: list[int] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def env(self) -> dict[str, str]:
        """What a client needs in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.endpoint,
        }

    def bucket(self, name: str) -> str:
        """Make a bucket; give its s3:// URL."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        try:
            client.create_bucket(Bucket=name)
        finally:
            client.close()
        return f"s3://{name}"

    def start(self) -> None:
        """Start on free ports; another test process may take one before the server does, so try twice."""
        self.ports = free_ports(self.ports_needed)
        try:
            self.restart()
        except ChildProcessError:
            self.ports = free_ports(self.ports_needed)
            self.restart()

    def restart(self) -> None:
        """Start where it was: the same folder and ports."""
        command = self.command(self.ports)
        guard = [sys.executable, "-c", DIE_WITH_PARENT, str(os.getpid())] if sys.platform == "linux" else []
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*guard, *command], stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self._wait()

    def kill(self) -> None:
        """Kill it at once, as a power cut would."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE_S
        while not self.ready(self.ports):
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                log = (self.folder / f"{self.name}.log").read_text(errors="replace")[-2000:]
                raise (ChildProcessError if ended else TimeoutError)(f"{self.name} did not start:\n{log}")
            time.sleep(0.05)


def answer(port: int, path: str) -> tuple[int, bytes]:
    """Status and body; status 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def free_ports(n: int) -> list[int]:
    """Ports nobody listens on, nor on the one 10000 above; at random, so that test processes do not meet."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if len(found) == n:
            break
        if _is_free(port) and _is_free(port + 10_000):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running(server: StoreServer) -> Iterator[StoreServer]:
    server.folder.mkdir(parents=True, exist_ok=True)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def moto_server(folder: Path) -> StoreServer:
    """In memory; the folder holds its log."""

    def command(ports: Sequence[int]) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(ports[0])]

    return StoreServer("moto", command, folder, lambda ports: answer(ports[0], "/moto-api/")[0] == 200)


def seaweed_server(folder: Path) -> StoreServer:
    """Durable: everything lies in the folder."""

    def command(ports: Sequence[int]) -> list[str]:
        s3, master, volume, filer = ports
        (folder / "data").mkdir(exist_ok=True)
        (folder / "s3.json").write_text(json.dumps({"identities": [IDENTITY]}))
        (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")  # not 7 volumes a bucket
        return [
            binary("weed"),
            "server",
            f"-dir={folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={master}",
            f"-volume.port={volume}",
            "-filer",
            f"-filer.port={filer}",
            "-s3",
            f"-s3.port={s3}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={folder / 's3.json'}",
            "-s3.autoCreateBucket=false",  # else a write to a bucket that is not there makes it
            "-master.telemetry=false",  # on by default
            "-master.electionTimeout=500ms",  # of one: with the default 10 s it is back after 12 to 22 s
            "-master.heartbeatInterval=50ms",
            "-volume.max=100",
            "-master.volumeSizeLimitMB=64",
        ]

    def ready(ports: Sequence[int]) -> bool:
        # S3 answers up to 4 s before the master knows the volumes, but with an error for every object.
        listed = answer(ports[1], "/dir/status")[1]
        return b'"DataNodes":[{' in listed and answer(ports[0], "/")[0] == 403

    return StoreServer("seaweed", command, folder, ready, ports_needed=4)


IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}


def rclone_server(folder: Path) -> StoreServer:
    """A folder of files, with no conditions on writes."""

    def command(ports: Sequence[int]) -> list[str]:
        (folder / "buckets").mkdir(exist_ok=True)
        address = f"127.0.0.1:{ports[0]}"
        return [
            binary("rclone"),
            "serve",
            "s3",
            "--config=",  # none: not that of whoever runs the tests
            f"--addr={address}",
            f"--auth-key={KEY},{SECRET}",
            str(folder / "buckets"),
        ]

    return StoreServer("rclone", command, folder, lambda ports: answer(ports[0], "/")[0] == 400)


def binary(name: str) -> str:
    """Path of a program that a wheel brought."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.fail(f"{name} is not installed; `pip install -e '.[dev]'` brings it")
    return found


def use(monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str]) -> None:
    """Make the environment's S3 settings these and no others."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with running(moto_server(tmp_path_factory.mktemp("moto"))) as server:
        yield server


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with running(seaweed_server(tmp_path_factory.mktemp("seaweed"))) as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with running(rclone_server(tmp_path_factory.mktemp("rclone"))) as server:
        yield server
