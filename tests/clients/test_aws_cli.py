"""The AWS CLI holds a chat with the simulator, dials, mails and writes profiles, as users do."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from simulator.contact_centre.seeding import (
    DEFAULT_FLOW_ID,
    DEFAULT_INSTANCE_ID,
    DEFAULT_NUMBER,
)
from tests.contract.simulator.chatting import TOPIC, Chatting

INSTANCE = ("--instance-id", DEFAULT_INSTANCE_ID)


class AwsCli:
    """The program, with endpoints and credentials by the standard variables alone."""

    def __init__(self, program: Path, url: str) -> None:
        self._program = program
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_MAX_ATTEMPTS": "1",
        }

    async def __call__(self, *words: str) -> Any:
        """One command; its JSON answer, None when it answers nothing."""
        code, out, err = await self.run(*words)
        assert code == 0, err
        return json.loads(out) if out.strip() else None

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        """One command; its exit status and what it wrote."""
        process = await asyncio.create_subprocess_exec(
            self._program, *words, env=self._environment, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


async def test_whole_chat(chats: Chatting, aws_cli: Path) -> None:
    # There is no SNS here: what would be streamed is lost on the way.
    await chats.control.set_knobs(publications={"chat": {"lose": 1}})
    aws = AwsCli(aws_cli, chats.world.url)
    started = await aws(
        *("connect", "start-chat-contact", *INSTANCE, "--contact-flow-id", DEFAULT_FLOW_ID),
        *("--participant-details", "DisplayName=Ann", "--attributes", "channel=cli"),
    )
    contact_id = started["ContactId"]
    streaming = await aws(
        *("connect", "start-contact-streaming", *INSTANCE, "--contact-id", contact_id),
        *("--chat-streaming-configuration", f"StreamingEndpointArn={TOPIC}"),
    )
    assert streaming["StreamingId"]
    connection = await aws(
        *("connectparticipant", "create-participant-connection", "--connect-participant"),
        *("--type", "CONNECTION_CREDENTIALS"),
        *("--participant-token", started["ParticipantToken"]),
    )
    token = ("--connection-token", connection["ConnectionCredentials"]["ConnectionToken"])
    await chats.desk.join(contact_id)
    await chats.desk.say(contact_id, "How can I help?")
    sent = await aws(
        *("connectparticipant", "send-message", *token),
        *("--content-type", "text/plain", "--content", "my order \U0001f600"),
    )
    transcript = await aws(
        "connectparticipant", "get-transcript", *token, "--sort-order", "ASCENDING"
    )
    said = [item for item in transcript["Transcript"] if item["Type"] == "MESSAGE"]
    assert [item["Content"] for item in said[1:]] == ["How can I help?", "my order \U0001f600"]
    assert said[-1]["Id"] == sent["Id"]
    await aws(
        *("connect", "update-contact-attributes", *INSTANCE, "--initial-contact-id", contact_id),
        *("--attributes", "mood=good"),
    )
    described = await aws("connect", "describe-contact", *INSTANCE, "--contact-id", contact_id)
    assert described["Contact"]["Attributes"] == {"channel": "cli", "mood": "good"}
    assert described["Contact"]["AgentInfo"]["ConnectedToAgentTimestamp"]
    await aws("connectparticipant", "disconnect-participant", *token)
    code, _, told = await aws.run(
        *("connectparticipant", "send-message", *token),
        *("--content-type", "text/plain", "--content", "anyone?"),
    )
    assert code != 0
    assert "AccessDeniedException" in told
    code, _, told = await aws.run("connect", "stop-contact", *INSTANCE, "--contact-id", contact_id)
    assert code != 0
    assert "ContactNotFoundException" in told


async def test_call(chats: Chatting, aws_cli: Path) -> None:
    aws = AwsCli(aws_cli, chats.world.url)
    made = await aws(
        *("connect", "start-outbound-voice-contact", *INSTANCE),
        *("--contact-flow-id", DEFAULT_FLOW_ID, "--destination-phone-number", "+12065550100"),
        *("--source-phone-number", DEFAULT_NUMBER, "--attributes", "name=Ann"),
    )
    of_it = (*INSTANCE, "--contact-id", made["ContactId"])
    described = (await aws("connect", "describe-contact", *of_it))["Contact"]
    assert described["CustomerEndpoint"]["Address"] == "+12065550100"
    assert described["Attributes"] == {"name": "Ann"}
    await aws("connect", "stop-contact", *of_it)


async def test_profile_and_mail(chats: Chatting, aws_cli: Path) -> None:
    aws = AwsCli(aws_cli, chats.world.url)
    domain = ("--domain-name", "clinic")
    await aws("customer-profiles", "create-domain", *domain, "--default-expiration-days", "30")
    mapping = {
        "Fields": {"phone": {"Source": "_source.phone", "ContentType": "PHONE_NUMBER"}},
        "Keys": {
            "_phone": [{"StandardIdentifiers": ["UNIQUE", "PROFILE"], "FieldNames": ["phone"]}]
        },
    }
    of_type = ("--object-type-name", "person")
    await aws(
        *("customer-profiles", "put-profile-object-type", *domain, *of_type),
        *("--description", "a person", "--allow-profile-creation"),
        *("--fields", json.dumps(mapping["Fields"]), "--keys", json.dumps(mapping["Keys"])),
    )
    await aws(
        *("customer-profiles", "put-profile-object", *domain, *of_type),
        *("--object", '{"phone": "+12065550100"}'),
    )
    found = await aws(
        *("customer-profiles", "search-profiles", *domain),
        *("--key-name", "_phone", "--values", "(206) 555-0100"),
    )
    assert [profile["PhoneNumber"] for profile in found["Items"]] == ["+12065550100"]
    sent = await aws(
        *("sesv2", "send-email", "--from-email-address", "no-reply@example.org"),
        *("--destination", "ToAddresses=success@simulator.amazonses.com"),
        *("--content", "Simple={Subject={Data=Hi},Body={Text={Data=there}}}"),
    )
    assert sent["MessageId"]
