"""Whatever fails, is killed or comes twice, in the end every profile says what happened, once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.handlers.profile_updates.updating import RULES, Updating, ses
from workers.config import ObjectKind
from workers.errors import InDoubt, Throttled, TransientError
from workers.handlers.profile_updates.decide import decide
from workers.handlers.profile_updates.door import Events, Told
from workers.handlers.profile_updates.facts import Lens, PersonFact
from workers.handlers.profile_updates.objects import documents
from workers.handlers.profile_updates.reading import read
from workers.runtime.dispatch import Item
from workers.runtime.outcome import Defer, Discard, Done, Wait
from workers.stores.person_records import PersonState

CREATING = RULES.model_copy(update={"create": True, "window_s": 10})
PEOPLE = ("ann@example.com", "bob@example.com", "cay@example.com")
LEASE_S = 30.0


@dataclass
class Message:
    """On the queue, until somebody is done with it."""

    item: Item[Events]
    visible_at_s: float = 0.0


class Storm:
    """A fleet of two on a table and a service that fail at times, and workers that are killed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a play, not a secret
        self.workers = [Updating(CREATING, lag_s=5.0)]
        self.workers.append(self.workers[0].second_worker())
        self.clock, self.service = self.workers[0].clock, self.workers[0].service
        self.workers[0].table.pause = self._pause
        self.service.creates_before_failing = True
        self.began = self.clock.now()
        self.facts: list[PersonFact] = []
        self.queue = [Message(item) for item in self._items()]

    async def weather(self) -> None:
        """Play until the queue is empty."""
        for _ in range(400):
            if not self.queue:
                return
            now_s = self.clock.monotonic()
            visible = [m for m in self.queue if m.visible_at_s <= now_s]
            self.chance.shuffle(visible)
            batches = (visible[:6], visible[6:9])
            for message in (*batches[0], *batches[1]):
                message.visible_at_s = now_s + LEASE_S
            await asyncio.gather(
                *(self._handle(w, b) for w, b in zip(self.workers, batches, strict=True) if b)
            )
            self.clock.advance(self.chance.choice((0.5, 2.0, 11.0)))
        raise AssertionError(f"{len(self.queue)} messages never came to an end")

    async def _handle(self, worker: Updating, batch: Sequence[Message]) -> None:
        if self.chance.random() < 0.3:
            order = self.chance.choice(("search", "create", "put"))
            failure = InDoubt("CreateProfile", "cut") if order == "create" else Throttled("t")
            self.service.failures.setdefault(order, []).append(failure)
        task = asyncio.ensure_future(worker.take(*(message.item for message in batch)))
        if self.chance.random() < 0.25:
            for _ in range(self.chance.randrange(40)):
                await asyncio.sleep(0)
            task.cancel()
        try:
            told = await task
        except asyncio.CancelledError:
            return  # Killed: what it had in hand comes again after its lease.
        for message, outcome in zip(batch, told, strict=True):
            self._settle(message, outcome)

    def _settle(self, message: Message, outcome: Told) -> None:
        match outcome:
            case Done() | Discard():
                self.queue.remove(message)
            case Wait(_, after_s):
                message.visible_at_s = self.clock.monotonic() + after_s
            case Defer(until):
                message.visible_at_s = (until - self.began).total_seconds()
                if message.visible_at_s > 3_600:
                    self.queue.remove(message)  # Past the play's end.
            case _:
                raise AssertionError(outcome)

    async def _pause(self, _: str) -> None:
        await asyncio.sleep(0)
        if self.chance.random() < 0.03:
            raise TransientError("table_failed", after_s=1.0)

    def _items(self) -> list[Item[Events]]:
        documents = [self._event(serial) for serial in range(30)]
        repeated = documents + self.chance.sample(documents, 4)
        self.chance.shuffle(repeated)
        items = [self.workers[0].item(document) for document in repeated]
        for item in items:
            event = item.event[0]
            assert event.time is not None
            lens = Lens(CREATING, event.time, self.clock.now(), event.event_id or "")
            self.facts += read(event.event, lens).facts
        return items

    def _event(self, serial: int) -> dict[str, Any]:
        sent = self.began - timedelta(hours=self.chance.uniform(1, 60))
        return ses(
            self.chance.choice(("Send", "Delivery", "Open", "Click")),
            at=sent + timedelta(minutes=self.chance.uniform(1, 50)),
            sent=sent,
            message=f"m-{serial // 3}",
            to=PEOPLE[serial % 3],
            journey=self.chance.choice(("j-1", "j-2")),
            activity=f"a-{serial}",
        )


@pytest.mark.parametrize("seed", range(30))
async def test_every_profile_is_the_plain_recount(seed: int) -> None:
    storm = Storm(seed)
    await storm.weather()
    profiles = {profile.keys["email"]: who for who, profile in storm.service.profiles.items()}
    assert len(profiles) == len(storm.service.profiles) == len(PEOPLE), "one profile a person"
    for email, profile_id in profiles.items():
        facts = [fact for fact in storm.facts if email in fact.keys.values()]
        expected = documents(decide(PersonState(), facts), CREATING, storm.clock.now_ms())
        for kind in (ObjectKind.ENGAGEMENT, ObjectKind.PATHS):
            written = storm.service.objects[f"switchboard-{kind}", profile_id]
            plain = json.loads(json.dumps(expected[kind]))
            assert {name: written[name] for name in plain} == plain
