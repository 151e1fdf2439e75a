"""The tools that each handler is built with.

Nothing here decides anything: one function for each handler's `Deps`, over the ground that all
of them stand on. `bootstrap.py` puts the process around them.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass
from functools import partial

from workers.clients.aws import Aws
from workers.clients.call import Caller
from workers.clients.command_queue import SqsCommandQueue
from workers.clients.connect import ConnectChats, Instance
from workers.clients.connect_voice import ConnectDialing
from workers.clients.mail_suppressions import SesSuppressionList
from workers.clients.media import S3Shelf
from workers.clients.opt_out_lists import EumOptOutPages
from workers.clients.profile_zones import ProfileZones, ZoneKeys
from workers.clients.profiles import CustomerProfiles
from workers.clients.result_bus import EventBridgeResults
from workers.clients.sms_voice import EumTexting
from workers.clock import Clock
from workers.config import Configuration, PersonKey
from workers.errors import SettingsError
from workers.handlers.bounce_tracking.deps import AddressFact
from workers.handlers.bounce_tracking.deps import Deps as BounceDeps
from workers.handlers.bounce_tracking.door import BounceDoor
from workers.handlers.bounce_tracking.opt_out_sync import OptOutSyncDoor, SyncDeps
from workers.handlers.chat_relay.commands import CommandDoor
from workers.handlers.chat_relay.contacts import ContactDoor
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.holder import Holder
from workers.handlers.chat_relay.inbound import InboundDoor
from workers.handlers.chat_relay.perform import Performer
from workers.handlers.chat_relay.receipts import ReceiptDoor
from workers.handlers.chat_relay.stream import StreamDoor
from workers.handlers.gate import Gate as SuppressionGate
from workers.handlers.profile_updates.deps import Deps as ProfileDeps
from workers.handlers.profile_updates.door import ProfileDoor
from workers.handlers.profile_updates.turns import Turns
from workers.handlers.profile_updates.words import AddressNews, ProfileWords, ReminderNews
from workers.handlers.reminders.deps import Deps as CallDeps
from workers.handlers.reminders.deps import ReminderResult
from workers.handlers.reminders.door import CallDoors
from workers.handlers.reminders.zones import has_zones
from workers.meter import Meter
from workers.routing import Doors
from workers.settings import Settings
from workers.stores.address_health import DynamoAddressHealth
from workers.stores.calls import DynamoCalls
from workers.stores.crypto import FileKeyRing, KeyRing, KmsKeyRing
from workers.stores.journal import DynamoJournal
from workers.stores.opt_out_mirror import DynamoOptOutMirror
from workers.stores.people import DynamoPeople
from workers.stores.protocols import ChatState, Journal, SessionKey
from workers.stores.recipients import DynamoRecipients
from workers.stores.suppressions import DynamoSuppressions
from workers.stores.tables import DynamoTable
from workers.stores.ticks import TableTicks

COMMAND_QUEUE = "chat-commands"
REMINDER_QUEUE = "reminders"


@dataclass(frozen=True, slots=True)
class Ground:
    """What every handler's tools stand on."""

    settings: Settings
    configuration: Configuration
    aws: Aws
    caller: Caller
    keys: KeyRing
    meter: Meter
    clock: Clock


async def relay_tools(ground: Ground) -> Deps:
    """The chat relay's tools, of which others borrow some."""
    settings, aws, keys, caller = ground.settings, ground.aws, ground.keys, ground.caller
    dynamodb = await aws.dynamodb()
    return Deps(
        config=ground.configuration,
        journal=DynamoJournal(dynamodb, settings.sessions_table, keys),
        suppressions=DynamoSuppressions(dynamodb, settings.suppressions_table, keys),
        health=DynamoAddressHealth(dynamodb, settings.suppressions_table, keys),
        chats=ConnectChats(
            connect=await aws.connect(),
            participant=await aws.connectparticipant(),
            http=await aws.http(),
            instance=Instance(settings.connect_instance_id, settings.chat_stream_topic_arn),
            caller=caller,
        ),
        texting=EumTexting(await aws.sms_voice(), caller, ground.clock),
        shelf=S3Shelf(await aws.s3(), settings.media_bucket, caller),
        commands=SqsCommandQueue(
            await aws.sqs(),
            settings.queue_urls[COMMAND_QUEUE],
            COMMAND_QUEUE,
            caller,
            settings.bend,
        ),
        clock=ground.clock,
        meter=ground.meter,
        random=random.Random(),  # noqa: S311 - jitter
        new_nonce=lambda: secrets.token_urlsafe(12),
        tracer=caller.tracer,
        recipients=DynamoRecipients(dynamodb, settings.suppressions_table, keys, ground.clock)
        if ground.configuration.bounces.eventbridge_receipts
        else None,
    )


async def profile_door(ground: Ground) -> ProfileDoor | None:
    """Profile updates; None where the file names no domain."""
    rules = ground.configuration.profiles
    if not rules.is_on:
        return None
    people = DynamoPeople(await ground.aws.dynamodb(), ground.settings.profiles_table, ground.keys)
    service = await ground.aws.customer_profiles()
    ground.caller.watch(service, "customer-profiles")
    puts = ground.caller.limits.bucket("profiles.put_object")
    return ProfileDoor(
        ProfileDeps(
            rules=rules,
            service=CustomerProfiles(service, ground.caller, rules.domain),
            people=people,
            claims=people,
            clock=ground.clock,
            meter=ground.meter,
            turns=Turns(lambda: puts.rate_per_s, ground.clock),
            new_nonce=lambda: secrets.token_urlsafe(9),
        )
    )


@dataclass(frozen=True, slots=True)
class AddressTeller:
    """Bounce tracking's words on addresses, as profile updates take them."""

    words: ProfileWords

    async def address_is(self, fact: AddressFact) -> None:
        """Write down what became of an address. Raises `TransientError` to be told again."""
        news = AddressNews(
            channel=fact.channel,
            address=fact.address,
            revision=fact.revision,
            state=fact.state,
            cause=fact.cause or "",
            words=fact.words,
            since=fact.since,
            until=fact.until,
        )
        await self.words.address_is(news)


async def bounce_tools(
    ground: Ground, relay: Deps, profiles: ProfileDoor | None = None
) -> BounceDeps:
    """Bounce tracking's tools; a provider's list is only there where the file asks for it."""
    rules = ground.configuration.bounces
    return BounceDeps(
        config=ground.configuration,
        health=relay.health,
        clock=ground.clock,
        meter=ground.meter,
        mail_list=SesSuppressionList(await ground.aws.sesv2(), ground.caller)
        if rules.ses_suppression_list
        else None,
        opt_out_lists=relay.texting if rules.eum_opt_out_list else None,
        recipients=relay.recipients,
        profiles=AddressTeller(ProfileWords(profiles)) if profiles else None,
    )


@dataclass(frozen=True, slots=True)
class ReminderTeller:
    """Reminder dialing's results, as profile updates take them."""

    words: ProfileWords

    async def reminder_ended(self, result: ReminderResult) -> None:
        """Write it down. Raises `TransientError` to be told again."""
        news = ReminderNews(
            number=result.number,
            customer_id=result.customer_id,
            reminder_id=result.reminder_id,
            result=result.result,
            at=result.at,
            attempt=result.calls,
        )
        await self.words.reminder_was(news)


async def reminder_tools(
    ground: Ground, relay: Deps, profiles: ProfileDoor | None = None
) -> CallDeps:
    """Reminder dialing's tools."""
    settings, aws, caller = ground.settings, ground.aws, ground.caller
    config = ground.configuration
    bus = config.reminders.event_bus
    if config.makes_calls and not has_zones():
        raise SettingsError("brands make calls, and there is no time zone database: install tzdata")
    return CallDeps(
        config=config,
        calls=DynamoCalls(await aws.dynamodb(), settings.calls_table, ground.keys),
        ticks=TableTicks(DynamoTable(await aws.dynamodb(), settings.calls_table)),
        new_owner=_new_owner,
        gate=SuppressionGate(relay.suppressions, relay.health, config.bounces, ground.clock),
        dialing=ConnectDialing(await aws.connect(), settings.connect_instance_id, caller),
        texting=relay.texting,
        commands=SqsCommandQueue(
            await aws.sqs(),
            settings.queue_urls[REMINDER_QUEUE],
            REMINDER_QUEUE,
            caller,
            settings.bend,
        ),
        has_open_chat=partial(_has_open_chat, relay.journal),
        clock=ground.clock,
        meter=ground.meter,
        random=relay.random,
        bus=EventBridgeResults(await aws.events(), bus, caller) if bus else None,
        profiles=ReminderTeller(ProfileWords(profiles)) if profiles else None,
        zones=await _zones(ground),
    )


async def _zones(ground: Ground) -> ProfileZones | None:
    """Where profiles say that people live; None where the file does not want them asked."""
    rules, attribute = ground.configuration.profiles, ground.configuration.reminders.profile_zone
    if not attribute:
        return None
    keys = ZoneKeys(
        phone=rules.key_name(PersonKey.PHONE),
        customer_id=rules.key_name(PersonKey.CUSTOMER_ID),
        attribute=attribute,
    )
    client = await ground.aws.customer_profiles()
    return ProfileZones(client, ground.caller, rules.domain, keys)


async def _has_open_chat(journal: Journal, ours: str, theirs: str) -> bool:
    sid = journal.session_id(SessionKey(our_number=ours, customer_number=theirs))
    session = await journal.read(sid, consistent=False)
    return session is not None and session.state in (ChatState.STARTING, ChatState.OPEN)


async def sync_tools(ground: Ground) -> SyncDeps:
    """What reads the opt-out lists of End User Messaging back in."""
    dynamodb, table = await ground.aws.dynamodb(), ground.settings.suppressions_table
    return SyncDeps(
        pages=EumOptOutPages(await ground.aws.sms_voice(), ground.caller),
        mirror=DynamoOptOutMirror(dynamodb, table, ground.keys),
        ticks=TableTicks(DynamoTable(dynamodb, table)),
        suppressions=DynamoSuppressions(dynamodb, table, ground.keys),
        clock=ground.clock,
        meter=ground.meter,
        new_owner=_new_owner,
        managed_lists=ground.configuration.managed_lists,
    )


def _new_owner() -> str:
    return secrets.token_urlsafe(9)


async def key_ring(settings: Settings, aws: Aws) -> KeyRing:
    """What data at rest is encrypted with. Raises `SettingsError` where it cannot be had."""
    if settings.key_file is not None:
        try:
            content = await asyncio.to_thread(settings.key_file.read_bytes)
        except OSError as problem:
            raise SettingsError(f"{settings.key_file}: {problem.strerror}") from None
        return FileKeyRing(content)
    if settings.kms_key_id is None:
        raise SettingsError("no key for data at rest")
    return await KmsKeyRing.load(
        await aws.kms(), await aws.dynamodb(), settings.sessions_table, settings.kms_key_id
    )


def doors_of(
    deps: Deps,
    bounces: BounceDeps,
    sync: SyncDeps,
    calls: CallDeps | None = None,
    profiles: ProfileDoor | None = None,
) -> Doors:
    """Every door over these tools; without `calls` no reminders, without `profiles` none."""
    performer = Performer(deps)
    holder = Holder(deps, performer)
    return Doors(
        inbound=InboundDoor(deps, holder),
        stream=StreamDoor(deps, holder),
        contacts=ContactDoor(deps, holder),
        receipts=ReceiptDoor(deps, performer),
        commands=CommandDoor(deps, holder, performer),
        bounces=BounceDoor(bounces),
        opt_out_sync=OptOutSyncDoor(sync),
        calls=None if calls is None else CallDoors.over(calls),
        profiles=profiles,
    )
