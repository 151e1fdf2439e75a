"""The far side: the simulator, queues and tables in memory, and SNS between them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any

from dst.entropy import stream
from dst.network import Far, Sky
from dst.plan import OUR_NUMBERS, Plan, Weather
from dst.trace import Trace
from dst.witness import Witness
from schemas.topology import Topology
from simulator.clock import AdjustableClock
from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.seeding import DEFAULT_INSTANCE_ID
from simulator.faults import Faults
from simulator.gates import Gates
from simulator.knobs import Knobs
from simulator.ledger import Ledger
from simulator.publisher import Messaging, Publisher
from simulator.server import Server
from simulator.services import connect, connectparticipant, sms_voice
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.settings import AwsAccess, SimulatorSettings
from simulator.tasks import Tasks
from simulator.world import World
from workers.runtime.memory import MemoryQueue
from workers.stores.memory import MemoryTable
from workers.testing import LoopClock

TOPOLOGY = Path(__file__).parents[1] / "infra" / "topology.json"
KINDS = ("inbound_sms", "chat", "receipt", "contact_event")
CONFIGURATION_SET = "conversations"


def topic_arn(name: str) -> str:
    """The ARN of one of the topology's topics."""
    return f"arn:aws:sns:us-east-1:000000000000:{name}"


class Cloud:
    """Everything that workers talk to. Knows no worker."""

    def __init__(self, plan: Plan, sky: Sky, witness: Witness, trace: Trace) -> None:
        self.sky = sky
        self.plan = plan
        self.witness = witness
        self.trace = trace
        self.clock = LoopClock()
        self.far = Far(copy_context())
        topology = Topology.model_validate_json(TOPOLOGY.read_bytes())
        self.chance = stream(plan.seed, "cloud")
        self.queues = {queue.name: self._queue(queue.name) for queue in topology.queues}
        self.dlqs = {
            queue.name: MemoryQueue(queue.dlq.name, self.clock) for queue in topology.queues
        }
        self.tables = {table.name: MemoryTable() for table in topology.tables}
        messaging = _InMemoryMessaging(self, topology)
        self.world = _world(plan, self.clock, messaging)
        self.sms = SmsVoiceState(self.world)
        self.centre = ContactCentre(self.world)
        services = [
            sms_voice.build(self.world, self.sms),
            connect.build(self.centre),
            connectparticipant.build(self.centre),
        ]
        for service in services:
            service.put_world(_account().get(service.world_key, {}))
        self.server = Server(self.world, services)
        self.arriving = 0
        self.turn_knobs(sky.weather)

    def turn_knobs(self, weather: Weather) -> None:
        """Set the simulator's own faults."""
        plan = self.plan
        self.world.knobs.put(
            {
                "rates": plan.rates,
                "api": {"*": dict(weather.api)},
                "sms_voice": {"pending_after_ms": 100, "settled_after_ms": 300},
                "contact_centre": {
                    "concurrent_chats": plan.chats_max,
                    "replay_brings_participant_token": plan.replay_has_token,
                },
            }
        )

    def depth(self) -> int:
        """How many messages are on the queues or on their way there."""
        return sum(len(queue) for queue in self.queues.values()) + self.arriving

    async def close(self) -> None:
        """Stop the simulator's background work."""
        await self.world.close()

    def _queue(self, name: str) -> MemoryQueue:
        queue = MemoryQueue(name, self.clock)
        queue.knobs.refuse = self._refuses
        queue.knobs.deliver_twice = lambda _: self._happens(self.sky.weather.seen_twice)
        return queue

    def _refuses(self, _call: str, _subject: str) -> str | None:
        return "InternalError" if self._happens(self.sky.weather.queue_refusal) else None

    def _happens(self, share: float) -> bool:
        return share > 0 and self.chance.random() < share


def _world(plan: Plan, clock: LoopClock, messaging: _InMemoryMessaging) -> World:
    settings = SimulatorSettings(
        seed=plan.seed,
        topology_path=TOPOLOGY,
        plays_sns_for=frozenset(KINDS),
        aws=AwsAccess(),
    )
    adjustable = AdjustableClock(clock.now, clock.monotonic)
    chance = random.Random(plan.seed)  # noqa: S311 - repeatable faults, not secrets
    ledger, knobs, tasks = Ledger(adjustable), Knobs(), Tasks()
    publisher = _InProcessPublisher(settings, adjustable, chance, knobs, ledger, tasks)
    publisher.messaging = messaging
    return World(
        settings=settings,
        clock=adjustable,
        random=chance,
        ledger=ledger,
        knobs=knobs,
        faults=Faults(knobs, chance),
        gates=Gates(),
        publisher=publisher,
        tasks=tasks,
        url="http://simulator.invalid",
    )


def _account() -> Mapping[str, Mapping[str, object]]:
    numbers = [
        {
            "number": number,
            "type": "TEN_DLC",
            "two_way_topic_arn": topic_arn("inbound-sms"),
            "self_managed_opt_outs": True,
        }
        for number in OUR_NUMBERS
    ]
    destination = {"name": "sns", "topic_arn": topic_arn("delivery-receipts")}
    silent = {"texts": {"welcome": "", "closed": "", "no_agent": ""}}
    return {
        "sms_voice": {
            "phone_numbers": numbers,
            "configuration_sets": [
                {"name": CONFIGURATION_SET, "event_destinations": [destination]}
            ],
        },
        "connect": {"instances": [{"id": DEFAULT_INSTANCE_ID, "flows": [silent]}]},
    }


class _InProcessPublisher(Publisher):
    """The simulator's own way out, whose SNS and SQS are in this process."""

    messaging: Messaging

    async def open_client(self, _service: str) -> Messaging:
        return self.messaging


class _InMemoryMessaging:
    """SNS's subscriptions as the topology has them, and SQS's sends: late, twice, or lost."""

    def __init__(self, cloud: Cloud, topology: Topology) -> None:
        self.meta: Any = None
        self._cloud = cloud
        self._subscribed = {topic_arn(one.topic): one.queue for one in topology.subscriptions}

    async def publish(self, **_: Any) -> Mapping[str, Any]:
        raise AssertionError("the simulator plays SNS for every kind")

    async def get_queue_url(self, **request: Any) -> Mapping[str, Any]:
        return {"QueueUrl": request["QueueName"]}

    async def list_subscriptions_by_topic(self, **request: Any) -> Mapping[str, Any]:
        queue = self._subscribed[request["TopicArn"]]
        return {
            "Subscriptions": [
                {
                    "SubscriptionArn": f"{request['TopicArn']}:1",
                    "Protocol": "sqs",
                    "Endpoint": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                }
            ]
        }

    async def get_subscription_attributes(self, **_: Any) -> Mapping[str, Any]:
        return {"Attributes": {"RawMessageDelivery": "false"}}

    async def send_message(self, **request: Any) -> Mapping[str, Any]:
        """Returns at once; the message is on its way."""
        queue, body = self._cloud.queues[request["QueueUrl"]], request["MessageBody"]
        chance, weather = self._cloud.chance, self._cloud.sky.weather
        if queue.name == "delivery-receipts" and self._spoils_receipt(queue, body):
            return {}
        copies = 2 if chance.random() < weather.duplicate else 1
        for _ in range(copies):
            late_s = 0.0
            if chance.random() < weather.reorder:
                late_s = chance.uniform(0, 0.4)
            if chance.random() < weather.late:
                late_s = chance.uniform(0.5, 25)
            self._deliver(queue, body, late_s)
        return {}

    def _spoils_receipt(self, queue: MemoryQueue, body: str) -> bool:
        chance, weather = self._cloud.chance, self._cloud.sky.weather
        is_lost = chance.random() < weather.receipt_lost
        is_late = chance.random() < weather.receipt_late
        if not (is_lost or is_late):
            return False
        about = json.loads(json.loads(body)["Message"])["context"]["sb"]
        self._cloud.witness.spoilt_receipts.add(about.split(".")[1])
        if is_lost:
            self._cloud.trace.note("sns", "loses a receipt", about)
        else:
            self._deliver(queue, body, chance.uniform(30, 240))
        return True

    def _deliver(self, queue: MemoryQueue, body: str, late_s: float) -> None:
        cloud = self._cloud
        takes_s = cloud.chance.uniform(0.004, 0.04) + late_s

        cloud.arriving += 1

        async def arrive() -> None:
            await asyncio.sleep(takes_s)
            cloud.arriving -= 1
            message_id = queue.put(body)
            cloud.witness.enqueued(message_id, body, late_s)
            cloud.trace.note("sns", "delivers", message_id)

        task = asyncio.get_running_loop().create_task(arrive(), context=cloud.far.context.copy())
        cloud.far.tasks.add(task)
        task.add_done_callback(cloud.far.tasks.discard)
