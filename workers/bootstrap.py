"""Puts a worker together: the one place that knows every concrete part.

Nothing here decides anything. Read it from `run` downwards: what a worker is made of, and in which
order it comes up and goes down.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
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
from workers.clients.parcels import S3Parcels
from workers.clients.preflight import check_configuration_sets
from workers.clients.queue_counts import QueueCounter
from workers.clients.schedules import EventBridgeSchedules, QueueTargets
from workers.clients.stored_config import fetch
from workers.clock import Clock, SystemClock
from workers.config import Configuration, Loaded, ObjectVersion, loaded, read
from workers.embedded import EmbeddedMetrics
from workers.errors import SettingsError
from workers.limits import Limits, raised
from workers.meter import Meter
from workers.metrics import Metrics
from workers.routing import Router
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
from workers.settings import PREFIX, Settings, is_tracing_on
from workers.stores.deliveries import DynamoDeliveries
from workers.stores.pauses import DynamoPauses
from workers.stores.roster import DynamoRoster
from workers.tracing import NO_TRACER, Tracer

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_sqs import SQSClient
from workers.tools import (
    Ground,
    bounce_tools,
    doors_of,
    key_ring,
    profile_door,
    relay_tools,
    reminder_tools,
    sync_tools,
)

log = structlog.get_logger(__name__)

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
        keys = await key_ring(settings, aws)
        ground = Ground(settings, configuration, aws, caller, keys, meter, clock)
        deps = await relay_tools(ground)
        profiles = await profile_door(ground)
        doors = doors_of(
            deps,
            await bounce_tools(ground, deps, profiles),
            await sync_tools(ground),
            await reminder_tools(ground, deps, profiles),
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
                are_writes_far=profiles.is_far_ahead if profiles else None,
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
        try:
            port = await stack.enter_async_context(
                serving(app, host=settings.http_host, port=settings.http_port)
            )
        except OSError as problem:
            where = f"{settings.http_host}:{settings.http_port}"
            why = os.strerror(problem.errno) if problem.errno else str(problem)
            raise SettingsError(f"{PREFIX}HTTP_PORT: cannot listen on {where}: {why}") from None
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


def _tracing(is_on: bool) -> AbstractAsyncContextManager[Tracer]:
    if not is_on:
        return nullcontext(NO_TRACER)
    from workers import otlp  # brings the OpenTelemetry SDK: nobody pays for it who does not trace

    return otlp.exporting()
