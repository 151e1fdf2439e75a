"""`switchboard dlq` as a program: the emulator's SQS and DynamoDB, over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web

from demo.proxy import Answer, EndpointProxy
from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from tests.e2e.account import CONFIG, NOBODYS, PLAIN
from tests.e2e.stage import Customer, inbound_payload
from workers.runtime.dead_letters import record_key

pytestmark = pytest.mark.emulator

SWITCHBOARD = Path(sys.executable).with_name("switchboard")
NUMBER = "+12065567777"
WORDS = "canary words of a customer"


def reasons(reason: str, path: str = "") -> dict[str, str]:
    return {
        "reason": reason,
        "source_queue": "inbound-sms",
        "first_received_at": "2026-11-20T10:00:00.000+00:00",
        **({"schema_path": path} if path else {}),
    }


def text_to(ours: str, words: str = WORDS) -> str:
    return json.dumps(inbound_payload(Customer(NUMBER, ours), words))


class Shell:
    """Runs the command with a worker's wiring, and looks at the queues."""

    def __init__(self, aws: LocalAws, made: Provisioned, home: Path) -> None:
        self.sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
        self.dynamodb = boto3.client("dynamodb", **aws.client_arguments("DynamoDB"))
        self.made, self.home = made, home
        key = home / "key"
        key.write_bytes(bytes(range(32)))
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **aws.environment(),
            **made.worker_environment(),
            "SWITCHBOARD_CONFIG": str(CONFIG),
            "SWITCHBOARD_KEY_FILE": str(key),
        }

    def command(self, *arguments: str) -> list[str]:
        return [str(SWITCHBOARD), "dlq", "--copies", str(self.home / "copies"), *arguments]

    def run(self, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env={**self.environment, **changed},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def bury(self, body: str, attributes: Mapping[str, str], queue: str = "inbound-sms") -> str:
        sent = self.sqs.send_message(
            QueueUrl=self.made.dlq_urls[queue],
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
        return str(sent["MessageId"])

    def on(self, url: str) -> list[Any]:
        """What is visible there at this moment, and stays so."""
        answer = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            WaitTimeSeconds=0,
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def waiting(self) -> list[Any]:
        return self.on(self.made.queue_urls["inbound-sms"])

    def dead(self) -> list[Any]:
        return self.on(self.made.dlq_urls["inbound-sms"])

    def acts(self) -> list[tuple[str, str]]:
        items = self.dynamodb.scan(TableName=self.made.tables["suppressions"])["Items"]
        found = [i for i in items if i["pk"]["S"].startswith("A#")]
        return [(item["act"]["S"], item["why"]["S"]) for item in found]

    @property
    def copy(self) -> Path:
        [path] = (self.home / "copies").glob("*.json")
        return path


@pytest.fixture
def shell(aws: LocalAws, topology: Provisioned, tmp_path: Path) -> Shell:
    return Shell(aws, topology, tmp_path)


def test_a_look_gives_everything_back_at_once_and_the_next_reads_the_copy(shell: Shell) -> None:
    for number in range(12):
        shell.bury(text_to(NOBODYS, f"{WORDS} {number}"), reasons("unknown_our_number"))
    shell.bury('{"broken"', reasons("undecodable_not_json"))
    shell.bury(text_to(PLAIN), reasons("undecodable_invalid", "messageBody"))
    looked = shell.json("ls")
    assert len(shell.dead()) == 10  # As many as SQS hands out at once: none is hidden.
    found = {group["reason"]: group for group in looked["groups"]}
    assert {reason: group["count"] for reason, group in found.items()} == {
        "unknown_our_number": 12,
        "undecodable_not_json": 1,
        "undecodable_invalid": 1,
    }
    assert found["undecodable_invalid"]["schema_path"] == "messageBody"
    assert found["unknown_our_number"]["now"] == {"dead_lettered: unknown_our_number": 12}
    assert found["undecodable_invalid"]["now"] == {"handled": 1}
    assert found["unknown_our_number"]["first_received_at"] == "2026-11-20T10:00:00Z"
    assert stat.S_IMODE(shell.copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(shell.copy.parent.stat().st_mode) == 0o700
    shell.bury("not looked at yet", reasons("bug"))
    assert shell.json("ls")["groups"] == looked["groups"]
    assert sum(group["count"] for group in shell.json("ls", "--fresh")["groups"]) == 15


def test_nothing_is_shown_of_anybody_until_it_is_asked_for(shell: Shell) -> None:
    letter = shell.bury(text_to(PLAIN), reasons("bug") | {"tenant": NUMBER})
    outputs = [shell.run("ls").stdout, shell.run("ls", "--json").stdout]
    outputs += [shell.run("show", letter).stdout, shell.run("show", letter, "--json").stdout]
    for output in outputs:
        assert output
        assert NUMBER[1:] not in output
        assert WORDS not in output
    shown = json.loads(outputs[-1])["letters"][0]
    assert shown["body"]["messageBody"] == f"<{len(WORDS)} characters>"
    assert shown["attributes"] == {"tenant": "<hidden>"}
    revealed = shell.run("show", letter, "--reveal", "--json")
    body = json.loads(revealed.stdout)["letters"][0]["body"]
    assert json.loads(body)["messageBody"] == WORDS
    assert NUMBER in revealed.stdout
    assert WORDS in revealed.stdout
    assert json.loads(revealed.stderr)["event"] == "dead_letters_revealed"


def test_letters_go_back_as_they_were_sent_and_one_is_left_where_it_was(shell: Shell) -> None:
    odd = ' {"spaces" :  1, "鳥": "\\u00e9" }\n'
    theirs = {"traceparent": "00-ab-cd-01", "MessageVisibility": "ALL"}
    back = shell.bury(odd, reasons("bug") | theirs)
    stays = shell.bury("stays", reasons("bug"))
    shell.json("ls")
    refused = shell.run("redrive", back)
    assert refused.returncode == 1  # Nobody answered the question.
    assert "bug" in refused.stderr
    assert " ago" in refused.stderr
    assert shell.waiting() == []
    done = shell.json("redrive", back, "--yes")
    assert done["redrive"] == [back]
    [message] = shell.waiting()
    assert message["Body"] == odd
    attributes = message["MessageAttributes"]
    assert {name: each["StringValue"] for name, each in attributes.items()} == theirs
    assert [each["MessageId"] for each in shell.dead()] == [stays]
    assert shell.acts() == [("dead_letter_redriven", f"inbound-sms {back} bug")]
    assert [group["count"] for group in shell.json("ls")["groups"]] == [1]


def test_a_group_is_dropped_with_a_reason_and_each_stands_in_the_audit(shell: Shell) -> None:
    letters = {shell.bury(f"bad {n}", reasons("bug")) for n in range(3)}
    shell.bury("other", reasons("another"))
    marks = {group["reason"]: group["group"] for group in shell.json("ls")["groups"]}
    dropped = shell.json("drop", marks["bug"], "--reason", "a test, CHG-1042", "--yes")
    assert set(dropped["drop"]) == letters
    assert [each["Body"] for each in shell.dead()] == ["other"]
    assert shell.waiting() == []
    assert {why for _, why in shell.acts()} == {
        f"inbound-sms {letter} bug: a test, CHG-1042" for letter in letters
    }
    gone = shell.run("redrive", "g000000", "--yes")
    assert gone.returncode == 2
    assert "nothing here is called g000000" in gone.stderr


def test_what_is_not_there_any_more_is_told(shell: Shell) -> None:
    letter = shell.bury("somebody else's", reasons("bug"))
    shell.json("ls")
    [message] = shell.dead()
    shell.sqs.delete_message(
        QueueUrl=shell.made.dlq_urls["inbound-sms"], ReceiptHandle=message["ReceiptHandle"]
    )
    done = shell.run("redrive", letter, "--yes", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["missing"] == [letter]
    assert shell.waiting() == []


def test_a_bare_copy_has_its_reason_from_the_record(shell: Shell) -> None:
    """The copy's id is not the original's: the body is all that they share."""
    body = "x" * 1000
    shell.bury(body, {})
    shell.dynamodb.put_item(
        TableName=shell.made.tables["deliveries"],
        Item={
            "pk": {"S": f"D#inbound-sms#{record_key(body)}"},
            "v": {"N": "1"},
            "at": {"M": {"reason": {"S": "too_big_for_its_reason"}}},
        },
    )
    [group] = shell.json("ls")["groups"]
    assert group["reason"] == "too_big_for_its_reason"


def test_forget_removes_what_was_copied_and_nothing_else(shell: Shell) -> None:
    shell.bury("stays", reasons("bug"))
    shell.json("ls")
    path = shell.copy
    assert shell.run("forget").returncode == 0
    assert not path.exists()
    assert [each["Body"] for each in shell.dead()] == ["stays"]
    without = shell.run("show", "g123456")
    assert without.returncode == 2
    assert "`switchboard dlq ls` makes one" in without.stderr


class HoldingProxy(EndpointProxy):
    """Lets one kind of request wait for ever, before or after it is done."""

    def __init__(self, aws: LocalAws, operation: str, *, after: bool) -> None:
        super().__init__(aws, "SQS")
        self.is_held = asyncio.Event()
        self.handles: list[str] = []
        self._held, self._after = operation, after

    async def serve(self, request: web.Request, operation: str, body: bytes) -> Answer:
        if operation == self._held and not self._after:
            await self._hold()
        answer = await super().serve(request, operation, body)
        if operation == "ReceiveMessage":
            messages = json.loads(answer.body).get("Messages", [])
            self.handles += [message["ReceiptHandle"] for message in messages]
        if operation == self._held:
            await self._hold()
        return answer

    async def _hold(self) -> None:
        self.is_held.set()
        await asyncio.Event().wait()


async def kill_at(shell: Shell, aws: LocalAws, letter: str, operation: str, *, after: bool) -> None:
    """Kill a redrive while it waits for an answer, and end the minute that hides its message."""
    async with HoldingProxy(aws, operation, after=after) as proxy:
        process = await asyncio.create_subprocess_exec(
            *shell.command("redrive", letter, "--yes"),
            env={**shell.environment, "AWS_ENDPOINT_URL_SQS": proxy.url},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(proxy.is_held.wait(), 40)
        finally:
            process.kill()
            await process.wait()
        await asyncio.to_thread(
            shell.sqs.change_message_visibility,
            QueueUrl=shell.made.dlq_urls["inbound-sms"],
            ReceiptHandle=proxy.handles[-1],
            VisibilityTimeout=0,
        )


@pytest.mark.parametrize(
    ("operation", "after", "copies", "told"),
    [
        pytest.param("DeleteMessageBatch", False, 1, "sent_before", id="sent_and_not_deleted"),
        pytest.param("SendMessageBatch", True, 2, "sent_perhaps_before", id="sent_and_not_told"),
        pytest.param("SendMessageBatch", False, 1, "sent_perhaps_before", id="not_even_sent"),
    ],
)
async def test_killed_between_send_and_delete_nothing_is_lost_and_doubt_is_told(
    shell: Shell, aws: LocalAws, operation: str, after: bool, copies: int, told: str
) -> None:
    letter = await asyncio.to_thread(shell.bury, "once", reasons("bug"))
    await asyncio.to_thread(shell.json, "ls")
    await kill_at(shell, aws, letter, operation, after=after)
    assert [each["MessageId"] for each in await asyncio.to_thread(shell.dead)] == [letter]
    done = await asyncio.to_thread(shell.json, "redrive", letter, "--yes")
    assert done["redrive"] == [letter]
    assert done[told] == [letter]
    assert len(await asyncio.to_thread(shell.waiting)) == copies
    assert await asyncio.to_thread(shell.dead) == []
