"""Puts a worker together: the one place that knows every concrete part.

Nothing here decides anything. Read it from `run` downwards: what a worker is made of, and in which
order it comes up and goes down.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError
from pydantic import ValidationError

from workers.backpressure import gates_of
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.command_queue import SqsCommandQueue
from workers.clients.connect import ConnectChats, Instance
from workers.clients.connect_voice import ConnectDialing
from workers.clients.mail_suppressions import SesSuppressionList
from workers.clients.media import S3Shelf
from workers.clients.opt_out_lists import EumOptOutPages
from workers.clients.parcels import S3Parcels
from workers.clients.preflight import check_configuration_sets
from workers.clients.profile_zones import ProfileZones, ZoneKeys
from workers.clients.profiles import CustomerProfiles
from workers.clients.queue_counts import QueueCounter
from workers.clients.result_bus import EventBridgeResults
from workers.clients.schedules import EventBridgeSchedules, QueueTargets
from workers.clients.sms_voice import EumTexting
from workers.clients.stored_config import fetch
from workers.clock import Clock, SystemClock
from workers.config import Configuration, Loaded, ObjectVersion, PersonKey, loaded, read
from workers.embedded import EmbeddedMetrics
from workers.errors import SettingsError
from workers.handlers.bounce_tracking.deps import AddressFact
from workers.handlers.bounce_tracking.deps import Deps as BounceDeps
from workers.handlers.bounce_tracking.desk import SuppressionDesk
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
from workers.handlers.profile_updates.words import AddressNews, ProfileWords, ReminderNews
from workers.handlers.reminders.deps import Deps as CallDeps
from workers.handlers.reminders.deps import ReminderResult
from workers.handlers.reminders.door import CallDoors
from workers.handlers.reminders.zones import has_zones
from workers.limits import Limits, raised
from workers.meter import Meter
from workers.metrics import Metrics
from workers.routing import Doors, Router
from workers.runtime.backlog import Backlogs
from workers.runtime.breaker import StoredBreaker
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.deferral import Deferrals
from workers.runtime.gate import ALWAYS_OPEN, Gate
from workers.runtime.health import Health
from workers.runtime.http import health_app, serving
from workers.runtime.lean_sqs import LeanSqs
from workers.runtime.roster import LiveShare
from workers.runtime.shared import Shared
from workers.runtime.sqs import AioSqsQueue
from workers.runtime.supervisor import Companion, Supervisor, spare_the_collector, write_line
from workers.runtime.telling import Telling
from workers.runtime.tending import tend
from workers.settings import Settings, is_tracing_on
from workers.stores.address_health import AddressBook, DynamoAddressHealth, TableAddressHealth
from workers.stores.audit import AuditTrail
from workers.stores.calls import DynamoCalls
from workers.stores.crypto import FileKeyRing, KeyRing, KmsKeyRing
from workers.stores.deliveries import DynamoDeliveries
from workers.stores.journal import DynamoJournal
from workers.stores.opt_out_mirror import DynamoOptOutMirror
from workers.stores.pauses import DynamoPauses
from workers.stores.people import DynamoPeople
from workers.stores.protocols import ChatState, Journal, SessionKey
from workers.stores.recipients import DynamoRecipients
from workers.stores.roster import DynamoRoster
from workers.stores.suppressions import DynamoSuppressions, OptOutBook, TableSuppressions
from workers.stores.tables import DynamoTable
from workers.stores.ticks import TableTicks
from workers.tracing import NO_TRACER, Tracer

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_sqs import SQSClient

log = structlog.get_logger(__name__)

COMMAND_QUEUE = "chat-commands"
REMINDER_QUEUE = "reminders"
CONNECTIONS_SPARE = 16  # of each service, beyond one for each slot that may call it


async def configured(location: Path | ObjectVersion) -> Loaded:
    """Read `switchboard.toml`, from S3 where it lies there; warnings are not looked at.

    Raises:
        SettingsError: it cannot be had, or says what cannot be.
    """
    return loaded(await content_of(location), str(location))


async def content_of(location: Path | ObjectVersion) -> bytes:
    """The bytes of `switchboard.toml`.

    Raises:
        SettingsError: they cannot be had.
    """
    if isinstance(location, Path):
        return await asyncio.to_thread(read, location)
    async with Aws(AwsPolicy()) as aws:
        try:
            s3 = await aws.s3()
        except BotoCoreError as failure:  # Before any call: no Region, a wrong profile.
            kind = type(failure).__name__
            raise SettingsError(f"{location}: the AWS SDK cannot start ({kind})") from failure
        return await fetch(s3, location)


async def run(settings: Settings, queues: Sequence[str]) -> int:
    """Consume the named queues until a signal; returns the exit status.

    Raises:
        SettingsError: the wiring, the configuration or the account's own cannot work.
    """
    source = await configured(settings.config)
    configuration = source.configuration
    log.info("configured", config=source.name, config_sha256=source.sha256)
    clock, metrics = settings.clock, Metrics()
    limits = Limits(clock, raised(configuration.quotas))
    meter = Meter(metrics)
    configs = consumer_configs(settings, configuration, queues)
    async with AsyncExitStack() as stack:
        tracer = await stack.enter_async_context(_tracing(is_tracing_on()))
        aws = await stack.enter_async_context(Aws(_policy(configs.values())))
        await check_configuration_sets(
            await aws.sms_voice(),
            {brand.configuration_set for brand in configuration.brands},
            clock,
        )
        caller = Caller(meter, limits, tracer=tracer)
        tracer.watch(await aws.dynamodb())
        keys = await _key_ring(settings, aws)
        ground = Ground(settings, configuration, aws, caller, keys, meter, clock)
        deps = await _deps(ground)
        profiles = await _profiles(ground)
        doors = doors_of(
            deps,
            await _bounce_deps(ground, deps, profiles),
            await _sync_deps(ground),
            await _call_deps(ground, deps, profiles),
            profiles,
        )
        # Heartbeats are the machine's: at another pace each would take the others for dead.
        machine = SystemClock()
        fleet = Fleet.of(await aws.dynamodb(), settings.fleet_table, limits, machine, metrics)
        shared = Shared(
            clock,
            metrics,
            DynamoDeliveries(await aws.dynamodb(), settings.deliveries_table, machine),
            breaker=fleet.breaker,
            deferrals=await _deferrals(settings, aws, caller),
            tracer=tracer,
            bend=settings.bend,
        )
        work = _Work(
            Router(doors),
            gates_of(
                limits,
                _origination_identities(configuration),
                writes_profiles=configuration.profiles.is_on,
            ),
            shared,
        )
        consumers = await _consumers(settings, configs, aws, work)
        health = Health(
            [consumer.pulse for consumer in consumers],
            fleet.describe,
            {"config_sha256": source.sha256},
        )
        app = health_app(health, metrics)
        port = await stack.enter_async_context(
            serving(app, host=settings.http_host, port=settings.http_port)
        )
        log.info("http_listening", port=port)
        await fleet.share.join()
        stack.push_async_callback(fleet.share.leave)
        beating = partial(tend, fleet.share.run, queue="", task="roster", shared=shared)
        telling = await _telling(settings, tuple(configs), aws, metrics)
        spare_the_collector()
        return await Supervisor(consumers, clock, companions=[beating, *telling]).run()


async def _telling(
    settings: Settings, queues: Sequence[str], aws: Aws, metrics: Metrics
) -> list[Companion]:
    """What tells CloudWatch of metrics; nothing where there is no namespace for them."""
    if settings.metrics_namespace is None:
        return []
    counter, machine = QueueCounter(await aws.sqs()), SystemClock()

    async def count_visible(queue: str) -> int:
        return (await counter.counts(settings.queue_urls[queue])).visible

    telling = Telling(
        EmbeddedMetrics(metrics, settings.metrics_namespace, queues),
        Backlogs(queues, count_visible, metrics, machine),
        machine,
        settings.metrics_every_s,
        write_line,
    )
    return [telling.run]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a worker shares with the others: pauses, and the account's quotas."""

    breaker: StoredBreaker
    share: LiveShare
    limits: Limits

    @classmethod
    def of(
        cls, dynamodb: DynamoDBClient, table: str, limits: Limits, clock: Clock, metrics: Metrics
    ) -> Fleet:
        """Both over the fleet's table; this process has a random id."""
        roster = DynamoRoster(dynamodb, table, clock)
        return cls(
            StoredBreaker(DynamoPauses(dynamodb, table), clock),
            LiveShare(roster, secrets.token_hex(6), limits.share, clock, metrics),
            limits,
        )

    def describe(self) -> dict[str, Any]:
        """For people, on the health checks."""
        learned = {"throttled": self.limits.learned()}
        return {**self.share.describe(), **self.breaker.describe(), **learned}


def consumer_configs(
    settings: Settings, configuration: Configuration, queues: Sequence[str]
) -> dict[str, ConsumerConfig]:
    """One configuration for each queue that this process takes, all of them by default.

    Raises:
        SettingsError: a queue is not wired, or its part of the configuration is wrong.
    """
    wanted = queues or sorted(settings.queue_urls)
    unknown = sorted(set(wanted) - set(settings.queue_urls))
    if unknown:
        raise SettingsError(
            f"no URL for {', '.join(unknown)}: SWITCHBOARD_QUEUE_URLS has "
            f"{', '.join(sorted(settings.queue_urls))}"
        )
    return {name: _consumer_config(settings, configuration, name) for name in wanted}


def _consumer_config(settings: Settings, configuration: Configuration, name: str) -> ConsumerConfig:
    chosen = {"drain_s": settings.drain_s, **configuration.runtime.get(name, {})}
    try:
        return ConsumerConfig.model_validate(chosen)
    except ValidationError as exc:
        first = exc.errors()[0]
        key = ".".join(str(part) for part in ("runtime", name, *first["loc"]))
        raise SettingsError(f"{settings.config}: {key}: {first['msg']}") from exc


def _policy(configs: Iterable[ConsumerConfig]) -> AwsPolicy:
    """A call that waits for a pooled connection waits long: one for each slot and poller."""
    needed = sum(config.slots + config.pollers_max for config in configs)
    return AwsPolicy(max_connections=needed + CONNECTIONS_SPARE)


def _origination_identities(configuration: Configuration) -> set[str]:
    """What texts are sent from: a brand's own choice, or the number that was texted."""
    return {
        identity
        for brand in configuration.brands
        for identity in (
            [brand.origination_identity] if brand.origination_identity else brand.numbers
        )
    }


@dataclass(frozen=True, slots=True)
class _Work:
    """What every consumer is made with."""

    router: Router
    gates: Mapping[str, Gate]
    shared: Shared


async def _consumers(
    settings: Settings, configs: dict[str, ConsumerConfig], aws: Aws, work: _Work
) -> list[Consumer]:
    sqs = await _sqs_calls(settings, aws)
    return [
        Consumer(
            AioSqsQueue(sqs, settings.queue_urls[name], name, settings.bend),
            AioSqsQueue(sqs, settings.dlq_urls[name], f"{name}-dlq", settings.bend),
            work.router,
            config,
            work.shared,
            work.gates.get(name, ALWAYS_OPEN),
        )
        for name, config in configs.items()
    ]


async def _deferrals(settings: Settings, aws: Aws, caller: Caller) -> Deferrals:
    targets = QueueTargets(
        await aws.sqs(), caller, queue_urls=settings.queue_urls, dlq_urls=settings.dlq_urls
    )
    schedules = EventBridgeSchedules(
        await aws.scheduler(),
        caller,
        targets,
        group=settings.schedule_group,
        role_arn=settings.schedule_role_arn,
        bend=settings.bend,
    )
    return Deferrals(schedules, S3Parcels(await aws.s3(), settings.deferred_bucket, caller))


async def _sqs_calls(settings: Settings, aws: Aws) -> SQSClient | LeanSqs:
    """What the consumers receive and acknowledge with; everything else takes the client."""
    client = await aws.sqs()
    if settings.sqs_transport == "sdk":
        return client
    return LeanSqs(client, await aws.credentials())


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


async def _deps(ground: Ground) -> Deps:
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


async def _profiles(ground: Ground) -> ProfileDoor | None:
    """Profile updates; None where the file names no domain."""
    rules = ground.configuration.profiles
    if not rules.is_on:
        return None
    people = DynamoPeople(await ground.aws.dynamodb(), ground.settings.profiles_table, ground.keys)
    service = await ground.aws.customer_profiles()
    ground.caller.watch(service, "customer-profiles")
    return ProfileDoor(
        ProfileDeps(
            rules=rules,
            service=CustomerProfiles(service, ground.caller, rules.domain),
            people=people,
            claims=people,
            clock=ground.clock,
            meter=ground.meter,
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


async def _bounce_deps(
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


async def _call_deps(ground: Ground, relay: Deps, profiles: ProfileDoor | None = None) -> CallDeps:
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


async def _sync_deps(ground: Ground) -> SyncDeps:
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


@dataclass(frozen=True, slots=True)
class OperatorTools:
    """What `switchboard suppressions` works with."""

    configuration: Configuration
    desk: SuppressionDesk
    sync: OptOutSyncDoor
    mail_list: SesSuppressionList


@asynccontextmanager
async def operator_tools(
    settings: Settings, configuration: Configuration
) -> AsyncIterator[OperatorTools]:
    """The tools of an operator's command, over a worker's wiring.

    Raises:
        SettingsError: the keys for data at rest cannot be had.
    """
    clock, meter = settings.clock, Meter(Metrics())
    async with Aws(AwsPolicy()) as aws:
        caller = Caller(meter, Limits(clock, raised(configuration.quotas)), max_wait_s=30.0)
        keys = await _key_ring(settings, aws)
        ground = Ground(settings, configuration, aws, caller, keys, meter, clock)
        table = DynamoTable(await aws.dynamodb(), settings.suppressions_table)
        yield OperatorTools(
            configuration=configuration,
            desk=SuppressionDesk(
                health=TableAddressHealth(table, keys),
                addresses=AddressBook(table, keys),
                opt_outs=OptOutBook(table, keys),
                suppressions=TableSuppressions(table, keys),
                trail=AuditTrail(table, keys),
                rules=configuration.bounces,
                clock=clock,
            ),
            sync=OptOutSyncDoor(await _sync_deps(ground)),
            mail_list=SesSuppressionList(await aws.sesv2(), caller),
        )


@asynccontextmanager
async def call_tools(settings: Settings, configuration: Configuration) -> AsyncIterator[CallDeps]:
    """What `switchboard remind` and `switchboard calls` work with, over a worker's wiring.

    Raises:
        SettingsError: the keys for data at rest cannot be had, or there is no queue for reminders.
    """
    if REMINDER_QUEUE not in settings.queue_urls:
        raise SettingsError(f"SWITCHBOARD_QUEUE_URLS has no {REMINDER_QUEUE}")
    clock, meter = settings.clock, Meter(Metrics())
    async with Aws(AwsPolicy()) as aws:
        caller = Caller(meter, Limits(clock, raised(configuration.quotas)), max_wait_s=30.0)
        keys = await _key_ring(settings, aws)
        ground = Ground(settings, configuration, aws, caller, keys, meter, clock)
        yield await _call_deps(ground, await _deps(ground))


async def _key_ring(settings: Settings, aws: Aws) -> KeyRing:
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


def _tracing(is_on: bool) -> AbstractAsyncContextManager[Tracer]:
    if not is_on:
        return nullcontext(NO_TRACER)
    from workers import otlp  # brings the OpenTelemetry SDK: nobody pays for it who does not trace

    return otlp.exporting()


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
