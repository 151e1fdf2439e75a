"""Profile updates on stores in memory: events in, objects out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from schemas.decode import decode_body
from schemas.decoded import Decoded
from tests.unit.handlers.profile_updates.service import FakeProfiles
from workers.config import ProfileRules
from workers.handlers.profile_updates.deps import Deps
from workers.handlers.profile_updates.deps import Meter as DepsMeter
from workers.handlers.profile_updates.door import Events, ProfileDoor, Told
from workers.handlers.profile_updates.turns import Turns
from workers.handlers.profile_updates.words import ProfileWords
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.dispatch import Item
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.people import TablePeople
from workers.testing import FakeClock

MAIL = "pat@example.com"
PHONE = "+12065550100"
RULES = ProfileRules(domain="clinic", window_s=0)


class Meter:
    """What was counted."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.merged: list[int] = []

    def profile_event(self, result: str) -> None:
        self.events[result] += 1

    def profile_written(self, kind: str) -> None:
        self.written[kind] += 1

    def profile_merged(self, events: int) -> None:
        self.merged.append(events)


class Updating:
    """One worker's profile updates; `second_worker` shares its table and its service."""

    def __init__(
        self,
        rules: ProfileRules = RULES,
        shares: Updating | None = None,
        counting: DepsMeter | None = None,
        puts_per_s: float = 1_000_000,
        **service: Any,
    ) -> None:
        self.clock: FakeClock = shares.clock if shares else FakeClock()
        self.table: MemoryTable = shares.table if shares else MemoryTable()
        self.service: FakeProfiles = (
            shares.service if shares else FakeProfiles(self.clock, **service)
        )
        self.rules, self.meter, self._nonces = rules, Meter(), count()
        self._messages = count()
        self.people = TablePeople(self.table, memory_keys())
        self.door = ProfileDoor(
            Deps(
                rules=rules,
                service=self.service,
                people=self.people,
                claims=self.people,
                clock=self.clock,
                meter=counting or self.meter,
                turns=Turns(lambda: puts_per_s, self.clock),
                new_nonce=lambda: f"{id(self)}-{next(self._nonces)}",
            )
        )
        self.words = ProfileWords(self.door)

    def second_worker(self) -> Updating:
        """Another worker of the fleet."""
        return Updating(self.rules, self)

    def item(self, *documents: Mapping[str, Any], message_id: str = "") -> Item[Events]:
        """A delivery of these events."""
        now = self.clock.now()
        delivery = Delivery(
            queue="engagement-events",
            message_id=message_id or f"{id(self)}-m{next(self._messages)}",
            receipt_handle="h",
            body="",
            attributes={},
            receive_count=1,
            sent_at=now,
            first_received_at=now,
            group=None,
            lease=Lease(self.clock, lasts_s=600, at_most_s=600),
        )
        return Item(tuple(decoded(document) for document in documents), delivery)

    async def take(self, *items: Item[Events]) -> list[Told]:
        """One batch."""
        told = await self.door.handle_batch(items)
        return [told[item] for item in items]

    def object(self, kind: str, profile_id: str) -> dict[str, Any]:
        """What is written of a kind, without whose it is."""
        person = {"profile_id", "customer_id", "phone", "email"}
        found = self.service.objects.get((f"switchboard-{kind}", profile_id), {})
        return {name: value for name, value in found.items() if name not in person} | {
            name: value for name, value in found.items() if isinstance(value, dict)
        }

    def ago(self, **since: float) -> datetime:
        """A time before now."""
        return self.clock.now() - timedelta(**since)


def decoded(document: Mapping[str, Any]) -> Decoded:
    """The one event of a document, as a worker would see it in a body."""
    (result,) = decode_body(json.dumps(document))
    assert isinstance(result, Decoded), result
    return result


def ses(
    event: str,
    *,
    at: datetime,
    message: str = "m-1",
    sent: datetime | None = None,
    to: str | list[str] = MAIL,
    **tags: str,
) -> dict[str, Any]:
    """An SES event of one mail."""
    recipients = [to] if isinstance(to, str) else to
    about = {} if event == "Send" else {"timestamp": at.isoformat()}
    if event == "Delivery":
        about["recipients"] = recipients  # type: ignore[assignment]
    return {
        "eventType": event,
        event.lower(): about,
        "mail": {
            "messageId": message,
            "timestamp": (sent or at).isoformat(),
            "destination": recipients,
            "tags": {name: [value] for name, value in tags.items()},
        },
    }


def channel_call(viewed: object, *, at: datetime, user: str = "u-4") -> dict[str, Any]:
    """A call of the "was the offer viewed" channel."""
    return {
        "Message": {},
        "Data": json.dumps({"offerName": "30% Renewal", "offerViewed": viewed}),
        "ApplicationId": "a" * 32,
        "CampaignId": "c-1",
        "TreatmentId": "0",
        "ActivityId": "act-1",
        "ScheduledTime": at.isoformat(),
        "Endpoints": {
            "ep-1": {"ChannelType": "EMAIL", "Address": MAIL, "User": {"UserId": user}},
        },
    }
