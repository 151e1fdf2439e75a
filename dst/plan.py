"""What a seed means: who says what and when, which faults there are and how often.

Each kind of fault is either absent from a seed or as frequent as the seed says, because faults
hide each other: a fleet that is killed every second never gets far enough to be throttled. (The
idea is known as swarm testing: Groce et al., ISSTA 2012.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from dst.entropy import stream

OUR_NUMBERS = ("+12065550190", "+12065550191")
WORDS = (
    "where is my order please",
    "it is the blue one, size 42",
    "thank you, that helps",
    "one moment, I will check",
    "we have it in the shop",
    "that is fine with me — “really”",
    "こんにちは、青いのをください",
    "I'll be there at five 🙂",
)
LONG = " and then it rained all day, as it does here in the autumn" * 8

WORKERS_MAX = 3

Ending = Literal["agent_leaves", "agent_ends", "flow_ends", "stays"]
Moment = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Weather:
    """How the network and the services behave. Shares are of calls, or of deliveries.

    Attributes:
        latency_ms: each way of a call, evenly spread.
        refused: no connection is made, so the request was surely not sent.
        lost_there: the connection breaks before the request has arrived.
        lost_back: the request is carried out, its answer lost.
        slow: a call that takes up to `slow_s` longer, on one of its ways.
        queue_refusal: an entry of a batch that SQS does not take.
        seen_twice: a message that SQS hands out and leaves visible.
        duplicate, reorder, late: SNS deliveries: twice; up to 0.4 s late; up to 25 s late.
        receipt_lost, receipt_late: receipts that never come; or come 30 to 240 s late.
        api: the simulator's own faults, by knob name.
    """

    latency_ms: tuple[float, float] = (1.0, 12.0)
    refused: float = 0.0
    lost_there: float = 0.0
    lost_back: float = 0.0
    slow: float = 0.0
    slow_s: float = 9.0
    store_throttle: float = 0.0
    queue_refusal: float = 0.0
    seen_twice: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    late: float = 0.0
    receipt_lost: float = 0.0
    receipt_late: float = 0.0
    api: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mishaps:
    """What happens to workers.

    Attributes:
        kill, stop: the share of lives that end in a kill, or have one stop, at a call.
        kill_every_s: mean time between kills at any moment; 0 is never.
        stop_s: how long a stopped one stands still: from, to.
        drain: the share of lives that end by a signal and a drain.
        skew_s: how far a worker's wall clock may be off.
        jump_s: how far it may jump, now and then; 0 is never.
    """

    kill: float = 0.0
    kill_every_s: float = 0.0
    stop: float = 0.0
    stop_s: tuple[float, float] = (1.0, 20.0)
    drain: float = 0.0
    skew_s: float = 0.0
    jump_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Talk:
    """One customer and the agents who answer. Gaps are seconds of silence before each message."""

    our_number: str
    customer_number: str
    begins_after_s: float
    text_gaps_s: tuple[float, ...]
    agent_gaps_s: tuple[float, ...]
    ending: Ending
    stops_after: int | None
    transfers_after: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One scenario."""

    seed: int
    workers: int
    talks: tuple[Talk, ...]
    weather: Weather
    mishaps: Mishaps
    hold_ms: int
    resends: bool
    receipt_wait_s: int
    idle_s: int
    says_ended: bool
    chats_max: int
    tokens_expire: bool
    replay_has_token: bool
    rates: bool


def plan_of(seed: int) -> Plan:
    """The scenario of a seed. The same on every machine and Python."""
    chance = stream(seed, "plan")
    return Plan(
        seed=seed,
        workers=chance.choice((1, 2, 2, WORKERS_MAX)),
        talks=tuple(_talk(chance, number) for number in range(chance.choice((1, 1, 2, 3)))),
        weather=_weather(chance),
        mishaps=_mishaps(chance),
        hold_ms=chance.choice((500, 500, 500, 200)),
        resends=chance.random() < 0.3,
        receipt_wait_s=chance.choice((25, 40, 120)),
        idle_s=chance.choice((0, 0, 0, 90)),
        says_ended=chance.random() < 0.5,
        chats_max=chance.choice((500, 500, 500, 1)),
        tokens_expire=chance.random() < 0.15,
        replay_has_token=chance.random() < 0.7,
        rates=chance.random() < 0.3,
    )


def _talk(chance: Random, number: int) -> Talk:
    texts = chance.randint(1, 7)
    return Talk(
        our_number=OUR_NUMBERS[number % len(OUR_NUMBERS)],
        customer_number=f"+1206555{2000 + number:04d}",
        begins_after_s=chance.uniform(0, 3),
        text_gaps_s=_gaps(chance, texts),
        agent_gaps_s=_gaps(chance, chance.randint(0, 7)),
        ending=chance.choice(("agent_leaves", "agent_ends", "flow_ends", "stays", "stays")),
        stops_after=chance.randrange(texts) if chance.random() < 0.12 else None,
        transfers_after=chance.randrange(5) if chance.random() < 0.15 else None,
    )


def _gaps(chance: Random, count: int) -> tuple[float, ...]:
    """Bursts: short gaps inside the hold window mostly, and longer silences."""
    return tuple(
        chance.uniform(0.003, 0.45) if chance.random() < 0.6 else chance.uniform(0.5, 15)
        for _ in range(count)
    )


def _weather(chance: Random) -> Weather:
    def share(most: float, presence: float = 0.4) -> float:
        """Absent, or somewhere between a thirtieth of `most` and all of it."""
        return most * 30 ** -chance.random() if chance.random() < presence else 0.0

    faults = ("throttle", "error_500", "error_503", "error_500_after_doing", "drop_after_doing")
    return Weather(
        latency_ms=chance.choice(((1.0, 12.0), (1.0, 12.0), (2.0, 60.0))),
        refused=share(0.1, 0.25),
        lost_there=share(0.1),
        lost_back=share(0.15),
        slow=share(0.1),
        store_throttle=share(0.1),
        queue_refusal=share(0.2),
        seen_twice=share(0.3),
        duplicate=share(0.4),
        reorder=share(0.5),
        late=share(0.15, 0.25),
        receipt_lost=share(0.5, 0.3),
        receipt_late=share(0.4, 0.25),
        api={name: share(0.15, 0.3) for name in faults},
    )


def _mishaps(chance: Random) -> Mishaps:
    return Mishaps(
        kill=chance.choice((0.0, 0.5, 0.9)),
        kill_every_s=chance.choice((0.0, 0.0, 6.0, 20.0)),
        stop=chance.choice((0.0, 0.0, 0.4)),
        stop_s=chance.choice(((1.0, 20.0), (28.0, 50.0), (28.0, 160.0))),
        drain=chance.choice((0.0, 0.3)),
        skew_s=chance.choice((0.0, 0.0, 0.05, 1.5)),
        jump_s=chance.choice((0.0, 0.0, 0.0, 3.0)),
    )
