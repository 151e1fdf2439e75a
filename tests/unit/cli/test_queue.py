"""`switchboard queue` where no AWS is asked: its help, its refusals, its looks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from workers.cli.queue import Row, _as_fields, _print, queue
from workers.clients.queue_counts import QueueCounts
from workers.runtime.breaker import Pause

WIRING = {
    "SWITCHBOARD_QUEUE_URLS": json.dumps({"chat-stream": "http://127.0.0.1:1/0/chat-stream"}),
    "SWITCHBOARD_DLQ_URLS": json.dumps({"chat-stream": "http://127.0.0.1:1/0/chat-stream-dlq"}),
    "SWITCHBOARD_FLEET_TABLE": "fleet",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(queue, list(arguments), env=WIRING if env is None else env)


@pytest.mark.parametrize("command", [[], ["pause"], ["resume"], ["status"]])
def test_help_teaches(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    if not command:
        assert "Exit status: 0 done, 1 AWS refused" in " ".join(result.output.split())
        assert "SWITCHBOARD_FLEET_TABLE" in result.output


def test_without_its_wiring_it_names_what_lacks() -> None:
    result = run("status", env={})
    assert result.exit_code == 2
    for name in ("QUEUE_URLS", "DLQ_URLS", "FLEET_TABLE"):
        assert f"SWITCHBOARD_{name}: Field required" in result.output
    assert "SESSIONS_TABLE" not in result.output


def test_a_misspelt_queue_is_corrected() -> None:
    result = run("pause", "chat-steam", "--reason", "maintenance")
    assert result.exit_code == 2
    assert "there is no queue chat-steam. Did you mean chat-stream?" in result.output


def test_a_pause_needs_a_reason() -> None:
    result = run("pause", "chat-stream")
    assert result.exit_code == 2
    assert "--reason" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--reason", "customer +1 (425) 555-0100 complains"),
        ("--reason", ""),
        ("--reason", "x" * 201),
        ("--reason", "red \x1b[31m"),
        ("--reason", "maintenance", "--by", "anna@example.com"),
    ],
)
def test_what_everybody_will_see_holds_nobodys_data(arguments: tuple[str, ...]) -> None:
    assert run("pause", "chat-stream", *arguments).exit_code == 2


def test_without_a_region_it_says_which_variable_to_set() -> None:
    result = run("status", env={k: v for k, v in WIRING.items() if k != "AWS_DEFAULT_REGION"})
    assert result.exit_code == 2
    assert "set AWS_DEFAULT_REGION" in result.output


def test_when_aws_does_not_answer_it_says_what_to_do() -> None:
    result = run("resume", "chat-stream")
    assert result.exit_code == 1
    assert "check the network, the credentials and AWS_DEFAULT_REGION" in result.output
    assert "Traceback" not in result.output


ROWS = [
    Row(
        "chat-stream",
        Pause(datetime(2026, 3, 2, 12, tzinfo=UTC), "20 dead letters in a row", "breaker"),
        QueueCounts(visible=1204, in_flight=3, delayed=0),
        oldest_s=5400,
        dead_letters=20,
    ),
    Row("inbound-sms", None, QueueCounts(0, 0, 0), oldest_s=None, dead_letters=0),
]


def test_the_table_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    _print(ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "QUEUE        STATE   VISIBLE  IN FLIGHT  DELAYED  OLDEST  DLQ",
        "chat-stream  paused     1204          3        0     90m   20",
        "    paused since 2026-03-02T12:00:00Z by breaker: 20 dead letters in a row",
        "inbound-sms  polled        0          0        0       -    0",
    ]


def test_json_has_every_field_of_every_queue() -> None:
    assert _as_fields(ROWS[0]) == {
        "queue": "chat-stream",
        "state": "paused",
        "since": "2026-03-02T12:00:00Z",
        "reason": "20 dead letters in a row",
        "by": "breaker",
        "visible": 1204,
        "in_flight": 3,
        "delayed": 0,
        "oldest_s": 5400,
        "dead_letters": 20,
    }
    unknown = Row("inbound-sms", None, None, oldest_s=None, dead_letters=None)
    assert _as_fields(unknown)["visible"] is None
