"""The edge: the only place that reads the environment, and the one that quietens Prefect and Dask."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Defaults of every run; each can be set as ``ROADSTEAD_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="ROADSTEAD_", extra="ignore")

    out: str = Field(default="roadstead-out", description="folder that holds one publication per site")
    archive: str = Field(
        default="", description="folder that holds one repository per site; empty for OUT/archive"
    )
    cluster: str = Field(default="auto", description="auto, none, local or a scheduler's address (tcp://…)")
    state: Path = Field(
        default=Path.home() / ".local" / "state" / "roadstead",
        description="folder for Prefect's own database",
    )
    public: bool = Field(
        default=False, description="publish no picture whose licence does not let everybody see it"
    )
    batch: int = Field(default=32, ge=1, le=500, description="scenes per commit and per measuring task")

    def archive_for(self, out: str) -> str:
        """Where to archive a run that publishes to `out`."""
        return self.archive or str(Path(out) / "archive")


def quiet_environment(settings: Settings) -> None:
    """Set Prefect's and Dask's switches before either is imported; what the user has set stays.

    Telemetry off; Prefect's database in a folder of our own; enough time for a server that starts
    on a busy machine (its default of 20 s is not); no chatter between the user and the result.
    """
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "DASK_LOGGING__DISTRIBUTED": "critical",
        "ICECHUNK_LOG": "error",
    }
    if "PREFECT_API_URL" not in os.environ:
        home = settings.state / "prefect"
        if "PREFECT_HOME" not in os.environ:
            home.mkdir(parents=True, exist_ok=True)  # Prefect does not, and its server then waits in vain
        defaults["PREFECT_HOME"] = str(home)
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
