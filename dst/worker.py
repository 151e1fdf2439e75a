"""One worker of the fleet: the production parts on a simulated process, life after life."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dst.cloud import CONFIGURATION_SET, Cloud, topic_arn
from dst.entropy import stream
from dst.loop import Process
from dst.network import Hit, Link
from dst.plan import OUR_NUMBERS, Plan
from dst.ports import CommandPort, QueuePort, TablePort
from dst.sdk import Twins
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, DEFAULT_INSTANCE_ID
from workers.brands import Brand, Texts
from workers.brands import Limits as BrandLimits
from workers.clients.call import Caller
from workers.clients.connect import ConnectChats, Instance
from workers.clients.protocols import Attachment, MediaShelf
from workers.clients.sms_voice import EumTexting
from workers.config import Configuration
from workers.errors import PermanentError
from workers.handlers.bounce_tracking.deps import Deps as BounceDeps
from workers.handlers.bounce_tracking.opt_out_sync import SyncDeps
from workers.handlers.chat_relay.deps import Deps
from workers.limits import Limits
from workers.meter import Meter
from workers.metrics import Metrics
from workers.routing import Router
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.shared import Shared
from workers.runtime.supervisor import Supervisor
from workers.stores.address_health import TableAddressHealth
from workers.stores.deliveries import TableDeliveries
from workers.stores.journal import TableJournal
from workers.stores.memory import memory_keys
from workers.stores.suppressions import TableSuppressions
from workers.testing import LoopClock
from workers.tools import doors_of

OWN_MARK = "~"
"""How our own automatic texts begin here: the judge compares people's words only."""
CALLS_OF_A_LIFE = 60
RESTARTS_AFTER_S = (0.5, 6.0)


class WallClock(LoopClock):
    """A worker's clocks: its wall clock may be off, and jump."""

    def __init__(self) -> None:
        super().__init__()
        self.off_s = 0.0

    def now(self) -> datetime:
        """The wall clock as this worker believes it."""
        return super().now() + timedelta(seconds=self.off_s)


class _NoShelf(MediaShelf):
    """Nobody sends files here."""

    async def put(self, key: str, attachment: Attachment) -> str:  # noqa: ARG002
        raise PermanentError("no_shelf")

    async def link(self, key: str, ttl_s: int) -> str:  # noqa: ARG002
        raise PermanentError("no_shelf")


class Worker:
    """A place in the fleet, in which one process lives after the other."""

    def __init__(self, name: str, cloud: Cloud, twins: Twins) -> None:
        self.name = name
        self.clock = WallClock()
        self.process: Process | None = None
        self.lives = 0
        self.kills = 0
        self._cloud = cloud
        self._twins = twins
        self._chance = stream(cloud.plan.seed, name)
        self._supervisor: Supervisor | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_calm = False

    # --- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life. The process that was there is dead."""
        self.lives += 1
        process = self.process = Process(f"{self.name}.{self.lives}")
        link = Link(
            process,
            self._cloud.far,
            self._cloud.sky,
            stream(self._cloud.plan.seed, f"link {process.name}"),
            self._cloud.trace,
        )
        if not self._is_calm:
            link.hits = self._fate()
        link.on_hit = self.strike
        link.on_trouble = partial(self._cloud.witness.troubled, process.name)
        self._cloud.trace.note(process.name, "starts")
        self._task = asyncio.get_running_loop().create_task(
            self._live(link), name=process.name, context=process.context()
        )

    def kill(self, why: str) -> None:
        """SIGKILL now, and a new life soon."""
        process = self.process
        if process is None or not process.is_alive:
            return
        self.kills += 1
        self._cloud.trace.note(process.name, "is killed", why)
        self._cloud.witness.fell(process.name)
        process.kill()
        self._restart_soon()

    def stop_for(self, seconds: float, why: str) -> None:
        """SIGSTOP now, SIGCONT later."""
        process = self.process
        if process is None or not process.is_alive or process.is_stopped:
            return
        now = asyncio.get_running_loop().time()
        self._cloud.trace.note(process.name, "stands still", f"{seconds:.3f} s,", why)
        self._cloud.witness.fell(process.name, now + seconds)
        self._cloud.witness.polled_less(now + seconds)
        process.stop()
        asyncio.get_running_loop().call_later(
            seconds, self._go_on, process, context=self._cloud.far.context
        )

    def drain(self) -> None:
        """SIGTERM now; a new life when it has drained."""
        process = self.process
        if process is None or not process.is_alive or self._supervisor is None:
            return
        self._cloud.trace.note(process.name, "is told to drain")
        now = asyncio.get_running_loop().time()
        self._cloud.witness.polled_less(now + ConsumerConfig().drain_s)
        asyncio.get_running_loop().call_soon(self._supervisor.stop, context=process.context())

    def calm(self) -> None:
        """No more mishaps from now on."""
        self._is_calm = True
        self.clock.off_s = 0.0
        if self.process is not None and self.process.is_stopped:
            self._go_on(self.process)

    def strike(self, hit: Hit, what: str) -> None:
        """What fate had for this process at this call."""
        if self._is_calm:
            return
        if hit.stop_s is None:
            self.kill(f"{hit.moment} {what}")
        else:
            self.stop_for(hit.stop_s, f"{hit.moment} {what}")

    def _go_on(self, process: Process) -> None:
        if process.is_stopped:
            self._cloud.trace.note(process.name, "goes on")
            process.go_on()

    def _restart_soon(self) -> None:
        loop, after_s = asyncio.get_running_loop(), self._chance.uniform(*RESTARTS_AFTER_S)
        self._cloud.witness.polled_less(loop.time() + after_s)
        loop.call_later(after_s, self.start, context=self._cloud.far.context)

    def _fate(self) -> dict[int, Hit]:
        mishaps, chance, hits = self._cloud.plan.mishaps, self._chance, {}
        if chance.random() < mishaps.stop:
            stop_s = chance.uniform(*mishaps.stop_s)
            hits[self._some_call()] = Hit(chance.choice(("before", "after")), stop_s)
        if chance.random() < mishaps.kill:
            hits[self._some_call()] = Hit(chance.choice(("before", "after")))
        return hits

    def _some_call(self) -> int:
        return self._chance.randint(1, CALLS_OF_A_LIFE)

    # --- what it runs -----------------------------------------------------------------------------

    async def _live(self, link: Link) -> None:
        metrics = Metrics()
        chance = stream(self._cloud.plan.seed, f"jitter {link.process.name}")
        deps = self._deps(link, metrics)
        deliveries = TablePort(self._cloud.tables["deliveries"], link, self._cloud.witness)
        shared = Shared(self.clock, metrics, TableDeliveries(deliveries, self.clock), rng=chance)
        bounces = BounceDeps(deps.config, deps.health, deps.clock, Meter(metrics))
        router, witness = Router(doors_of(deps, bounces, _no_lists(deps))), self._cloud.witness
        consumers = [
            Consumer(
                QueuePort(queue, link, witness),
                QueuePort(self._cloud.dlqs[name], link, witness),
                router,
                ConsumerConfig(),
                shared,
            )
            for name, queue in self._cloud.queues.items()
        ]
        self._supervisor = Supervisor(consumers, self.clock, write=self._receipt)
        await self._supervisor.run(handle_signals=False)
        link.process.kill()
        self._cloud.trace.note(link.process.name, "has drained")
        self._cloud.witness.fell(link.process.name)
        # A callback of the far side: this process is no more.
        self._cloud.far.context.copy().run(self._restart_soon)

    def _receipt(self, line: str) -> None:
        self._cloud.trace.note(self.name, "drains", line)

    def _deps(self, link: Link, metrics: Metrics) -> Deps:
        cloud, clock, witness = self._cloud, self.clock, self._cloud.witness
        clients = self._twins.renewed(link, cloud)
        meter = Meter(metrics)
        caller = Caller(meter, Limits(clock))
        keys = memory_keys()
        sessions = TablePort(cloud.tables["sessions"], link, witness)
        suppressions = TablePort(cloud.tables["suppressions"], link, witness)
        chance = stream(cloud.plan.seed, f"relay {link.process.name}")
        return Deps(
            config=configuration_of(cloud.plan),
            journal=TableJournal(sessions, keys, clock),
            suppressions=TableSuppressions(suppressions, keys),
            health=TableAddressHealth(suppressions, keys),
            chats=ConnectChats(
                connect=clients.connect,
                participant=clients.participant,
                http=_no_files(),
                instance=Instance(DEFAULT_INSTANCE_ID, topic_arn("chat-stream")),
                caller=caller,
            ),
            texting=EumTexting(clients.sms_voice, caller, clock),
            shelf=_NoShelf(),
            commands=CommandPort(cloud.queues["chat-commands"], link),
            clock=clock,
            meter=meter,
            random=chance,
            new_nonce=lambda: f"{chance.getrandbits(72):x}",
        )


def _no_lists(deps: Deps) -> SyncDeps:
    """Nobody reads opt-out lists back in here: our numbers manage their own."""
    nothing: Any = None
    return SyncDeps(
        nothing, nothing, nothing, deps.suppressions, deps.clock, deps.meter, lambda: ""
    )


def _no_files() -> Any:
    """In place of plain HTTP, which fetches the files that nobody sends here."""
    return None


def configuration_of(plan: Plan) -> Configuration:
    """What the workers' file would say."""
    own = {
        name: f"{OWN_MARK}{name}"
        for name in (
            "opt_out_confirmed",
            "opt_in_confirmed",
            "help",
            "busy",
            "refused",
            "idle_warning",
            "idle_closed",
        )
    }
    limits = BrandLimits(
        idle_warn_s=plan.idle_s, idle_close_s=2 * plan.idle_s, chat_starts_per_number_per_hour=50
    )
    brands = tuple(
        Brand(
            name=f"Brand {place}",
            numbers=(number,),
            configuration_set=CONFIGURATION_SET,
            contact_flow_id=DEFAULT_FLOW_ID,
            texts=Texts(ended=f"{OWN_MARK}ended" if plan.says_ended else "", **own),
            limits=limits,
            in_doubt="resend" if plan.resends else "uncertain",
            receipt_wait_s=plan.receipt_wait_s,
        )
        for place, number in enumerate(OUR_NUMBERS)
    )
    return Configuration(hold_ms_in=plan.hold_ms, hold_ms_out=plan.hold_ms, brands=brands)
