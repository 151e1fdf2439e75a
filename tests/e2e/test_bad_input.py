"""What nobody should send, and somebody does: to the dead-letter queue, with its reason."""

from __future__ import annotations

import asyncio
import json
import uuid

import boto3

from tests.e2e.account import NOBODYS, PLAIN
from tests.e2e.stage import QUIET_S, Customer, Stage, inbound_payload, sns_envelope, utc_now
from tests.e2e.theatre import scene

SQS_MAX_BYTES = 1_048_576


@scene()
async def test_each_malformed_body_is_dead_lettered_byte_for_byte_with_its_reason(
    stage: Stage,
) -> None:
    mark = uuid.uuid4().hex
    lacking = json.dumps({"originationNumber": "+12065550100", "messageBody": mark})
    bodies = [
        f"no json at all {mark}",
        '{"cut": "' + mark,
        json.dumps({"nobody": "knows this shape", "mark": mark}),
        lacking,
        "[" * 5_000 + f'"{mark}"' + "]" * 5_000,
        '{"a":' * 3_000 + f'"{mark}"' + "}" * 3_000,
        json.dumps({"Type": "Notification", "Message": mark}),
        f'{{"number": 1{"0" * 5_000}, "mark": "{mark}"}}',
    ]
    good = stage.customer()
    for body in bodies:
        await stage.enqueue("inbound-sms", body)
    chat = await stage.begin(good, "the rest of the queue is unharmed")
    letters = await asyncio.gather(*(stage.dead_letter("inbound-sms", body) for body in bodies))
    for letter in letters:
        assert letter.reason is not None
        assert letter.reason.startswith("undecodable_"), letter.reason
        assert letter.attributes["source_queue"] == "inbound-sms"
        assert mark not in json.dumps(dict(letter.attributes))
    assert letters[3].attributes["schema_path"]
    assert await stage.until_in_chat(chat, "the rest of the queue is unharmed")


@scene()
async def test_a_text_from_no_number_or_to_nobodys_number_is_dead_lettered(stage: Stage) -> None:
    stranger = stage.customer()
    odd = Customer("+1", PLAIN)
    named = Customer("ACME", PLAIN)
    nobodys = Customer(stranger.number, NOBODYS)
    topic = stage.world.provisioned.topic_arns["inbound-sms"]
    reasons = {}
    for who in (odd, named, nobodys):
        body = sns_envelope(topic, json.dumps(inbound_payload(who, "hello")), utc_now())
        await stage.enqueue("inbound-sms", body)
        reasons[who.number, who.ours] = (await stage.dead_letter("inbound-sms", body)).reason
    assert reasons == {
        ("+1", PLAIN): "invalid_customer_number",
        ("ACME", PLAIN): "invalid_customer_number",
        (stranger.number, NOBODYS): "unknown_our_number",
    }


@scene()
async def test_a_body_of_the_largest_size_is_kept_bare_and_its_reason_apart(stage: Stage) -> None:
    """Attributes count in a message's size: with a reason it would be too big for the queue."""
    mark = uuid.uuid4().hex
    body = mark + "x" * (SQS_MAX_BYTES - len(mark))
    message_id = await stage.enqueue("inbound-sms", body)
    letter = await stage.dead_letter("inbound-sms", body, timeout_s=30)
    assert letter.attributes == {}
    records = [record for record in await _records(stage) if message_id in record]
    assert len(records) == 2, "by the original's message id, and by what its copy has: the body"
    assert all("undecodable_not_json" in record for record in records)


@scene()
async def test_characters_that_the_other_side_refuses_are_left_out(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.text(customer, "nul\x00 bell\x07 end")
    said = await stage.until(
        lambda: _after(stage.from_customer(chat), 1), "the text came without them"
    )
    assert "\x00" not in said[1]
    assert "\x07" not in said[1]
    assert said[1].startswith("nul")
    assert said[1].endswith("end")
    await stage.desk.say(chat.contact_id, "null\x00 bell\x07 end")
    texts = await stage.until(lambda: _after(stage.on_phone(customer), 0), "the answer came")
    assert "\x00" not in texts[0]
    assert texts[0].endswith("end")


@scene()
async def test_a_text_of_nothing_but_control_characters_harms_nobody(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.text(customer, "\x00\x01\x02")
    await stage.text(customer, "and now in words")
    await stage.until_in_chat(chat, "and now in words")


@scene()
async def test_an_unknown_event_type_of_a_known_source_is_counted_and_acknowledged(
    stage: Stage,
) -> None:
    body = json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Amazon Connect Something New",
            "source": "aws.connect",
            "account": "000000000000",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {"contactId": str(uuid.uuid4()), "whatever": True},
        }
    )
    before = await stage.metric("outcomes_total", queue="contact-events", outcome="discarded")
    await stage.enqueue("contact-events", body)

    async def look() -> bool:
        now = await stage.metric("outcomes_total", queue="contact-events", outcome="discarded")
        return now > before

    await stage.until(look, "it is counted as discarded")
    assert all(letter.body != body for letter in await stage.dead_letters("contact-events"))


@scene()
async def test_a_message_of_a_contact_that_nobody_knows_yet_waits(stage: Stage) -> None:
    """It may be ahead of the record of its contact: only after minutes is it dead-lettered."""
    contact_id = str(uuid.uuid4())
    await stage.publish_chat_item(contact_id, "is this chat ours?", utc_now())

    async def look() -> bool:
        labels = {"queue": "chat-stream", "reason": "contact_not_known_yet"}
        return await stage.metric("outcomes_total", outcome="waited", **labels) >= 1

    await stage.until(look, "it waits")
    await asyncio.sleep(QUIET_S)
    letters = await stage.dead_letters("chat-stream")
    assert all(contact_id not in letter.body for letter in letters)


@scene()
async def test_a_command_of_another_version_is_not_half_understood(stage: Stage) -> None:
    body = json.dumps({"switchboard": "notice", "version": 9, "sid": "x" * 26, "gen": 1})
    await stage.enqueue("chat-commands", body)
    letter = await stage.dead_letter("chat-commands", body)
    assert letter.reason is not None
    assert letter.reason.startswith("undecodable_command")


async def _after(found: object, count: int) -> list[str]:
    texts: list[str] = await found  # type: ignore[misc]
    return texts if len(texts) > count else []


async def _records(stage: Stage) -> list[str]:
    """The dead-letter records, as an operator would list them."""
    table = stage.world.provisioned.tables["deliveries"]
    client = boto3.client("dynamodb", **stage.world.aws.client_arguments("DynamoDB"))
    found = await asyncio.to_thread(client.scan, TableName=table)
    return [json.dumps(item) for item in found["Items"]]
