"""Which handler takes which event: decode by shape, then one table.

The queue a message came on decides nothing. What cannot be decoded is dead-lettered with the
schema path; a set-up notice, a known source's new type and an event that nobody needs are counted
and acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.connect import ChatMessage, ContactEvent
from schemas.contact_record import ContactRecord
from schemas.decode import decode_body
from schemas.decoded import Decoded, Notice, Undecodable
from schemas.event_class import EventClass
from schemas.own import CallSweep, ChatWatch, OptOutSync, Remind, ReminderWatch
from schemas.own import Notice as NoticeCommand
from schemas.pinpoint_legacy import CustomChannelCall
from schemas.sms_voice import InboundSms, MediaReceipt, TextReceipt
from workers.errors import TransientError
from workers.handlers.bounce_tracking.door import BounceDoor
from workers.handlers.bounce_tracking.opt_out_sync import OptOutSyncDoor
from workers.handlers.chat_relay.commands import CommandDoor
from workers.handlers.chat_relay.contacts import ContactDoor
from workers.handlers.chat_relay.inbound import InboundDoor
from workers.handlers.chat_relay.receipts import ReceiptDoor
from workers.handlers.chat_relay.stream import StreamDoor
from workers.handlers.profile_updates.door import Events, ProfileDoor, Told
from workers.handlers.profile_updates.reading import names_offer
from workers.handlers.reminders.door import CallDoors
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Batched, Handler, Item, Job
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Outcome, Wait

OUTAGE_LOOK_S = 5.0
_THROUGH = (Done, Discard, Defer)
"""A handler has done what there is to do now."""
NOT_NEEDED = Discard("event_type_not_needed")

Route = Callable[[Decoded, Delivery], Awaitable[Outcome]]


HANDLED: Final = frozenset(EventClass) - {EventClass.CONTACT_FLOW_REQUEST}
"""What a worker as it ships takes. A flow's request wants an answer, which no queue can give."""


def read(
    body: str, attributes: Mapping[str, str], takes: Container[EventClass]
) -> tuple[Decoded, ...] | Discard | DeadLetter:
    """The events of a message that somebody takes, or what becomes of a message without any."""
    events: list[Decoded] = []
    for result in decode_body(body, attributes):
        match result:
            case Undecodable(reason, path):
                return DeadLetter(f"undecodable_{reason}", path=path)
            case Notice():
                continue
            case Decoded():
                events.append(result)
    wanted = tuple(event for event in events if event.event_class in takes)
    if not wanted:
        return Discard("set_up_notice" if not events else "no_handler")
    return wanted


@dataclass(frozen=True, slots=True)
class Doors:
    """The chat relay's five, bounce tracking's, and where there are calls or profiles, theirs."""

    inbound: InboundDoor
    stream: StreamDoor
    contacts: ContactDoor
    receipts: ReceiptDoor
    commands: CommandDoor
    bounces: BounceDoor
    opt_out_sync: OptOutSyncDoor
    calls: CallDoors | None = None
    profiles: ProfileDoor | None = None


class Router:
    """Decodes a delivery and names its handler; the runtime's `Dispatcher`."""

    def __init__(self, doors: Doors) -> None:
        self._routes: dict[EventClass, Route] = {
            EventClass.INBOUND_SMS: _inbound(doors.inbound, doors.calls),
            EventClass.CONNECT_CHAT_MESSAGE: _stream(doors.stream),
            EventClass.CONNECT_CONTACT_EVENT: _contact(doors.contacts, doors.calls),
            EventClass.EUM_EVENT: _each(_bounce(doors.bounces), _receipt(doors.receipts)),
            EventClass.SES_EVENT: _bounce(doors.bounces),
            EventClass.PINPOINT_EVENT: _bounce(doors.bounces),
            EventClass.COMMAND: _command(doors.commands, doors.opt_out_sync, doors.calls),
        }
        if doors.profiles is not None:
            self._routes[EventClass.PINPOINT_CUSTOM_CHANNEL] = _nobody
        if doors.calls is not None:
            self._routes[EventClass.EUM_EVENT] = _each(
                self._routes[EventClass.EUM_EVENT], _call_text(doors.calls)
            )
            self._routes[EventClass.CONNECT_CONTACT_RECORD] = _contact_record(doors.calls)
            self._routes[EventClass.PINPOINT_CUSTOM_CHANNEL] = _custom_channel(doors.calls)
        self._profiles = doors.profiles

    def plan(self, delivery: Delivery) -> Job | Discard | DeadLetter:
        """What is to be done with a delivery."""
        wanted = read(delivery.body, delivery.attributes, self.takes)
        if not isinstance(wanted, tuple):
            return wanted
        first = wanted[0]
        return Job(
            key=None,  # the session journal orders what needs an order
            event_class=first.event_class,
            event_type=first.event_type,
            event_id=first.event_id or delivery.message_id,
            run=self._handler(wanted),
        )

    @property
    def takes(self) -> frozenset[EventClass]:
        """The classes of events that have a handler."""
        return frozenset(self._routes)

    def _handler(self, wanted: Events) -> Handler | Batched[Events]:
        """What concerns profiles too is handled with others: a mail-out's opens come in a flood."""
        if self._profiles is None or not any(self._profiles.wants(e.event) for e in wanted):
            return lambda taken: self._run(wanted, taken)
        if any(event.event_class is EventClass.INBOUND_SMS for event in wanted):
            return lambda taken: self._run_alone(Item(wanted, taken))  # An agent waits for it.
        return Batched(self._run_together, wanted)

    async def _run_alone(self, item: Item[Events]) -> Outcome:
        """A text is not to come again for the profile's sake: it is written at once."""
        told = await self._run(item.event, item.delivery)
        if self._profiles is None or not isinstance(told, Done | Discard):
            return told
        said = await self._profiles.handle_alone(item)
        if isinstance(said, BaseException):
            raise said
        return told if isinstance(said, Discard) else said

    async def _run_together(self, items: Sequence[Item[Events]]) -> Mapping[Item[Events], Told]:
        """Each event's own handlers at once, and profiles for those that are through.

        Both are idempotent, so a message that profiles cannot finish yet comes back to both.
        """
        own = await asyncio.gather(*(self._own(item) for item in items))
        told = dict(zip(items, own, strict=True))
        through = [item for item, said in told.items() if isinstance(said, _THROUGH)]
        if self._profiles is not None and through:
            for item, said in (await self._profiles.handle_batch(through)).items():
                told[item] = _of_both(told[item], said)
        return told

    async def _own(self, item: Item[Events]) -> Told:
        try:
            return await self._run(item.event, item.delivery)
        except Exception as error:  # noqa: BLE001 - the outcome table says what each means
            return error

    async def _run(self, events: Events, delivery: Delivery) -> Outcome:
        """Handle each event of a delivery; the first that is not settled settles the delivery.

        One message carries one event, but for lists of records that somebody replays: handlers
        are idempotent, so those already done are done again at no harm.
        """
        outcomes: list[Outcome] = [Done()]
        for event in events:
            outcomes.append(await self._handle(event, delivery))
            if not isinstance(outcomes[-1], _THROUGH):
                return outcomes[-1]
        return _soonest(outcomes) or outcomes[-1]

    async def _handle(self, event: Decoded, delivery: Delivery) -> Outcome:
        """One event. What time heals is no failed attempt of the message (ADR 0010)."""
        try:
            return await self._routes[event.event_class](event, delivery)
        except TransientError as exc:
            return Wait(exc.reason, exc.after_s or OUTAGE_LOOK_S)


def _soonest(outcomes: Sequence[Outcome]) -> Defer | None:
    """The first of several times at which a message is to come back."""
    later = [outcome for outcome in outcomes if isinstance(outcome, Defer)]
    return min(later, key=lambda defer: defer.until, default=None)


def _of_both(own: Told, profiles: Told) -> Told:
    """What becomes of a message that an event's own handler is through with, and profiles too."""
    is_beside = isinstance(profiles, Discard) and isinstance(own, Done)
    is_to_return = isinstance(own, Defer) and isinstance(profiles, _THROUGH)
    return own if is_beside or is_to_return else profiles


async def _nobody(decoded: Decoded, delivery: Delivery) -> Outcome:  # noqa: ARG001 - a route
    """No handler of its own: profiles alone want it."""
    return NOT_NEEDED


def _inbound(door: InboundDoor, calls: CallDoors | None) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        match decoded.event:
            case InboundSms() as sms:
                answered = await calls.replies.take(sms) if calls is not None else None
                if answered is not None:
                    return answered
                return await door.handle(sms, decoded.time, delivery)
            case _:
                return NOT_NEEDED

    return route


def _stream(door: StreamDoor) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        match decoded.event:
            case ChatMessage() as event:
                return await door.handle(event, delivery)
            case _:
                return NOT_NEEDED

    return route


def _contact(door: ContactDoor, calls: CallDoors | None) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        match decoded.event:
            case ContactEvent(channel="VOICE") as event if calls is not None:
                return await calls.endings.event(event, delivery)
            case ContactEvent() as event:
                return await door.handle(event, delivery)
            case _:
                return NOT_NEEDED

    return route


def _receipt(door: ReceiptDoor) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        match decoded.event:
            case TextReceipt() | MediaReceipt() as receipt:
                return await door.handle(receipt, delivery)
            case _:
                return NOT_NEEDED

    return route


def _bounce(door: BounceDoor) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        return await door.handle(decoded, delivery)

    return route


def _each(*routes: Route) -> Route:
    """Several handlers of one event. The first that is not through settles the delivery.

    It comes back if one wants it to; Done if one did something; else what the last one says.
    """

    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        outcomes: list[Outcome] = []
        for one in routes:
            outcome = await one(decoded, delivery)
            outcomes.append(outcome)
            if not isinstance(outcome, _THROUGH):
                return outcome
        done = next((o for o in outcomes if isinstance(o, Done)), outcomes[-1])
        return _soonest(outcomes) or done

    return route


def _call_text(calls: CallDoors) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:  # noqa: ARG001 - a route
        match decoded.event:
            case TextReceipt() as receipt:
                return await calls.texts.receipt(receipt.context, receipt.message_id)
            case _:
                return NOT_NEEDED

    return route


def _contact_record(calls: CallDoors) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:  # noqa: ARG001 - a route
        match decoded.event:
            case ContactRecord() as record:
                return await calls.endings.record(record)
            case _:
                return NOT_NEEDED

    return route


def _custom_channel(calls: CallDoors) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        match decoded.event:
            case CustomChannelCall() as call if not names_offer(call):
                return await calls.reminders.custom_channel(call, delivery)
            case _:
                return NOT_NEEDED

    return route


def _command(door: CommandDoor, sync: OptOutSyncDoor, calls: CallDoors | None) -> Route:
    async def route(decoded: Decoded, delivery: Delivery) -> Outcome:
        match decoded.event:
            case NoticeCommand() as notice:
                return await door.notice(notice, delivery)
            case ChatWatch() as watch:
                return await door.watch(watch, delivery)
            case OptOutSync() as tick:
                return await sync.handle(tick, delivery)
            case Remind() | ReminderWatch() | CallSweep() as command if calls is not None:
                return await _about_calls(calls, command, delivery)
            case _:
                return NOT_NEEDED

    return route


async def _about_calls(
    calls: CallDoors, command: Remind | ReminderWatch | CallSweep, delivery: Delivery
) -> Outcome:
    match command:
        case Remind():
            return await calls.reminders.remind(command)
        case ReminderWatch():
            return await calls.watches.watch(command, delivery)
        case CallSweep():
            return await calls.endings.sweep(command)
