"""What all services share: time, chance, memory of what happened, knobs, and the way out."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.clock import AdjustableClock, TimeBend
from simulator.faults import Faults
from simulator.gates import Gates
from simulator.knobs import Knobs
from simulator.ledger import Ledger
from simulator.publisher import Publisher
from simulator.settings import SimulatorSettings
from simulator.tasks import Tasks


@dataclass(slots=True)
class World:
    """One simulated account in one Region.

    `url` is where the simulator answers; it is empty until the server listens.
    """

    settings: SimulatorSettings
    clock: AdjustableClock
    random: random.Random
    ledger: Ledger
    knobs: Knobs
    faults: Faults
    gates: Gates
    publisher: Publisher
    tasks: Tasks
    url: str = ""

    def new_id(self) -> str:
        """A random UUID, not of the seeded sequence: ids stay unique across restarts."""
        return str(uuid.uuid4())

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and Region."""
        return f"arn:aws:{service}:{self.settings.region}:{self.settings.account_id}:{resource}"

    async def close(self) -> None:
        """Stop the background work, then let go of the files and connections."""
        self.gates.release_all()
        await self.tasks.close()
        await self.publisher.close()
        self.ledger.close()


def build_world(settings: SimulatorSettings) -> World:
    """Put a world together; reaches no network until something is published."""
    clock = _clock(settings)
    chance = random.Random(settings.seed)  # noqa: S311 - repeatable faults, not secrets
    ledger = Ledger(clock, settings.ledger_path, settings.kept)
    knobs = Knobs()
    tasks = Tasks()
    return World(
        settings=settings,
        clock=clock,
        random=chance,
        ledger=ledger,
        knobs=knobs,
        faults=Faults(knobs, chance),
        gates=Gates(),
        publisher=Publisher(settings, clock, chance, knobs, ledger, tasks),
        tasks=tasks,
    )


def _clock(settings: SimulatorSettings) -> AdjustableClock:
    if settings.time_rate == 1.0 and settings.time_offset_s == 0.0:
        return AdjustableClock()
    origin = settings.time_origin or datetime.now(UTC)
    bend = TimeBend(origin, settings.time_offset_s, settings.time_rate)
    return AdjustableClock(bend.now, bend.monotonic, settings.time_rate)
