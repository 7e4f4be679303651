"""A server starts and schedules make runs: pip's own resolve breaks both, the second silently."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

STARTS_WITHIN_S = 120
SCHEDULES_WITHIN_S = 90


def free_port() -> int:
    """A port below those that the kernel hands out by itself: nothing takes it before the bind."""
    for port in range(24_300, 24_400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError("no free port from 24300 to 24399")


def wait_for(what: Callable[[], Any], server: subprocess.Popen[bytes], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        if found := what():
            return found
        time.sleep(0.5)
    return None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.fixture
def api(tmp_path: Path, log: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A Prefect server as one is run, with a database of its own."""
    home, port = tmp_path / "prefect", free_port()
    home.mkdir()
    settings = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_UI_ENABLED": "false",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, env=os.environ | settings, stdout=out, stderr=out, start_new_session=True
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30) as client:
            yield client, server
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").json() is True
    except httpx.TransportError:
        return False


def ask(client: httpx.Client, path: str, **content: Any) -> Any:
    """Post and read the answer; a server that has just started answers 503 while its database is locked."""
    for _ in range(20):
        reply = client.post(path, json=content)
        if reply.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    reply.raise_for_status()
    return reply.json()


def test_the_server_application_can_be_imported() -> None:
    import prefect.server.api.server as server

    assert callable(server.create_app)


def test_a_schedule_makes_runs(api: tuple[httpx.Client, subprocess.Popen[bytes]], log: Path) -> None:
    client, server = api
    assert wait_for(lambda: answers(client), server, STARTS_WITHIN_S), log.read_text()
    flow = ask(client, "/flows/", name="monitor")
    schedule = {"schedule": {"interval": 60.0}, "active": True}
    deployment = ask(
        client, "/deployments/", name="every-minute", flow_id=flow["id"], schedules=[schedule], paused=False
    )
    chosen = {"id": {"any_": [deployment["id"]]}}
    made = wait_for(
        lambda: ask(client, "/flow_runs/filter", deployments=chosen, sort="EXPECTED_START_TIME_ASC"),
        server,
        SCHEDULES_WITHIN_S,
    )
    assert made, f"no run was scheduled within {SCHEDULES_WITHIN_S} s\n{log.read_text()}"
    assert {run["state_type"] for run in made} == {"SCHEDULED"}
    assert all(run["auto_scheduled"] for run in made)
    times = [datetime.fromisoformat(run["expected_start_time"]) for run in made]
    assert {(b - a).total_seconds() for a, b in pairwise(times)} == {60.0}
    assert times[0] > datetime.fromisoformat(deployment["created"]).astimezone(UTC)
    assert "InvalidRequestError" not in log.read_text()
