"""The deployment files name flows, parameters and ports that exist; `make lint` holds their schemas."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule

INFRA = Path(__file__).parents[2] / "infra"
PREFECT = yaml.safe_load((INFRA / "prefect.yaml").read_text())
SERVICES = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
DEPLOYMENTS = {deployment["name"]: deployment for deployment in PREFECT["deployments"]}


@pytest.fixture(params=DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys())
def deployment(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, name = deployment["entrypoint"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def test_every_flow_is_deployed() -> None:
    assert DEPLOYMENTS.keys() == {"monitor", "backfill", "upkeep"}


def test_entrypoint_is_the_flow_by_module(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    assert isinstance(flow, Flow)
    assert flow.name == deployment["name"]


def test_parameters_are_the_flows_own(deployment: dict[str, Any]) -> None:
    # Prefect takes an unknown name or a bad date at deploy time and fails when the run starts.
    flow_of(deployment).validate_parameters(deployment["parameters"])


def test_an_unknown_parameter_would_be_noticed(deployment: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="sight"):
        flow_of(deployment).validate_parameters(deployment["parameters"] | {"sight": "najin"})


@pytest.mark.parametrize("name", ["monitor", "upkeep"])
def test_it_runs_on_a_valid_schedule(name: str) -> None:
    (schedule,) = DEPLOYMENTS[name]["schedules"]
    assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).timezone == "UTC"
    assert schedule["active"]
    assert "schedules" not in DEPLOYMENTS["backfill"]


def test_runs_of_a_deployment_wait_for_each_other(deployment: dict[str, Any]) -> None:
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_the_pool_is_the_one_that_the_worker_joins(deployment: dict[str, Any]) -> None:
    command = SERVICES["worker"]["command"]
    assert command[command.index("--pool") + 1] == deployment["work_pool"]["name"]


def test_ports_are_published_on_this_machine_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_no_password_stands_in_the_files() -> None:
    text = (INFRA / "compose.yaml").read_text()
    assert all(value.startswith("${") for value in re.findall(r"PASSWORD: *(\S+)", text))
