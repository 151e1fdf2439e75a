"""The chat relay on fakes: one world, and as many workers in it as a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Protocol

from schemas.connect import ChatMessage
from schemas.decode import decode_body
from schemas.decoded import Decoded
from schemas.sms_voice import InboundSms
from tests.fakes.carrier import Carrier, FakeTexting
from tests.fakes.contact_centre import ContactCentre, FakeChats
from tests.fakes.own import Commands, CountingMeter, FakeCommandQueue, FakeShelf, Shelf
from tests.fakes.wire import Faults, Wire, WiredTable
from workers.brands import Brand, Limits
from workers.clock import Clock
from workers.config import BounceRules, Configuration
from workers.handlers.bounce_tracking.deps import Deps as BounceDeps
from workers.handlers.bounce_tracking.deps import Meter as BounceMeter
from workers.handlers.bounce_tracking.door import BounceDoor
from workers.handlers.chat_relay.commands import CommandDoor
from workers.handlers.chat_relay.contacts import ContactDoor
from workers.handlers.chat_relay.deps import Deps, Meter
from workers.handlers.chat_relay.entries import text_entry
from workers.handlers.chat_relay.holder import Holder
from workers.handlers.chat_relay.inbound import InboundDoor
from workers.handlers.chat_relay.perform import Performer
from workers.handlers.chat_relay.receipts import ReceiptDoor
from workers.handlers.chat_relay.stream import StreamDoor
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.outcome import Outcome
from workers.stores.address_health import TableAddressHealth
from workers.stores.journal import TableJournal
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.protocols import ContactRef, Entry, Lane, NewEntry, Session, SessionKey
from workers.stores.recipients import TableRecipients
from workers.stores.suppressions import TableSuppressions
from workers.testing import LoopClock

OURS = "+12065550190"
THEIRS = "+12065550100"
KEY = SessionKey(our_number=OURS, customer_number=THEIRS)
BRAND = Brand(name="Clinic", numbers=(OURS,), configuration_set="texts", contact_flow_id="flow")


def brand_with(**changes: Any) -> Brand:
    """The brand, with other keys; `limits` is a mapping of those that differ."""
    limits = changes.pop("limits", None)
    if limits is not None:
        changes["limits"] = Limits(**limits)
    return BRAND.model_copy(update=changes)


class WorkerMeter(Meter, BounceMeter, Protocol):
    """Counts for every handler."""


class Worker:
    """One process: its own caches, nonces and wire, over the stores and services of all."""

    def __init__(
        self, world: World, name: str, wire: Wire, rng: Random, meter: WorkerMeter
    ) -> None:
        keys, nonces = memory_keys(), count(1)
        self.name = name
        self.deps = Deps(
            config=world.config,
            journal=TableJournal(WiredTable(world.sessions, wire), keys, world.clock),
            suppressions=TableSuppressions(
                WiredTable(world.suppressions, wire, "suppressions"), keys
            ),
            health=TableAddressHealth(WiredTable(world.suppressions, wire, "health"), keys),
            chats=FakeChats(world.centre, wire),
            texting=FakeTexting(world.carrier, world.clock, wire),
            shelf=FakeShelf(world.shelf, wire),
            commands=FakeCommandQueue(world.commands, wire),
            clock=world.clock,
            meter=meter,
            random=rng,
            new_nonce=lambda: f"{name}.{next(nonces)}",
            recipients=TableRecipients(
                WiredTable(world.suppressions, wire, "recipients"), keys, world.clock
            )
            if world.config.bounces.eventbridge_receipts
            else None,
        )
        self.journal = self.deps.journal
        self.performer = Performer(self.deps)
        self.holder = Holder(self.deps, self.performer)
        self.inbound = InboundDoor(self.deps, self.holder)
        self.stream = StreamDoor(self.deps, self.holder)
        self.contacts = ContactDoor(self.deps, self.holder)
        self.receipts = ReceiptDoor(self.deps, self.performer)
        self.commands = CommandDoor(self.deps, self.holder, self.performer)
        self.bounces = BounceDoor(
            BounceDeps(
                self.deps.config,
                self.deps.health,
                self.deps.clock,
                meter,
                recipients=self.deps.recipients,
            )
        )


@dataclass
class World:
    """Stores and services that outlive every worker; `faults` is the wire of `worker()`."""

    clock: Clock
    config: Configuration
    centre: ContactCentre
    carrier: Carrier
    shelf: Shelf
    commands: Commands
    meter: CountingMeter
    faults: Faults
    sessions: MemoryTable
    suppressions: MemoryTable

    def worker(
        self, name: str = "a", wire: Wire | None = None, rng: Random | None = None
    ) -> Worker:
        """One more process."""
        return Worker(self, name, wire or self.faults, rng or Random(7), self.meter)  # noqa: S311

    def delivery(
        self, *, receive_count: int = 1, since: datetime | None = None, lasts_s: float = 3_600
    ) -> Delivery:
        """One delivery of some message, first received at `since`."""
        now = self.clock.now()
        return Delivery(
            queue="work",
            message_id="message",
            receipt_handle="handle",
            body="",
            attributes={},
            receive_count=receive_count,
            sent_at=since or now,
            first_received_at=since or now,
            group=None,
            lease=Lease(self.clock, lasts_s=lasts_s, at_most_s=lasts_s),
        )


def make_world(
    brand: Brand = BRAND,
    *,
    hold_ms: int = 0,
    clock: Clock | None = None,
    bounces: BounceRules | None = None,
) -> World:
    """A fresh world of one brand, nothing held unless asked for."""
    clock = clock or LoopClock()
    return World(
        clock=clock,
        config=Configuration(
            brands=(brand,),
            hold_ms_in=hold_ms,
            hold_ms_out=hold_ms,
            bounces=bounces or BounceRules(),
        ),
        centre=ContactCentre(clock),
        carrier=Carrier(clock),
        shelf=Shelf(),
        commands=Commands(),
        meter=CountingMeter(),
        faults=Faults(),
        sessions=MemoryTable(),
        suppressions=MemoryTable(),
    )


class Relay:
    """A world with one worker in it, and the few moves that most tests make."""

    def __init__(
        self, brand: Brand = BRAND, *, hold_ms: int = 0, bounces: BounceRules | None = None
    ) -> None:
        self.world = make_world(brand, hold_ms=hold_ms, bounces=bounces)
        self.brand = brand
        self.clock = self.world.clock
        self.centre = self.world.centre
        self.carrier = self.world.carrier
        self.commands = self.world.commands
        self.meter = self.world.meter
        self.faults = self.world.faults
        self.worker = self.world.worker()
        self.journal = self.worker.journal
        self.sid = self.journal.session_id(KEY)
        self._texts = count(1)

    # --- moves -----------------------------------------------------------------------------------

    def sms(self, body: str = "hello", **keys: Any) -> InboundSms:
        """A text of the customer's, with an id of its own."""
        return InboundSms.model_validate(
            {
                "originationNumber": THEIRS,
                "destinationNumber": OURS,
                "messageBody": body,
                "inboundMessageId": f"in-{next(self._texts)}",
                **keys,
            }
        )

    async def text(self, body: str | InboundSms = "hello", *, age_s: float = 0) -> Outcome:
        """The customer texts us."""
        sms = self.sms(body) if isinstance(body, str) else body
        sent_at = self.clock.now() - timedelta(seconds=age_s)
        return await self.worker.inbound.handle(sms, sent_at, self.world.delivery())

    async def streamed(self, message: ChatMessage) -> Outcome:
        """The worker gets an item of the chat stream."""
        return await self.worker.stream.handle(message, self.world.delivery())

    async def agent(self, text: str = "Good day") -> Outcome:
        """The agent writes, and the worker gets it."""
        return await self.streamed(self.centre.agent_says(self.centre.newest_chat, text))

    async def notices(self) -> list[Outcome]:
        """The worker gets the notices asked for so far; each is gone once it was delivered."""
        asked, self.commands.asked = self.commands.asked, []
        notices = {n.id: n for n in Commands(asked).notices}.values()
        return [await self.worker.commands.notice(n, self.world.delivery()) for n in notices]

    async def carrier_says(self, status: str, **keys: Any) -> Outcome:
        """Bounce tracking gets a final receipt of some text to the customer."""
        receipt = {
            "eventType": f"TEXT_{status}",
            "messageStatus": status,
            "messageId": f"text-{next(self._texts)}",
            "isFinal": True,
            "eventTimestamp": self.clock.now_ms(),
            "destinationPhoneNumber": THEIRS,
            "originationPhoneNumber": OURS,
            **keys,
        }
        (decoded,) = decode_body(json.dumps(receipt))
        assert isinstance(decoded, Decoded)
        return await self.worker.bounces.handle(decoded, self.world.delivery())

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.sleep(seconds)

    async def stand_still(self, seconds: float) -> None:
        """The worker is paused for so long, its renewals too; the others go on."""
        with self.faults.standing_still():
            await self.clock.sleep(seconds)

    # --- looks -----------------------------------------------------------------------------------

    async def session(self) -> Session:
        """The conversation as the store has it."""
        found = await self.world.worker("looker", Faults()).journal.read(self.sid, consistent=True)
        assert found is not None
        return found

    async def held(self, *entries: NewEntry, nonce: str = "me") -> Session:
        """The conversation with these entries in it, its lease ours under `nonce`."""
        now = self.clock.now_ms()
        until_ms = now + self.world.config.session_lease_ms
        session: Session | None = None
        for entry in entries:
            look = await self.journal.append(KEY, entry, nonce=nonce, until_ms=until_ms, now_ms=now)
            session = look.session
        assert session is not None
        assert session.nonce == nonce
        return session

    @property
    def ref(self) -> ContactRef:
        """Who is behind the newest chat's contact."""
        token = self.centre.newest_chat.start.client_token
        return ContactRef(self.sid, int(token.split(".")[1]))


def only(session: Session, lane: Lane | None = None) -> Entry:
    """The one pending entry, of one lane or of both."""
    [entry] = [e for e in session.entries if lane is None or e.lane is lane]
    return entry


async def handled(
    relay: Relay, worker: Worker, sms: InboundSms, delivery: Delivery | None = None
) -> Outcome:
    """What a worker makes of a text, delivered now."""
    delivery = delivery or relay.world.delivery()
    return await worker.inbound.handle(sms, delivery.sent_at, delivery)


def entry_of(relay: Relay, sms: InboundSms) -> NewEntry:
    """What is journalled of a text."""
    return text_entry(
        sms.inbound_message_id, sms.message_body, relay.clock.now(), relay.clock.now_ms()
    )


async def left_behind(relay: Relay, sms: InboundSms) -> None:
    """A worker journalled this text, took the lease, and is gone."""
    now = relay.clock.now_ms()
    await relay.world.worker("gone").journal.append(
        KEY, entry_of(relay, sms), nonce="gone", until_ms=now + 30_000, now_ms=now
    )


def written(relay: Relay, text: str = "Good day") -> ChatMessage:
    """What the agent wrote in the newest chat, not yet taken in."""
    return relay.centre.agent_says(relay.centre.newest_chat, text)
