"""The wiring's rules that name more than one variable."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from workers.clock import STRAIGHT, BentClock, TimeBend
from workers.config import ObjectVersion
from workers.errors import SettingsError
from workers.settings import Settings, load

WIRING = {
    "QUEUE_URLS": "{}",
    "DLQ_URLS": "{}",
    "FLEET_TABLE": "fleet",
    "SESSIONS_TABLE": "sessions",
    "SUPPRESSIONS_TABLE": "suppressions",
    "PROFILES_TABLE": "profiles",
    "DELIVERIES_TABLE": "deliveries",
    "CALLS_TABLE": "calls",
    "MEDIA_BUCKET": "media",
    "DEFERRED_BUCKET": "deferred",
    "SCHEDULE_GROUP": "deferred",
    "SCHEDULE_ROLE_ARN": "arn:aws:iam::000000000000:role/r",
    "CHAT_STREAM_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:t",
    "CONNECT_INSTANCE_ID": "i",
    "KMS_KEY_ID": "k",
}
BENT = {"TIME_ORIGIN": "2026-11-26T06:00:00Z", "TIME_OFFSET_S": "50400", "TIME_RATE": "60"}
LOCAL = "http://127.0.0.1:4566"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A worker's, without endpoints."""
    for name in ("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "switchboard.toml"
    file.write_text("", "utf-8")
    for name, value in {**WIRING, "CONFIG": str(file)}.items():
        monkeypatch.setenv(f"SWITCHBOARD_{name}", value)
    return monkeypatch


def bent(environment: pytest.MonkeyPatch, **aws: str) -> Settings:
    for name, value in BENT.items():
        environment.setenv(f"SWITCHBOARD_{name}", value)
    for name, value in aws.items():
        environment.setenv(name, value)
    return load()


def test_time_is_the_machines_unless_told_otherwise(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SWITCHBOARD_TIME_ORIGIN", BENT["TIME_ORIGIN"])
    settings = load()
    assert settings.bend is STRAIGHT
    assert not isinstance(settings.clock, BentClock)


@pytest.mark.parametrize(
    "url", [LOCAL, "http://localhost:4566", "http://[::1]:4566", "http://10.0.0.7:4566"]
)
def test_local_endpoints_may_have_another_time(environment: pytest.MonkeyPatch, url: str) -> None:
    settings = bent(environment, AWS_ENDPOINT_URL=url, AWS_ENDPOINT_URL_SQS=LOCAL)
    assert settings.bend == TimeBend(datetime(2026, 11, 26, 6, tzinfo=UTC), 50_400, 60)
    assert isinstance(settings.clock, BentClock)


@pytest.mark.parametrize(
    "aws",
    [
        {},
        {"AWS_ENDPOINT_URL": ""},
        {"AWS_ENDPOINT_URL": "https://sqs.us-east-1.amazonaws.com"},
        {"AWS_ENDPOINT_URL": "https://8.8.8.8"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1.example.com"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1@example.com"},
        {"AWS_ENDPOINT_URL_SQS": LOCAL},
        {"AWS_ENDPOINT_URL": LOCAL, "AWS_ENDPOINT_URL_CONNECT": "https://connect.example.com"},
        {"AWS_ENDPOINT_URL": LOCAL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ],
    ids=str,
)
def test_nobody_is_called_at_night_because_a_clock_was_bent(
    environment: pytest.MonkeyPatch, aws: dict[str, str]
) -> None:
    with pytest.raises(SettingsError, match="are for local endpoints: set AWS_ENDPOINT_URL"):
        bent(environment, **aws)


def test_processes_need_one_origin(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", LOCAL)
    environment.setenv("SWITCHBOARD_TIME_RATE", "60")
    with pytest.raises(SettingsError, match="need SWITCHBOARD_TIME_ORIGIN"):
        load()


def test_the_configuration_may_be_a_version_of_an_object(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SWITCHBOARD_CONFIG", "s3://config/switchboard.toml?versionId=abc")
    assert load().config == ObjectVersion("config", "switchboard.toml", "abc")


def test_an_object_without_a_version_is_refused_by_the_variables_name(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SWITCHBOARD_CONFIG", "s3://config/switchboard.toml")
    with pytest.raises(SettingsError, match=r"SWITCHBOARD_CONFIG: .*needs its version"):
        load()
