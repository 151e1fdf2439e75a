"""`python -m simulator`, as people and the local world start it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3

from tests.contract.simulator.conftest import OUR_NUMBER, SMS_WORLD

ROOT = Path(__file__).parents[3]


def test_the_program_says_where_it_answers_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    world, ledger = tmp_path / "world.json", tmp_path / "ledger.jsonl"
    world.write_text(json.dumps({"sms_voice": SMS_WORLD}), "utf-8")
    command = [sys.executable, "-m", "simulator", "--world", world, "--ledger", ledger]
    command += ["--time-origin", "2026-01-05T00:00:00+00:00", "--time-offset-s", "-3600"]
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            url = json.loads(program.stdout.readline())["url"]
            sms = boto3.client(
                "pinpoint-sms-voice-v2",
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            sent = sms.send_text_message(
                DestinationPhoneNumber="+12065550100",
                OriginationIdentity=OUR_NUMBER,
                MessageBody="hi",
            )
        finally:
            asked_at = time.monotonic()
            program.terminate()
            _, errors = program.communicate(timeout=20)
        assert program.returncode == 0
        assert errors == ""
        assert time.monotonic() - asked_at < 10
    [first, *_] = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    assert first["result"]["MessageId"] == sent["MessageId"]
    behind = datetime.now(UTC) - datetime.fromisoformat(first["at"])
    assert timedelta(hours=1) <= behind < timedelta(hours=1, minutes=1)
