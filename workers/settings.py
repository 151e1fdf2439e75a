"""The wiring, from the environment, as a deployment or the local provisioning gives it.

Read once, in `load`, and passed down; nobody else reads the environment. Behaviour (brands, words,
limits) is not here: that is `switchboard.toml`. AWS endpoints and credentials are the SDK's own
variables.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from workers.clock import STRAIGHT, BentClock, Clock, SystemClock, TimeBend
from workers.config.location import ObjectVersion, locate
from workers.errors import SettingsError

PREFIX = "SWITCHBOARD_"


def _is_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def _is_there(text: object) -> object:
    if not isinstance(text, str):
        return text
    location = locate(text)
    return _is_file(location) if isinstance(location, Path) else location


ExistingFile = Annotated[Path, AfterValidator(_is_file)]
ConfigLocation = Annotated[Path | ObjectVersion, BeforeValidator(_is_there)]
Port = Annotated[int, Field(ge=0, le=65_535)]
SettingsT = TypeVar("SettingsT", bound="FleetSettings")


class FleetSettings(BaseSettings):
    """The part of a worker's wiring that an operator's command needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    queue_urls: dict[str, str] = Field(description="JSON map: queue name -> SQS queue URL")
    dlq_urls: dict[str, str] = Field(description="JSON map: queue name -> URL of its DLQ")
    fleet_table: str = Field(
        min_length=3, description="DynamoDB table of paused queues and live workers"
    )

    @model_validator(mode="after")
    def _each_queue_has_its_dlq(self) -> Self:
        missing = sorted(set(self.queue_urls) - set(self.dlq_urls))
        if missing:
            raise ValueError(f"{PREFIX}DLQ_URLS lacks {', '.join(missing)}")
        return self


class Settings(FleetSettings):
    """What one worker process is wired to."""

    config: ConfigLocation = Field(
        description="switchboard.toml: brands, words, texts, limits. A file's path, or a version of"
        " an S3 object, `s3://BUCKET/KEY?versionId=VERSION`"
    )
    sessions_table: str = Field(min_length=3, description="DynamoDB table of conversations")
    suppressions_table: str = Field(min_length=3, description="DynamoDB table of opt-outs")
    profiles_table: str = Field(
        min_length=3, description="DynamoDB table of what customers' profiles are written from"
    )
    deliveries_table: str = Field(
        min_length=3, description="DynamoDB table of counted failures and dead-letter records"
    )
    calls_table: str = Field(min_length=3, description="DynamoDB table of reminders and calls")
    media_bucket: str = Field(min_length=3, description="S3 bucket of agents' files")
    deferred_bucket: str = Field(
        min_length=3, description="S3 bucket of deferred messages that are too big for a schedule"
    )
    schedule_group: str = Field(
        pattern=r"^[0-9a-zA-Z_.-]{1,64}$", description="Scheduler group of deferred messages"
    )
    schedule_role_arn: str = Field(
        pattern=r"^arn:aws[\w-]*:iam::", description="IAM role by which Scheduler sends to queues"
    )
    chat_stream_topic_arn: str = Field(
        pattern=r"^arn:aws[\w-]*:sns:", description="SNS topic that Connect streams chats to"
    )
    connect_instance_id: str = Field(min_length=1, description="Amazon Connect instance id")
    kms_key_id: str | None = Field(default=None, description="KMS key for data at rest")
    key_file: ExistingFile | None = Field(
        default=None, description="32-byte key file instead of KMS, for local use"
    )
    sqs_transport: Literal["lean", "sdk"] = Field(
        default="lean",
        description="How queues are received from and acknowledged: our own requests, an eighth of"
        " the SDK's cost, or the SDK's client",
    )
    http_host: str = Field(default="0.0.0.0", description="Where health and metrics listen")  # noqa: S104 - a container's own interface
    http_port: Port = Field(
        default=8080, description="Port of /healthz, /readyz, /metrics; 0 = any"
    )
    drain_s: Annotated[int, Field(ge=1, le=110)] = Field(
        default=25, description="Seconds from SIGTERM to exit; below the platform's stop timeout"
    )
    log_format: Literal["json", "console"] = Field(default="json", description="How logs look")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="From which level on lines are written"
    )
    metrics_namespace: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9./_#-]{1,255}$",
        description="CloudWatch namespace: log lines in the embedded metric format are written"
        " too, which CloudWatch Logs makes metrics of. None without",
    )
    metrics_every_s: Annotated[int, Field(ge=1, le=60)] = Field(
        default=60, description="Seconds between those lines; alarms and scaling reckon with 60"
    )
    time_origin: AwareDatetime | None = Field(
        default=None,
        description="On local endpoints only: when the two below begin, ISO 8601 with a zone",
    )
    time_offset_s: float = Field(
        default=0.0,
        allow_inf_nan=False,
        description="On local endpoints only: how many seconds later it is at the origin",
    )
    time_rate: Annotated[float, Field(gt=0, le=100_000)] = Field(
        default=1.0,
        description="On local endpoints only: how many seconds pass in one of the machine's",
    )

    @model_validator(mode="after")
    def _time_is_bent_locally(self) -> Settings:
        if not self._is_bent:
            return self
        if self.time_origin is None:
            raise ValueError(
                f"{PREFIX}TIME_OFFSET_S and {PREFIX}TIME_RATE need {PREFIX}TIME_ORIGIN, the same"
                " for every process"
            )
        if not _is_aws_local():
            raise ValueError(
                f"{PREFIX}TIME_OFFSET_S and {PREFIX}TIME_RATE are for local endpoints: set"
                " AWS_ENDPOINT_URL to a loopback or private address, and no"
                " AWS_ENDPOINT_URL_<SERVICE> to another"
            )
        return self

    @property
    def _is_bent(self) -> bool:
        return self.time_offset_s != 0.0 or self.time_rate != 1.0

    @property
    def bend(self) -> TimeBend:
        """How the wall clock is bent; not at all outside local endpoints."""
        if self.time_origin is None or not self._is_bent:
            return STRAIGHT
        return TimeBend(self.time_origin, self.time_offset_s, self.time_rate)

    @property
    def clock(self) -> Clock:
        """The clock of this process."""
        return BentClock(self.bend) if self._is_bent else SystemClock()

    @model_validator(mode="after")
    def _one_key(self) -> Settings:
        if (self.kms_key_id is None) == (self.key_file is None):
            raise ValueError(
                f"set either {PREFIX}KMS_KEY_ID or {PREFIX}KEY_FILE: data at rest is encrypted"
            )
        return self


def _is_aws_local() -> bool:
    """Whether every call of the SDK stays on this machine or in its private network.

    The variable for all services goes before the SDK's configuration file, but not before those
    for single services; and all of them can be ignored.
    """
    ignored = os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
    name = "AWS_ENDPOINT_URL"
    urls = [url for key, url in os.environ.items() if key.startswith(f"{name}_")]
    everywhere = [os.environ.get(name, ""), *urls]
    return not ignored and all(_is_local(url) for url in everywhere)


def _is_local(url: str) -> bool:
    """No name but `localhost`: whatever else a name stands for today, it may stand for AWS."""
    try:
        host = urlsplit(url).hostname or ""
        address = ipaddress.ip_address(host)
    except ValueError:
        return url != "" and urlsplit(url).hostname == "localhost"
    return address.is_loopback or address.is_private


def load() -> Settings:
    """The settings of this process. Raises `SettingsError`, which names every wrong variable."""
    return _load(Settings)


def load_fleet() -> FleetSettings:
    """What an operator's command needs; a worker's whole environment will do. Raises as `load`."""
    return _load(FleetSettings)


def _load(kind: type[SettingsT]) -> SettingsT:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    problems = [
        f"{name}: unknown{_suggestion(name, known)}"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]
    try:
        settings = kind()
    except ValidationError as exc:
        problems += [_problem(error["loc"], error["msg"]) for error in exc.errors()]
    else:
        if not problems:
            return settings
    raise SettingsError("the environment is not complete:\n  " + "\n  ".join(problems))


def _problem(location: tuple[int | str, ...], message: str, prefix: str = PREFIX) -> str:
    name = prefix + str(location[0]).upper() if location else "settings"
    return f"{name}: {message}"


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""


class _Tracing(BaseSettings):
    """Of OpenTelemetry's own variables those that say whether spans are exported, and how.

    The SDK reads the rest by itself: headers, sampler, resource, batches.
    """

    model_config = SettingsConfigDict(
        env_prefix="OTEL_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    sdk_disabled: bool = False
    traces_exporter: Literal["otlp", "none"] | None = None
    exporter_otlp_endpoint: str | None = None
    exporter_otlp_traces_endpoint: str | None = None
    exporter_otlp_protocol: str = "http/protobuf"
    exporter_otlp_traces_protocol: Literal["http/protobuf"] | None = None

    @model_validator(mode="after")
    def _http_only(self) -> _Tracing:
        if self.exporter_otlp_traces_protocol is None and self.is_on:
            protocol = self.exporter_otlp_protocol
            if protocol != "http/protobuf":
                raise ValueError(
                    f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: only http/protobuf is known"
                )
        return self

    @property
    def is_on(self) -> bool:
        if self.sdk_disabled or self.traces_exporter == "none":
            return False
        endpoint = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return self.traces_exporter == "otlp" or endpoint is not None


def is_tracing_on() -> bool:
    """Whether spans are exported: OTEL_TRACES_EXPORTER=otlp, or an OTLP endpoint is set.

    Raises:
        SettingsError: the variables ask for an exporter or a protocol that we do not have.
    """
    try:
        return _Tracing().is_on
    except ValidationError as exc:
        problems = (_problem(error["loc"], error["msg"], "OTEL_") for error in exc.errors())
        raise SettingsError("tracing cannot work:\n  " + "\n  ".join(problems)) from exc
