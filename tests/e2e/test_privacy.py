"""Who said what to whom is nowhere but where it must be: canaries, and a look everywhere else."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from urllib.parse import quote, quote_plus

import boto3

from tests.e2e.account import REMINDING, SHORT_LIMITS
from tests.e2e.stage import Stage, attributes_of, utc_now
from tests.e2e.theatre import scene

BODIES = (
    "canary Zwölf/Gelbe+Vögel",
    'my "secret" is 4711 & more',
    "agent canary 鳥 über 99 Wolken",
)
CALLEE = "Canary Callee Ünal"
MAILBOX = "canary.person@mailbox.example"
SHORTEST_CANARY = 8


@scene(slow=True)
async def test_numbers_bodies_and_tokens_are_in_no_log_metric_dead_letter_or_table(
    stage: Stage,
) -> None:
    await _play(stage)
    canaries = await _canaries(stage)
    assert len(canaries) > 8
    for place, text in [found async for found in _places(stage)]:
        lowered = text.lower()
        for kind, canary in canaries:
            for form in forms(canary):
                assert form.lower() not in lowered, f"a {kind} stands in {place}: {form!r}"


def test_the_search_finds_a_canary_in_every_disguise() -> None:
    canary = BODIES[0]
    disguises = (
        canary,
        quote(canary),
        quote_plus(canary),
        json.dumps(canary),
        json.dumps(json.dumps(canary)),
        base64.b64encode(canary.encode()).decode(),
        base64.b64encode(f"x{canary}y".encode()).decode(),
        base64.urlsafe_b64encode(f"xy{canary}z".encode()).decode(),
        repr(canary),
        canary.encode().hex(),
    )
    for disguise in disguises:
        text = f"something {disguise} else".lower()
        assert any(form.lower() in text for form in forms(canary)), disguise


async def _play(stage: Stage) -> None:
    """Every way in which something can be told to somebody who should not know."""
    customer = stage.customer(SHORT_LIMITS)
    chat = await stage.begin(customer, BODIES[0])
    await stage.text(customer, BODIES[1])
    await stage.desk.say(chat.contact_id, BODIES[2])
    await stage.until_in_chat(chat, BODIES[1])
    await stage.until_on_phone(customer, BODIES[2])
    await stage.desk.expire_tokens(chat.contact_id)
    await stage.simulator.set_carrier("blocked", number=customer.number)
    await stage.spoil_sends(customer, "refuse:ValidationException:INVALID_PARAMETER")
    for _ in range(2):
        await stage.desk.say(chat.contact_id, BODIES[2])
    await stage.spoil_saying(BODIES[0], "error_500", 6)
    await stage.text(customer, BODIES[0])
    await stage.enqueue("inbound-sms", f"{BODIES[1]} from {customer.number}, broken")
    broken = json.dumps({**attributes_of(customer), "originationNumber": customer.number})
    await stage.enqueue("inbound-sms", broken)
    await stage.dead_letter("inbound-sms", broken)
    await stage.until_in_chat(chat, BODIES[0], BODIES[0], timeout_s=60)
    await _bounces(stage)
    await _reminder(stage)
    await stage.text(customer, "STOP")

    async def look() -> bool:
        return (await stage.desk.chat(chat.contact_id)).state == "ended"

    await stage.until(look, "the opt-out ended the chat")


async def _reminder(stage: Stage) -> None:
    """A call about an appointment, its text, the answer, and a wish for a call that is broken."""
    callee = stage.customer(REMINDING)
    wish = {
        "switchboard": "remind",
        "version": 1,
        "id": "canary-visit",
        "brand": "Reminding",
        "number": callee.number,
        "name": CALLEE,
        "appointment_at": (utc_now() + timedelta(days=2)).isoformat(),
        "attributes": {"note": CALLEE},
    }
    await stage.enqueue("reminders", json.dumps(wish))

    async def look() -> bool:
        return bool(await stage.on_phone(callee))

    await stage.until(look, "the text after the call came")
    await stage.text(callee, "1")
    broken = json.dumps({**wish, "zone": CALLEE * 9})
    await stage.enqueue("reminders", broken)
    await stage.dead_letter("reminders", broken)


async def _bounces(stage: Stage) -> None:
    """A mailbox that is gone, and one that nobody could write to."""
    recipients = [{"emailAddress": MAILBOX, "diagnosticCode": f"550 <{MAILBOX}> unknown"}]
    about = {"bounceType": "Permanent", "bounceSubType": MAILBOX, "bouncedRecipients": recipients}
    bounce = {"eventType": "Bounce", "bounce": about, "mail": {"messageId": "canary"}}
    await stage.enqueue("engagement-events", json.dumps(bounce))
    recipients.append({"emailAddress": f"{MAILBOX} and more"})
    body = json.dumps(bounce)
    await stage.enqueue("engagement-events", body)
    await stage.dead_letter("engagement-events", body)


async def _canaries(stage: Stage) -> set[tuple[str, str]]:
    """What the canary customers said and were told, and whatever else this world has seen."""
    found = {("body", body) for body in BODIES} | {("address", MAILBOX), ("name", CALLEE)}
    for entry in await stage.simulator.ledger():
        params = entry.params
        if entry.name == "StartChatContact":
            found.add(("number", params["Attributes"]["sb_customer_number"]))
        if entry.name == "StartOutboundVoiceContact":
            found.add(("number", params["DestinationPhoneNumber"]))
        for name in ("ConnectionToken", "ParticipantToken"):
            if name in params:
                found.add(("token", params[name]))
        if entry.name in ("SendMessage", "inbound_text_published", "SendTextMessage"):
            body = next(
                (params[n] for n in ("Content", "messageBody", "MessageBody") if n in params), ""
            )
            if len(body) >= SHORTEST_CANARY and re.search(r"\d.*\s|\s.*\d", body):
                found.add(("body", body[:200]))
    return {(kind, text) for kind, text in found if len(text) >= SHORTEST_CANARY}


async def _places(stage: Stage) -> AsyncIterator[tuple[str, str]]:
    """Every output of the workers and every table, as text."""
    for path in stage.world.worker_logs():
        yield path.name, path.read_text("utf-8", errors="replace")
    for page in await stage.metric_pages():
        yield "/metrics", page
    for queue in stage.world.provisioned.dlq_urls:
        for letter in await stage.dead_letters(queue):
            yield f"attributes in {queue}", json.dumps(dict(letter.attributes), ensure_ascii=False)
    for table in stage.world.provisioned.tables.values():
        for item in await asyncio.to_thread(_dump, stage, table):
            yield f"table {table}", "\n".join(_as_text(item))


def _dump(stage: Stage, table: str) -> list[object]:
    client = boto3.client("dynamodb", **stage.world.aws.client_arguments("DynamoDB"))
    pages = client.get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def _as_text(value: object) -> Iterator[str]:
    """Every string and every byte of an item, bytes read as text in both ways."""
    match value:
        case dict():
            for key, inner in value.items():
                yield str(key)
                yield from _as_text(inner)
        case list() | set():
            for inner in value:
                yield from _as_text(inner)
        case bytes():
            yield value.decode("utf-8", errors="replace")
            yield base64.b64encode(value).decode("ascii")
        case _:
            yield str(value)


def forms(canary: str) -> set[str]:
    """How a text may look after somebody has written it down."""
    raw = canary.encode()
    found = {
        canary,
        quote(canary),
        quote(canary, safe=""),
        quote_plus(canary),
        json.dumps(canary)[1:-1],
        json.dumps(canary, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(canary))[3:-3],
        repr(canary)[1:-1],
        raw.hex(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # What stands before the canary shifts its letters: only its middle stays the same.
            coded = encode(b"\x00" * shift + raw).decode("ascii").rstrip("=")
            found.add(coded[4 if shift else 0 : -4])
    digits = canary.removeprefix("+")
    if digits.isdigit() and len(digits) >= SHORTEST_CANARY:
        found.add(digits)
    return {form for form in found if len(form) >= SHORTEST_CANARY}
