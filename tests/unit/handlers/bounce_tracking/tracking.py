"""Bounce tracking on stores in memory: events in, standings out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded
from tests.fakes.own import CountingMeter
from workers.addresses import Channel
from workers.brands import Brand
from workers.config import BounceRules, Configuration
from workers.errors import SwitchboardError
from workers.handlers.bounce_tracking.deps import AddressFact, Deps
from workers.handlers.bounce_tracking.door import BounceDoor
from workers.handlers.bounce_tracking.standing import Standing, standing
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.outcome import Outcome
from workers.stores.address_records import AddressRecord
from workers.stores.memory import MemoryAddressHealth, MemoryTable, memory_keys
from workers.stores.recipients import TableRecipients
from workers.testing import FakeClock

OURS = "+12065550190"
PHONE = "+12065550100"
MAIL = "pat@example.com"
BRAND = Brand(
    name="Clinic",
    numbers=(OURS,),
    configuration_set="texts",
    contact_flow_id="flow",
    opt_out_list="Clinic",
)


class Lists:
    """The provider's own lists; the next calls fail with what stands in `failures`."""

    def __init__(self) -> None:
        self.mail: list[tuple[str, str]] = []
        self.numbers: list[tuple[str, str]] = []
        self.failures: list[SwitchboardError] = []

    async def suppress(self, address: str, reason: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mail.append((address, reason))

    async def opt_out(self, opt_out_list: str, number: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.numbers.append((opt_out_list, number))


class Profiles:
    """What profiles were told; the next calls fail with what stands in `failures`."""

    def __init__(self) -> None:
        self.told: list[AddressFact] = []
        self.failures: list[SwitchboardError] = []

    async def address_is(self, fact: AddressFact) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(fact)


class Tracking:
    """One worker's bounce tracking."""

    def __init__(self, rules: BounceRules | None = None, *, knows_recipients: bool = False) -> None:
        self.clock = FakeClock()
        self.rules = rules or BounceRules()
        self.health = MemoryAddressHealth()
        self.recipients = TableRecipients(MemoryTable(), memory_keys(), self.clock)
        self.lists, self.profiles, self.meter = Lists(), Profiles(), CountingMeter()
        self.door = BounceDoor(
            Deps(
                config=Configuration(brands=(BRAND,), bounces=self.rules),
                health=self.health,
                clock=self.clock,
                meter=self.meter,
                mail_list=self.lists if self.rules.ses_suppression_list else None,
                opt_out_lists=self.lists if self.rules.eum_opt_out_list else None,
                profiles=self.profiles,
                recipients=self.recipients if knows_recipients else None,
            )
        )

    async def take(self, document: Mapping[str, Any] | Decoded, *, waited_s: float = 0) -> Outcome:
        """Let the door handle a document's one event, which has been on its queue so long."""
        event = document if isinstance(document, Decoded) else decoded(document)
        now = self.clock.now()
        delivery = Delivery(
            queue="engagement-events",
            message_id="m",
            receipt_handle="h",
            body="",
            attributes={},
            receive_count=1,
            sent_at=now - timedelta(seconds=waited_s),
            first_received_at=now,
            group=None,
            lease=Lease(self.clock, lasts_s=600, at_most_s=600),
        )
        return await self.door.handle(event, delivery)

    async def record(self, address: str = MAIL) -> AddressRecord | None:
        """What is kept of an address."""
        return await self.health.find(channel_of(address), address)

    async def standing(self, address: str = MAIL) -> Standing:
        """What an address comes to now."""
        return standing(await self.record(address), self.rules, self.clock.now_ms())

    def ago(self, **since: float) -> datetime:
        """A time before now."""
        return self.clock.now() - timedelta(**since)


def channel_of(address: str) -> Channel:
    return Channel.EMAIL if "@" in address else Channel.SMS


def decoded(document: Mapping[str, Any]) -> Decoded:
    """The one event of a document, as a worker would see it in a body."""
    (result,) = decode_body(json.dumps(document))
    assert isinstance(result, Decoded), result
    return result


def of_file(document: object) -> Decoded:
    """The one event of a recorded document."""
    (result,) = decode_document(document)
    assert isinstance(result, Decoded), result
    return result


def ses(
    event: str,
    about: Mapping[str, Any],
    *,
    message: str = "m-1",
    to: str | list[str] = MAIL,
    tags: Mapping[str, list[str]] | None = None,
    key: str = "eventType",
) -> dict[str, Any]:
    """An SES event; `about` is the object named for it."""
    name = {"DeliveryDelay": "deliveryDelay"}.get(event, event.lower())
    return {
        key: event,
        name: dict(about),
        "mail": {
            "messageId": message,
            "timestamp": "2026-03-01T12:00:00Z",
            "destination": [to] if isinstance(to, str) else to,
            **({"tags": dict(tags)} if tags else {}),
        },
    }


def bounce(
    kind: str = "Permanent",
    sub: str = "General",
    *,
    at: datetime,
    to: str = MAIL,
    **keys: Any,
) -> dict[str, Any]:
    """A bounce of one address."""
    about = {
        "bounceType": kind,
        "bounceSubType": sub,
        "feedbackId": "f-1",
        "timestamp": at.isoformat(),
        "bouncedRecipients": [{"emailAddress": to}],
    }
    return ses("Bounce", about, to=to, **keys)


def delivery(*, at: datetime, to: str = MAIL, **keys: Any) -> dict[str, Any]:
    """A mail that arrived."""
    return ses("Delivery", {"timestamp": at.isoformat(), "recipients": [to]}, to=to, **keys)


def complaint(*, at: datetime, to: tuple[str, ...] = (MAIL,), **keys: Any) -> dict[str, Any]:
    """A complaint; `feedback` and `sub` are its types."""
    about = {
        "timestamp": at.isoformat(),
        "complainedRecipients": [{"emailAddress": address} for address in to],
        "complaintFeedbackType": keys.pop("feedback", "abuse"),
        "complaintSubType": keys.pop("sub", None),
    }
    return ses("Complaint", about, to=list(to), **keys)


def receipt(status: str, *, at: datetime, kind: str = "TEXT", **keys: Any) -> dict[str, Any]:
    """A final receipt of a text."""
    return {
        "eventType": f"{kind}_{status}",
        "messageStatus": status,
        "messageId": "t-1",
        "isFinal": True,
        "eventTimestamp": int(at.timestamp() * 1000),
        "destinationPhoneNumber": PHONE,
        "originationPhoneNumber": OURS,
        **keys,
    }


def again(event: Decoded, **changes: Any) -> Decoded:
    """The same event with other outsides."""
    return replace(event, **changes)
