"""What each layer of a message's way costs by itself, in this process, with nothing on the wire."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import cast

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from bench.bodies import bodies
from bench.switchboard import NoDoors
from schemas.decode import decode_body
from workers.clock import SystemClock
from workers.handlers.chat_relay.entries import entry_id
from workers.log import configure_logging
from workers.metrics import AGE_SECONDS, HANDLE_SECONDS, OUTCOMES, POLLS, RECEIVED, Metrics
from workers.routing import Doors, Router
from workers.runtime.config import ConsumerConfig
from workers.runtime.delivery import Delivery
from workers.runtime.inhand import Held, take
from workers.runtime.lanes import Lanes
from workers.runtime.sqs import Message
from workers.stores.crypto import FileKeyRing
from workers.stores.items import session_id
from workers.stores.protocols import SessionKey

ROUNDS = 15
REPEATS = 40

Layer = Callable[[], object]


def layer_costs_us() -> dict[str, float]:
    """CPU microseconds per message, the median of some rounds, one layer after another in each."""
    layers = _layers()
    taken: dict[str, list[float]] = {name: [] for name in layers}
    for _ in range(ROUNDS):
        for name, layer in layers.items():
            started_s = time.process_time()
            for _ in range(REPEATS):
                layer()
            taken[name].append((time.process_time() - started_s) / REPEATS / 10 * 1e6)
    costs = {name: median(times) for name, times in taken.items()}
    costs["route"] = max(0.0, costs["route"] - costs["decode"])  # The router decodes.
    return costs


def _layers() -> dict[str, Layer]:
    """Each handles ten messages."""
    return {
        "decode": lambda: [decode_body(body) for body in bodies_once],
        "route": _routing(),
        "idempotency": _idempotency(),
        "lease and lane": _lease_and_lane(),
        "metrics": _metrics(),
        "logging context": _context,
        "log line": _logging(),
    }


bodies_once = bodies()


def _messages() -> list[Message]:
    now = datetime.now(UTC)
    return [
        Message(f"id-{number}", f"handle-{number}", body, {}, 1, now, now)
        for number, body in enumerate(bodies_once)
    ]


def _routing() -> Layer:
    router = Router(cast("Doors", NoDoors()))
    clock, config = SystemClock(), ConsumerConfig()
    deliveries: list[Delivery] = [
        take(message, "bench", config, clock).delivery for message in _messages()
    ]
    return lambda: [router.plan(delivery) for delivery in deliveries]


def _idempotency() -> Layer:
    """The names under which a step is done once. The conditional write itself is I/O."""
    keys = FileKeyRing(bytes(range(32)))
    pairs = [SessionKey("+12065550199", f"+1206555{number:04}") for number in range(10)]
    return lambda: [(session_id(keys, key), entry_id("text", key.customer_number)) for key in pairs]


def _lease_and_lane() -> Layer:
    clock, config, messages = SystemClock(), ConsumerConfig(), _messages()
    lanes = Lanes[Held](clock, depth=config.lane_depth, slots=config.slots)

    def run() -> None:
        for message in messages:
            held = take(message, "bench", config, clock)
            lanes.arrive(message.message_id, held)
            lanes.finished(message.message_id)
            held.delivery.lease.require()

    return run


def _metrics() -> Layer:
    metrics = Metrics()

    def run() -> None:
        metrics.add(POLLS, queue="bench", result="full")
        metrics.add(RECEIVED, 10, queue="bench")
        for _ in range(10):
            metrics.observe(AGE_SECONDS, 0.2, queue="bench")
            metrics.observe(HANDLE_SECONDS, 0.001, queue="bench", event_class="inbound_sms")
            metrics.add(OUTCOMES, queue="bench", outcome="done", reason="")

    return run


def _context() -> None:
    for number in range(10):
        clear_contextvars()
        bind_contextvars(
            sqs_queue="bench",
            sqs_message_id=f"id-{number}",
            receive_count=1,
            handler="inbound_sms",
            event_id="cae173d2-66b9-564c-8309-21f858e90001",
        )


def _logging() -> Layer:
    """A line that a handler may write; the runtime writes none for what is plainly done."""
    configure_logging(stream=io.StringIO())
    log = structlog.get_logger()

    def run() -> None:
        for _ in range(10):
            log.info("text_relayed", parts=1, conversation="q3v5m2x7k4p6w8y2")

    return run
