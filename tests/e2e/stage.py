"""A running world as a test sees it: phones, a desk, the ledger, dead letters, metrics, logs.

Nothing here looks into the workers or their tables.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp
import boto3
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from prometheus_client.parser import text_string_to_metric_families

from infra.local.world import World
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk, DeskChat, DeskItem
from simulator.faults import FaultOrder
from simulator.ledger import Entry, iso
from simulator.services.sms_voice.carrier import OnHandset
from tests.e2e.account import PLAIN

SOON_S = 15.0
"""For what happens by itself at once, on a machine that is busy with these tests."""
TAKEN_OVER_S = 75.0
"""For what a dead worker had in its hands: its lease, then the message's own way back."""
QUIET_S = 2.0
"""For what must not happen: longer than the hold window and a hop."""
LARGE = 500_000
_LOOK_S = 0.15

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Customer:
    """A phone that writes to one of our numbers."""

    number: str
    ours: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in a dead-letter queue."""

    queue: str
    body: str
    attributes: Mapping[str, str]

    @property
    def reason(self) -> str | None:
        return self.attributes.get("reason")


@dataclass
class Stage:
    """One world and everything that can be done and seen from outside."""

    world: World
    simulator: SimulatorClient
    desk: AgentDesk
    sns: Any
    sqs: Any
    http: aiohttp.ClientSession
    kill_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _dead: dict[str, list[DeadLetter]] = field(default_factory=lambda: defaultdict(list))

    # --- what people do ---------------------------------------------------------------------------

    def customer(self, ours: str = PLAIN) -> Customer:
        """Somebody who has never written before, in this world or another."""
        return Customer(f"+1206556{next(_numbers):04d}", ours)

    async def text(self, customer: Customer, body: str) -> None:
        await self.simulator.text_from_customer(customer.number, customer.ours, body)

    async def begin(
        self, customer: Customer, body: str = "hello", *, timeout_s: float = SOON_S
    ) -> DeskChat:
        """A first text, and the chat that it opens once an agent is there and can read it."""
        await self.text(customer, body)
        chat = await self.chat(customer, timeout_s=timeout_s)
        await self.until_in_chat(chat, body, timeout_s=timeout_s)
        return chat

    async def chat(self, customer: Customer, *, timeout_s: float = SOON_S) -> DeskChat:
        """The customer's newest chat, once an agent is in it."""

        async def look() -> DeskChat | None:
            chats = await self.chats(customer)
            return chats[-1] if chats and chats[-1].state == "with_agent" else None

        found = await self.until(look, "no agent is in a chat of this customer", timeout_s)
        assert isinstance(found, DeskChat)
        return found

    async def chats(self, customer: Customer) -> list[DeskChat]:
        return await self.desk.chats(attributes=attributes_of(customer))

    # --- what is seen -----------------------------------------------------------------------------

    async def until(
        self,
        look: Callable[[], Awaitable[Any]],
        what: str | Callable[[], str],
        timeout_s: float = SOON_S,
    ) -> Any:
        """The first truthy answer of `look`; fails with `what`. A busy machine has longer."""
        began = asyncio.get_running_loop().time()
        while not (found := await look()):
            passed_s = asyncio.get_running_loop().time() - began
            if passed_s > timeout_s * slowness():
                told = what if isinstance(what, str) else what()
                raise AssertionError(f"after {passed_s:.0f} s: {told}")
            await asyncio.sleep(_LOOK_S)
        return found

    async def from_customer(self, chat: DeskChat) -> list[str]:
        """What the customer's participant has said in a chat, our notes included."""
        return [i.content or "" for i in await self.items(chat) if i.is_from_customer]

    async def items(self, chat: DeskChat) -> list[DeskItem]:
        return [i for i in await self.desk.items(chat.contact_id) if i.type == "MESSAGE"]

    async def until_in_chat(
        self, chat: DeskChat, *bodies: str, timeout_s: float = SOON_S
    ) -> list[str]:
        """Until the customer's messages are at least these; returns all of them."""
        seen: list[str] = []

        async def look() -> bool:
            seen[:] = await self.from_customer(chat)
            return all(seen.count(body) >= bodies.count(body) for body in bodies)

        await self.until(look, lambda: f"of {bodies} the chat has {seen}", timeout_s)
        return seen

    async def phone(self, customer: Customer) -> list[OnHandset]:
        return await self.simulator.handset(customer.number)

    async def on_phone(self, customer: Customer) -> list[str]:
        return [text.body for text in await self.phone(customer)]

    async def until_on_phone(
        self, customer: Customer, *bodies: str, timeout_s: float = SOON_S
    ) -> list[str]:
        """Until these texts have arrived; returns all that have."""
        seen: list[str] = []

        async def look() -> bool:
            seen[:] = await self.on_phone(customer)
            return all(seen.count(body) >= bodies.count(body) for body in bodies)

        await self.until(look, lambda: f"of {bodies} the phone has {seen}", timeout_s)
        return seen

    async def sends(self, customer: Customer) -> list[Entry]:
        """Accepted sends to a customer, in their order."""
        entries = await self.simulator.ledger(operation="SendTextMessage")
        media = await self.simulator.ledger(operation="SendMediaMessage")
        found = [
            e for e in (*entries, *media) if e.params["DestinationPhoneNumber"] == customer.number
        ]
        return sorted(found, key=lambda e: e.seq)

    async def starts(self, customer: Customer) -> list[Entry]:
        """Accepted StartChatContact requests for a customer."""
        entries = await self.simulator.ledger(operation="StartChatContact")
        wanted = attributes_of(customer).items()
        return [e for e in entries if wanted <= e.params["Attributes"].items()]

    async def chats_opened(self, customer: Customer) -> int:
        return len({entry.result["ContactId"] for entry in await self.starts(customer)})

    async def refused(self, operation: str, **params: Any) -> list[Entry]:
        entries = await self.simulator.refused(operation)
        return [e for e in entries if params.items() <= e.params.items()]

    # --- what goes wrong --------------------------------------------------------------------------

    async def spoil_sends(self, customer: Customer, action: str, count: int = 1) -> None:
        """Let the next sends to this customer fail so."""
        await self.simulator.spoil(
            FaultOrder(
                service="pinpoint-sms-voice-v2",
                action=action,
                count=count,
                match={"DestinationPhoneNumber": customer.number},
            )
        )

    async def spoil_start(self, customer: Customer, action: str, count: int = 1) -> None:
        """Let the next StartChatContact for this customer fail so."""
        await self.simulator.spoil(
            FaultOrder(
                service="connect",
                operation="StartChatContact",
                action=action,
                count=count,
                match={"Attributes": {"sb_customer_number": customer.number}},
            )
        )

    async def spoil_saying(self, body: str, action: str, count: int = 1) -> None:
        """Let the next SendMessage with this content fail so."""
        await self.simulator.spoil(
            FaultOrder(
                service="connectparticipant",
                operation="SendMessage",
                action=action,
                count=count,
                match={"Content": body},
            )
        )

    # --- queues and topics ------------------------------------------------------------------------

    async def enqueue(self, queue: str, body: str) -> str:
        """Put a body on a queue as it is; returns SQS's message id."""
        url = self.world.provisioned.queue_urls[queue]
        if len(body) < LARGE:
            return str((await self.sqs.send_message(QueueUrl=url, MessageBody=body))["MessageId"])
        # aiohttp warns of large bodies, as they hold up the loop.
        client = boto3.client("sqs", **self.world.aws.client_arguments("SQS"))
        sent = await asyncio.to_thread(client.send_message, QueueUrl=url, MessageBody=body)
        return str(sent["MessageId"])

    async def enqueue_text(
        self, customer: Customer, body: str, sent_at: datetime, message_id: str | None = None
    ) -> None:
        """A text as SNS would put it on the queue, with the time that SNS gave it."""
        await self.enqueue(
            "inbound-sms",
            sns_envelope(
                self.world.provisioned.topic_arns["inbound-sms"],
                json.dumps(inbound_payload(customer, body, message_id)),
                sent_at,
            ),
        )

    async def publish_chat_item(
        self, contact_id: str, body: str, at: datetime, *, role: str = "AGENT"
    ) -> str:
        """Publish what Connect would stream for a message that everybody may see."""
        item_id = str(uuid.uuid4())
        item = {
            "AbsoluteTime": iso(at),
            "Content": body,
            "ContentType": "text/plain",
            "Id": item_id,
            "Type": "MESSAGE",
            "ParticipantId": str(uuid.uuid4()),
            "DisplayName": "Jane",
            "ParticipantRole": role,
            "InitialContactId": contact_id,
            "ContactId": contact_id,
        }
        attributes = {
            "InitialContactId": contact_id,
            "ContactId": contact_id,
            "MessageVisibility": "ALL",
            "Type": "MESSAGE",
            "ContentType": "text/plain",
            "ParticipantRole": role,
        }
        await self.sns.publish(
            TopicArn=self.world.provisioned.topic_arns["chat-stream"],
            Message=json.dumps(item),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
        return item_id

    async def dead_letters(self, queue: str) -> list[DeadLetter]:
        """All dead letters of a queue since the start."""
        url = self.world.provisioned.dlq_urls[queue]
        while True:
            answer = await self.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
                VisibilityTimeout=600,
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return list(self._dead[queue])
            for message in messages:
                attributes = {
                    name: str(value.get("StringValue", ""))
                    for name, value in message.get("MessageAttributes", {}).items()
                }
                self._dead[queue].append(DeadLetter(queue, message["Body"], attributes))

    async def dead_letter(self, queue: str, body: str, *, timeout_s: float = SOON_S) -> DeadLetter:
        """The dead letter with exactly this body, once there is one."""

        async def look() -> DeadLetter | None:
            letters = await self.dead_letters(queue)
            return next((letter for letter in letters if letter.body == body), None)

        found = await self.until(look, f"no dead letter in {queue}: {body[:80]}", timeout_s)
        assert isinstance(found, DeadLetter)
        return found

    # --- what workers say of themselves -----------------------------------------------------------

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels over all workers that run."""
        total = 0.0
        for text in await self.metric_pages():
            for family in text_string_to_metric_families(text):
                total += sum(
                    sample.value
                    for sample in family.samples
                    if sample.name == f"switchboard_{name}"
                    and labels.items() <= sample.labels.items()
                )
        return total

    async def metric_pages(self) -> list[str]:
        pages = []
        for worker in range(self.world.plan.worker_count):
            if self.world.is_running(worker):
                async with self.http.get(f"{self.world.worker_url(worker)}/metrics") as answer:
                    pages.append(await answer.text())
        return pages


def slowness() -> float:
    """How many times longer everything may take: what wants to run, for each processor."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def attributes_of(customer: Customer) -> dict[str, str]:
    return {"sb_customer_number": customer.number, "sb_our_number": customer.ours}


def inbound_payload(customer: Customer, body: str, message_id: str | None = None) -> dict[str, str]:
    """What End User Messaging publishes for a text."""
    return {
        "originationNumber": customer.number,
        "destinationNumber": customer.ours,
        "messageKeyword": "KEYWORD_000000000000",
        "messageBody": body,
        "inboundMessageId": message_id or str(uuid.uuid4()),
    }


def sns_envelope(topic_arn: str, message: str, at: datetime) -> str:
    """What an SQS queue gets of a publication, raw delivery being off."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": topic_arn,
            "Message": message,
            "Timestamp": iso(at),
            "SignatureVersion": "1",
            "Signature": "c2lnbmVk",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/certificate.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        }
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def staged(world: World) -> AsyncIterator[Stage]:
    """A stage in a world that runs. At the end its workers are killed: a drain would wait."""
    async with AsyncExitStack() as stack:

        async def client(service: Literal["sns", "sqs"]) -> Any:
            context = get_session().create_client(
                service,
                config=AioConfig(read_timeout=30),
                **world.aws.client_arguments(service.upper()),
            )
            return await stack.enter_async_context(context)

        yield Stage(
            world=world,
            simulator=await stack.enter_async_context(SimulatorClient(world.simulator_url)),
            desk=await stack.enter_async_context(AgentDesk(world.simulator_url)),
            sns=await client("sns"),
            sqs=await client("sqs"),
            http=await stack.enter_async_context(aiohttp.ClientSession()),
        )
        for worker in range(world.plan.worker_count):
            if world.is_running(worker):
                await world.kill(worker)
