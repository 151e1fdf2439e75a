"""`switchboard replay` as a program: the emulator's SQS and S3, over HTTP."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from tests import events

pytestmark = pytest.mark.emulator

RECORD = events.load("pinpoint/sms_failure")
RECEIPT = events.load("eum/text_delivered_sns")
CONTACT = events.load("connect/contact_disconnected")
UNKNOWN = events.load("unknown/s3_object_created")
PROGRAM = "from workers.cli import main; main()"
HOME = Path(__file__).parents[3]


def numbered(number: int) -> dict[str, Any]:
    return {**RECORD, "attributes": {**RECORD["attributes"], "message_id": f"m-{number}"}}


class Shell:
    """Runs the command with a worker's wiring, and looks what came of it."""

    def __init__(self, aws: LocalAws, topology: Provisioned, home: Path) -> None:
        self._sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
        self.urls = topology.queue_urls
        self._home = home
        self._environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "SWITCHBOARD_QUEUE_URLS": json.dumps(dict(topology.queue_urls)),
            "SWITCHBOARD_DLQ_URLS": json.dumps(dict(topology.dlq_urls)),
            "SWITCHBOARD_FLEET_TABLE": topology.tables["fleet"],
            **aws.environment(),
            "PYTHONPATH": str(HOME),
        }

    def replay(self, *arguments: object, **changed: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PROGRAM, "replay", *map(str, arguments), "--json"]
        return subprocess.run(
            command,
            cwd=self._home,
            env={**self._environment, **changed},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def taken(self, queue: str) -> list[dict[str, Any]]:
        """The bodies on a queue, all of them, which it has no more then."""
        bodies: list[dict[str, Any]] = []
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self.urls[queue], MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            if not answer.get("Messages"):
                return bodies
            for message in answer["Messages"]:
                bodies.append(json.loads(message["Body"]))
                self._sqs.delete_message(
                    QueueUrl=self.urls[queue], ReceiptHandle=message["ReceiptHandle"]
                )


@pytest.fixture
def shell(aws: LocalAws, topology: Provisioned, tmp_path: Path) -> Shell:
    return Shell(aws, topology, tmp_path)


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    s3 = boto3.client("s3", **aws.client_arguments("S3"))
    name = f"archive-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name)
    concatenated = "".join(json.dumps(numbered(n)) for n in range(23)).encode()
    lines = "\n".join(map(json.dumps, (RECEIPT, UNKNOWN, CONTACT))).encode()
    s3.put_object(Bucket=name, Key="2026/10/01/stream-1", Body=gzip.compress(concatenated))
    s3.put_object(Bucket=name, Key="2026/10/02/stream-1", Body=gzip.compress(lines))
    s3.put_object(Bucket=name, Key="2026/10/03/", Body=b"")
    s3.put_object(Bucket=name, Key="2025/09/stream-1", Body=json.dumps(numbered(99)).encode())
    return name


def last(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


def test_a_prefix_of_a_bucket_gets_to_its_queues_once(shell: Shell, bucket: str) -> None:
    done = shell.replay(f"s3://{bucket}/2026/", "--rate", 1000)
    assert done.returncode == 1, done.stderr
    left, summary = map(json.loads, done.stdout.splitlines())
    place = {"file": "2026/10/02/stream-1", "record": 2}
    assert left == {**place, "left_out": "unrecognised_shape"}
    assert (summary["files"], summary["records"]) == (2, 26)
    sent = {"engagement-events": 23, "delivery-receipts": 1, "contact-events": 1}
    assert summary["sent"] == sent
    bodies = {queue: shell.taken(queue) for queue in shell.urls}
    assert {queue: len(found) for queue, found in bodies.items() if found} == sent
    messages = sorted(body["attributes"]["message_id"] for body in bodies["engagement-events"])
    assert messages == sorted(f"m-{n}" for n in range(23))
    assert bodies["delivery-receipts"] == [RECEIPT]
    assert bodies["contact-events"] == [CONTACT]
    again = shell.replay(f"s3://{bucket}/2026/")
    assert (again.returncode, last(again)["sent"], last(again)["left_out_before"]) == (1, {}, 1)
    assert [found for queue in shell.urls if (found := shell.taken(queue))] == []


def test_what_sqs_refuses_stops_it_and_it_goes_on_from_there(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "1").write_text("\n".join(json.dumps(numbered(n)) for n in range(15)))
    (folder / "2").write_text(json.dumps(CONTACT))
    whole = shell.urls["contact-events"]
    broken = json.dumps({**shell.urls, "contact-events": whole + "-gone"})
    stopped = shell.replay(folder, "--rate", 1000, SWITCHBOARD_QUEUE_URLS=broken)
    assert stopped.returncode == 3
    assert "the same command goes on from where it was" in stopped.stderr
    assert len(shell.taken("engagement-events")) == 15
    assert shell.replay(folder).returncode == 2  # Other queues: no state of theirs.
    assert (tmp_path / "archive.replay-state").read_text().count('"done": true') == 1
    assert shell.replay(folder, "--state", tmp_path / "anew", "--only", "ses_event").returncode == 0
    assert shell.taken("engagement-events") == shell.taken("contact-events") == []


def test_a_shadow_of_a_bucket_writes_nothing(shell: Shell, bucket: str, tmp_path: Path) -> None:
    done = shell.replay(f"s3://{bucket}/2026/", "--shadow", SWITCHBOARD_QUEUE_URLS="{}")
    assert done.returncode == 1
    assert last(done)["dry_run"] is True
    told = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
    assert told[0]["would"][0] == "address sms +1206•••0100: unreachable"
    assert len(told) == 26
    assert [found for queue in shell.urls if (found := shell.taken(queue))] == []
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_that_is_not_there_is_told(shell: Shell) -> None:
    done = shell.replay(f"s3://none-{secrets.token_hex(4)}/")
    assert done.returncode == 3
    assert "AWS did not do it (no_such_bucket)" in done.stderr
