"""The world in which every event of `tests/events` is told, and what it is made to tell of.

Each event gets people of its own, and where it is about a chat, a text or a call, one that has
really been: then its effect can be seen from outside. The world's own word on that is lost, so that
nothing but the event itself can have had it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from schemas.own import Remind, encode_command
from simulator.contact_centre.client import DeskChat
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import SeenCall, Telephones
from simulator.ledger import Entry, iso
from tests.e2e.account import PLAIN, REMINDING
from tests.e2e.sources import somebody
from tests.e2e.stage import Customer, Stage, utc_now
from tests.events import load, names

QUEUES = {
    "sms/": "inbound-sms",
    "connect/chat_": "chat-stream",
    "connect/": "contact-events",
    "eum/": "delivery-receipts",
    "own/": "chat-commands",
}
"""By how an event's name begins, the first that fits; all others come by `engagement-events`."""
OF_A_CHAT = ("connect/chat_", "connect/contact_renamed_service")
OF_A_TEXT = ("eum/text_delivered_", "eum/text_protect", "eum/media_")
OF_A_CALL = (
    "connect/contact_detail_only",
    "connect/contact_disconnected",
    "connect/contact_record",
    "connect/contact_record_in_lambda_kinesis",
)

_A_MAILBOX = r"(?i)\b(pat|gone|full)@example\.com"
_A_NUMBER = r"\+1206555010[01]"
_OURS = r"\+12065550199|(?<!\d)24567(?!\d)"
_USER = r"\bu-4\b"
_LATELY = r"2026-11-20T1[38]:[\d:.]+Z|2026-10-01T19:[\d:.]+Z"
_CHAT_OR_CALL = r"(?<![\w-])c-(1|2|9|10)(?![\w-])"


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it was sent, and of whom it tells."""

    name: str
    customer: Customer
    mailbox: str
    chat: DeskChat | None
    body: str
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def queue(self) -> str:
        fitting = (queue for begins, queue in QUEUES.items() if self.name.startswith(begins))
        return next(fitting, "engagement-events")


def greeting(name: str) -> str:
    """What opens the chat that an event is about."""
    return f"hello {name}"


async def tell_all(stage: Stage) -> Sequence[Told]:
    """All of them. The world's own receipts are lost, and its events of `OF_A_CALL`'s calls."""
    lose = {"lose": 1.0}
    await stage.simulator.set_knobs(publications={"receipt": lose, "contact_event": lose})
    told = await asyncio.gather(*(_tell(stage, name) for name in OF_A_CALL))
    await stage.simulator.set_knobs(publications={"receipt": lose})
    others = [name for name in names() if name not in OF_A_CALL]
    return [*told, *await asyncio.gather(*(_tell(stage, name) for name in others))]


async def _tell(stage: Stage, name: str) -> Told:
    """Let happen what an event is about, and put the event on its queue."""
    customer = stage.customer(REMINDING if name.startswith(OF_A_TEXT) else PLAIN)
    mailbox, chat = somebody(), None
    words = {
        _A_MAILBOX: mailbox,
        _A_NUMBER: customer.number,
        _OURS: customer.ours,
        _USER: f"u-{mailbox}",
        _LATELY: iso(utc_now()),
    }
    if name.startswith((*OF_A_CHAT, *OF_A_TEXT)):
        chat = await stage.begin(customer, greeting(name))
        words[_CHAT_OR_CALL] = chat.contact_id
    await _plan_to_confirm(stage, customer)
    if name in OF_A_CALL:
        words[_CHAT_OR_CALL] = (await _called(stage, customer)).contact_id
    document = _in_other_words(load(name), words)
    if name.startswith(OF_A_TEXT):
        document = _about(document, await _texted(stage, customer, chat))
    told = Told(name, customer, mailbox, chat, json.dumps(document))
    await stage.sqs.send_message(
        QueueUrl=stage.world.provisioned.queue_urls[told.queue],
        MessageBody=told.body,
        MessageAttributes={"traceparent": _text(f"00-{told.trace_id}-{secrets.token_hex(8)}-01")},
    )
    return told


async def _texted(stage: Stage, customer: Customer, chat: DeskChat | None) -> Entry:
    """An agent's text, which is out."""
    assert chat is not None
    await stage.desk.say(chat.contact_id, "at two?")
    await stage.until_on_phone(customer, "at two?")
    [sent] = await stage.sends(customer)
    return sent


def _about(document: dict[str, Any], text: Entry) -> dict[str, Any]:
    """The receipt with a text's message id, and with its context if a receipt like it has one."""
    if "Message" in document:
        inner = json.dumps(_about(json.loads(document["Message"]), text))
        return {**document, "Message": inner}
    if "detail" in document:
        return {**document, "detail": _about(document["detail"], text)}
    found = {**document, "messageId": text.result["MessageId"]}
    return {**found, "context": text.params["Context"]} if "context" in found else found


async def _plan_to_confirm(stage: Stage, customer: Customer) -> None:
    async with Telephones(stage.world.simulator_url) as phones:
        await phones.plan(CalleePlan(keys="1"), number=customer.number)


async def _called(stage: Stage, customer: Customer) -> SeenCall:
    """A reminder's call that is over, confirmed, and of which no worker has heard yet."""
    asked = Remind(
        id=f"visit-{uuid.uuid4().hex}",
        brand="Reminding",
        number=customer.number,
        appointment_at=utc_now() + timedelta(days=3),
    )
    async with Telephones(stage.world.simulator_url) as phones:
        await stage.enqueue("reminders", encode_command(asked))

        async def look() -> list[SeenCall]:
            return await phones.calls(number=customer.number, state="ended")

        [call] = await stage.until(look, "the call is over")
    assert isinstance(call, SeenCall)
    return call


def _in_other_words(document: Any, words: Mapping[str, str]) -> Any:
    """The document with what these patterns find replaced, in base64 too, as streams have it."""
    match document:
        case dict():
            return {name: _in_other_words(value, words) for name, value in document.items()}
        case list():
            return [_in_other_words(value, words) for value in document]
        case str():
            return _replaced(document, words)
        case _:
            return document


def _replaced(text: str, words: Mapping[str, str]) -> str:
    try:
        inner = base64.b64decode(text, validate=True).decode()
    except ValueError:
        inner = ""  # Neither base64 nor text in it.
    if inner.startswith("{"):
        return base64.b64encode(_replaced(inner, words).encode()).decode()
    for pattern, word in words.items():
        text = re.sub(pattern, word, text)
    return text


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}
