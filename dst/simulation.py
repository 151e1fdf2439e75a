"""One seed, from its plan to its ruling."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import structlog

from dst.cloud import Cloud
from dst.entropy import seeded_entropy, stream
from dst.loop import SimulationLoop
from dst.network import Sky
from dst.people import People
from dst.plan import WORKERS_MAX, Plan, Weather, plan_of
from dst.sdk import Twins, templates
from dst.trace import Trace
from dst.verdict import Bench, Ruling
from dst.witness import Witness
from dst.worker import Worker

SPEAKING_MAX_S = 400.0
LOOK_EVERY_S = 2.0
SETTLING_S = 90.0
QUIET_LOOKS = 3
DRAINED_WITHIN_S = 3_600.0
BUGS = frozenset({"handler_failed", "settling_failed", "task_restarted", "dead_letter_failed"})
"""What the workers log when something happened that no fault explains."""
DEAD_LETTERS_EXPLAINED: frozenset[str] = frozenset({"kills_its_worker", "chat_closed_at_once"})


class Fleet:
    """What is expensive to make and serves one simulation after the other: the SDK's clients."""

    def __init__(self) -> None:
        made = templates()
        self.twins = [Twins(made) for _ in range(WORKERS_MAX)]


@dataclass(slots=True)
class Outcome:
    """What one seed came to."""

    seed: int
    ruling: Ruling
    events: int
    virtual_s: float
    digest: str
    kills: int
    lines: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing that fails a seed."""
        return not self.ruling.broken


def simulate(seed: int, fleet: Fleet, *, keeps_trace: bool = False) -> Outcome:
    """Run one seed. The same seed gives the same outcome, digest included."""
    loop = SimulationLoop()
    reported: list[str] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(str(context["message"])))
    gc_was_on = gc.isenabled()
    gc.disable()  # A destructor in the midst of things would run at another place next time.
    asyncio.set_event_loop(loop)
    try:
        with seeded_entropy(seed):
            outcome = loop.run_until_complete(_simulate(plan_of(seed), fleet, keeps_trace))
        outcome.ruling.broken += [f"loop: {each}" for each in reported]
        _bury_tasks(loop)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        if gc_was_on:
            gc.enable()
    return outcome


async def _simulate(plan: Plan, fleet: Fleet, keeps_trace: bool) -> Outcome:
    return await _Simulation(plan, fleet, keeps_trace).run()


def _bury_tasks(loop: SimulationLoop) -> None:
    """Take apart what the dead left behind, where nobody hears it and nothing is reached."""
    structlog.configure(processors=[_drop])
    for task in asyncio.all_tasks(loop):
        silent: Any = task
        silent._log_destroy_pending = False
        # Code that awaits while it is being closed is told so by a RuntimeError.
        with contextlib.suppress(RuntimeError):
            silent.get_coro().close()


def _drop(_logger: object, _method: str, _event: MutableMapping[str, Any]) -> NoReturn:
    raise structlog.DropEvent


class _Simulation:
    def __init__(self, plan: Plan, fleet: Fleet, keeps_trace: bool) -> None:
        self._plan = plan
        self._trace = Trace(keeps=keeps_trace)
        self._sky = Sky(plan.weather)
        self._cloud = Cloud(plan, self._sky, Witness(), self._trace)
        self._people = People(self._cloud)
        self._workers = [
            Worker(f"w{number}", self._cloud, twins)
            for number, twins in enumerate(fleet.twins[: plan.workers], 1)
        ]
        self._chance = stream(plan.seed, "mishaps")
        self._bugs: list[str] = []

    async def run(self) -> Outcome:
        structlog.configure(processors=[self._log], cache_logger_on_first_use=False)
        for worker in self._workers:
            if self._plan.mishaps.skew_s:
                worker.clock.off_s = self._chance.uniform(-1, 1) * self._plan.mishaps.skew_s
            worker.start()
        mishaps = [
            asyncio.ensure_future(each)
            for each in (self._kill(), self._drain(), self._jump(), self._expire_tokens())
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SPEAKING_MAX_S):
                await self._people.speak()
        for task in mishaps:
            task.cancel()
        is_drained = await self._calm_down()
        ruling = Bench(self._cloud, self._people.conversations).rule()
        ruling.broken += self._bugs + self._unexplained_dead_letters()
        if not is_drained:
            depths = {name: len(queue) for name, queue in self._cloud.queues.items()}
            ruling.broken.append(f"not drained: {depths}")
        for line in ruling.broken:
            self._trace.note("judge", line)
        await self._cloud.close()
        return Outcome(
            seed=self._plan.seed,
            ruling=ruling,
            events=self._trace.events,
            virtual_s=asyncio.get_running_loop().time(),
            digest=self._trace.digest(),
            kills=sum(worker.kills for worker in self._workers),
            lines=self._trace.lines,
        )

    # --- what goes wrong --------------------------------------------------------------------------

    async def _kill(self) -> None:
        every_s = self._plan.mishaps.kill_every_s
        while every_s:
            await asyncio.sleep(self._chance.expovariate(1 / every_s))
            self._chance.choice(self._workers).kill("at any moment")

    async def _drain(self) -> None:
        while self._plan.mishaps.drain:
            await asyncio.sleep(self._chance.uniform(2, 30))
            if self._chance.random() < self._plan.mishaps.drain:
                self._chance.choice(self._workers).drain()

    async def _jump(self) -> None:
        mishaps = self._plan.mishaps
        while mishaps.jump_s:
            await asyncio.sleep(self._chance.uniform(1, 20))
            worker = self._chance.choice(self._workers)
            worker.clock.off_s = self._chance.uniform(-1, 1) * (mishaps.skew_s + mishaps.jump_s)
            self._trace.note(worker.name, "has its clock off by", f"{worker.clock.off_s:.3f}")

    async def _expire_tokens(self) -> None:
        from simulator.contact_centre.tokens import TokenKind

        while self._plan.tokens_expire:
            await asyncio.sleep(self._chance.uniform(2, 20))
            centre = self._cloud.centre
            centre.tokens.expire(TokenKind.CONNECTION, centre.now())

    # --- the end ----------------------------------------------------------------------------------

    async def _calm_down(self) -> bool:
        """Faults end; whatever was said must now come out. False: it does not."""
        self._trace.note("simulation", "calms down")
        self._sky.weather = Weather()
        self._cloud.turn_knobs(self._sky.weather)
        for worker in self._workers:
            worker.calm()
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        ends_chats_at = started_at + SETTLING_S
        quiet_looks = 0
        while quiet_looks < QUIET_LOOKS:
            await asyncio.sleep(LOOK_EVERY_S)
            now = loop.time()
            if now > started_at + DRAINED_WITHIN_S:
                return False
            quiet_looks = 0 if self._cloud.depth() else quiet_looks + 1
            if now >= ends_chats_at or quiet_looks == QUIET_LOOKS - 1:
                # A chat's live timer stays on its queue for as long as the chat lives.
                quiet_looks = 0 if self._people.end_all() else quiet_looks
                ends_chats_at = now + SETTLING_S
        return True

    def _unexplained_dead_letters(self) -> list[str]:
        return [
            f"dead letter on {name}: {reason}"
            for name, queue in self._cloud.dlqs.items()
            for message in queue.messages
            if (reason := str(message.attributes["reason"].value)) not in DEAD_LETTERS_EXPLAINED
        ]

    def _log(
        self, _logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if method in ("error", "exception"):
            facts = {key: event[key] for key in sorted(event) if key != "event"}
            self._trace.note("log", str(event["event"]), facts)
            if event["event"] in BUGS or str(event.get("reason", "")).startswith("bug_"):
                self._bugs.append(f"{event['event']}: {facts}")
        raise structlog.DropEvent
