"""The tools that operators' commands work with, over a worker's wiring and with its handlers' own.

Nothing here decides anything. A command opens one of these, works, and ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.mail_suppressions import SesSuppressionList
from workers.clients.media_erasure import S3Files
from workers.config import Configuration
from workers.errors import SettingsError
from workers.handlers.bounce_tracking.desk import SuppressionDesk
from workers.handlers.bounce_tracking.opt_out_sync import OptOutSyncDoor
from workers.handlers.erasure import Erasure, Tables
from workers.handlers.reminders.deps import Deps as CallDeps
from workers.limits import Limits, raised
from workers.meter import Meter
from workers.metrics import Metrics
from workers.runtime.sqs import AioSqsQueue
from workers.settings import Settings
from workers.stores.address_health import AddressBook, TableAddressHealth
from workers.stores.audit import AuditTrail
from workers.stores.deliveries import DynamoDeliveries
from workers.stores.suppressions import OptOutBook, TableSuppressions
from workers.stores.tables import DynamoTable
from workers.tools import (
    REMINDER_QUEUE,
    Ground,
    key_ring,
    relay_tools,
    reminder_tools,
    sync_tools,
)


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
        keys = await key_ring(settings, aws)
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
            sync=OptOutSyncDoor(await sync_tools(ground)),
            mail_list=SesSuppressionList(await aws.sesv2(), caller),
        )


@dataclass(frozen=True, slots=True)
class DeadLetterTools:
    """What `switchboard dlq` works with: by the queue's name, the queue and its DLQ."""

    queues: Mapping[str, AioSqsQueue]
    dlqs: Mapping[str, AioSqsQueue]
    records: DynamoDeliveries
    trail: Callable[[], Awaitable[AuditTrail]]


@asynccontextmanager
async def dead_letter_tools(settings: Settings) -> AsyncIterator[DeadLetterTools]:
    """The tools over a worker's wiring. The trail asks for the keys, and a look needs none."""
    async with Aws(AwsPolicy()) as aws:
        sqs = await aws.sqs()

        async def trail() -> AuditTrail:
            table = DynamoTable(await aws.dynamodb(), settings.suppressions_table)
            return AuditTrail(table, await key_ring(settings, aws))

        yield DeadLetterTools(
            queues={name: AioSqsQueue(sqs, url, name) for name, url in settings.queue_urls.items()},
            dlqs={
                name: AioSqsQueue(sqs, url, f"{name}-dlq")
                for name, url in settings.dlq_urls.items()
                if name in settings.queue_urls
            },
            records=DynamoDeliveries(
                await aws.dynamodb(), settings.deliveries_table, settings.clock
            ),
            trail=trail,
        )


@dataclass(frozen=True, slots=True)
class ErasureTools:
    """What `switchboard erase` works with."""

    erasure: Erasure
    trail: AuditTrail


@asynccontextmanager
async def erasure_tools(
    settings: Settings, configuration: Configuration
) -> AsyncIterator[ErasureTools]:
    """The tools over a worker's wiring, with an operator's permissions.

    Raises:
        SettingsError: the keys for data at rest cannot be had.
    """
    async with Aws(AwsPolicy()) as aws:
        caller = Caller(Meter(Metrics()), Limits(settings.clock, {}), max_wait_s=30.0)
        keys, dynamodb = await key_ring(settings, aws), await aws.dynamodb()
        tables = Tables(
            sessions=DynamoTable(dynamodb, settings.sessions_table),
            suppressions=DynamoTable(dynamodb, settings.suppressions_table),
            calls=DynamoTable(dynamodb, settings.calls_table),
            profiles=DynamoTable(dynamodb, settings.profiles_table),
        )
        files = S3Files(await aws.s3(), settings.media_bucket, caller)
        yield ErasureTools(
            erasure=Erasure(tables, files, keys, configuration, settings.clock),
            trail=AuditTrail(tables.suppressions, keys),
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
        keys = await key_ring(settings, aws)
        ground = Ground(settings, configuration, aws, caller, keys, meter, clock)
        yield await reminder_tools(ground, await relay_tools(ground))
