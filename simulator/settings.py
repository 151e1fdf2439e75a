"""What a simulator is started with. The only place that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

DEFAULT_ACCOUNT_ID = "000000000000"
"""The account that the local AWS emulators use, so that ARNs made here and there agree."""


class AwsAccess(BaseModel):
    """How the simulator reaches SNS and SQS; endpoints come from the standard variables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_key_id: str = "test"
    secret_access_key: str = "test"  # noqa: S105 - an emulator takes any

    @classmethod
    def from_environment(cls) -> AwsAccess:
        """The standard variables, or values that every emulator takes."""
        return cls(
            access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        )


class SimulatorSettings(BaseModel):
    """What one simulator is, for its whole life."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    public_url: str | None = None
    """The address clients see, where it is not `http://host:port` (behind a container's port)."""
    region: str = "us-east-1"
    account_id: str = Field(default=DEFAULT_ACCOUNT_ID, pattern=r"^\d{12}$")
    seed: int = 0
    """Of every random choice: faults by probability, delays, prices, codes."""
    time_origin: AwareDatetime | None = None
    """When the time below began, by the machine's clock; the simulator's start if not given."""
    time_offset_s: float = 0.0
    """How much later it was here then; less than nothing is earlier."""
    time_rate: float = Field(default=1.0, gt=0, le=100_000)
    """How many seconds pass here in one of the machine's."""
    ledger_path: Path | None = None
    kept: int | None = Field(default=None, ge=1)
    """How many of the newest entries of the ledger stay in memory; all when not given."""
    topology_path: Path | None = None
    queue_prefix: str = ""
    """What a deployment puts before the topology's logical queue names."""
    plays_sns_for: frozenset[str] = frozenset()
    """Kinds of publication that never go through the emulator's SNS: see `--play-sns`."""
    world: dict[str, Any] = Field(default_factory=dict)
    """What exists at the start, one key per service."""
    aws: AwsAccess = Field(default_factory=AwsAccess.from_environment)
