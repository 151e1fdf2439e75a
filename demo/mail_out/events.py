"""Makes the events of a mail-out: raw bodies, shuffled and partly twice, and who is who."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

OFFERS = ("Spring", "Summer")
JOURNEYS = ("j-1", "j-2", "j-3")
DUPLICATES = 0.05


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a number and a mailbox. Strangers have no profile yet, and get no texts."""

    email: str
    phone: str
    is_stranger: bool


def people(count: int) -> list[Person]:
    """Every fourth one is a stranger."""
    return [
        Person(f"person{n}@example.com", f"+1206{5550000 + n:07d}", n % 4 == 3)
        for n in range(count)
    ]


def bodies(everybody: list[Person], count: int, now: datetime, chance: random.Random) -> list[str]:
    """So many events as bodies of SQS messages, in no order, a part of them twice."""
    made: list[str] = []
    wanted = int(count / (1 + DUPLICATES))
    while len(made) < wanted:
        person = chance.choice(everybody)
        life = _text if not person.is_stranger and chance.random() < 0.2 else _mail
        made += [json.dumps(event) for event in life(person, len(made), now, chance)]
    made = made[:wanted]
    made += chance.choices(made, k=count - wanted)
    chance.shuffle(made)
    return made


def _mail(
    person: Person, serial: int, now: datetime, chance: random.Random
) -> Iterator[Mapping[str, Any]]:
    """One mail, sent lately or so long ago that its offer's window is over."""
    hours = chance.uniform(80, 300) if chance.random() < 0.5 else chance.uniform(1, 9)
    sent = now - timedelta(hours=hours)
    tags = {"journey": [chance.choice(JOURNEYS)], "activity": [f"a-{serial}"]}
    if chance.random() < 0.1:
        tags["offer"] = [chance.choice(OFFERS)]
    mail = {
        "messageId": f"m-{serial}",
        "timestamp": _iso(sent),
        "destination": [person.email],
        "tags": tags,
    }
    yield {"eventType": "Send", "send": {}, "mail": mail}
    arrived = sent + timedelta(seconds=chance.uniform(1, 60))
    about = {"timestamp": _iso(arrived), "recipients": [person.email]}
    yield {"eventType": "Delivery", "delivery": about, "mail": mail}
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        opened = arrived + timedelta(minutes=chance.uniform(1, 50))
        yield {"eventType": "Open", "open": {"timestamp": _iso(opened)}, "mail": mail}
        if chance.random() < 0.3:
            clicked = {
                "timestamp": _iso(opened + timedelta(seconds=9)),
                "link": "https://a.example",
            }
            yield {"eventType": "Click", "click": clicked, "mail": mail}


def _text(
    person: Person, serial: int, now: datetime, chance: random.Random
) -> Iterator[Mapping[str, Any]]:
    """One text of Pinpoint's, out of an archive, as a pipe brings its records."""
    at_ms = int((now - timedelta(hours=chance.uniform(1, 300))).timestamp() * 1000)
    for word, status in (("BUFFERED", "PENDING"), ("SUCCESS", "DELIVERED")):
        at_ms += chance.randint(1, 60_000)
        record = {
            "event_type": f"_SMS.{word}",
            "event_timestamp": at_ms,
            "arrival_timestamp": at_ms,
            "event_version": "3.1",
            "application": {"app_id": "a" * 32, "sdk": {}},
            "client": {"client_id": "ep-1"},
            "attributes": {
                "destination_phone_number": person.phone,
                "record_status": status,
                "message_id": f"t-{serial}",
                "journey_id": chance.choice(JOURNEYS),
                "journey_activity_id": f"a-{serial}",
            },
        }
        yield {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": f"{serial}{word}",
            "data": base64.b64encode(json.dumps(record).encode()).decode(),
            "approximateArrivalTimestamp": at_ms / 1000,
            "eventSource": "aws:kinesis",
            "eventID": f"shardId-0:{serial}{word}",
            "eventName": "aws:kinesis:record",
        }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
