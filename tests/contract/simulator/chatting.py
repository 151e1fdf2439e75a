"""A customer's side of chats over real HTTP, for the contract tests of the two chat services."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore import UNSIGNED

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, DEFAULT_INSTANCE_ID
from simulator.settings import SimulatorSettings
from simulator.world import World

TOPIC = "arn:aws:sns:us-east-1:000000000000:chat"
SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
VENDOR = "application/vnd.amazonaws.connect."
INSTANCE = {"InstanceId": DEFAULT_INSTANCE_ID}
START: dict[str, Any] = {
    **INSTANCE,
    "ContactFlowId": DEFAULT_FLOW_ID,
    "ParticipantDetails": {"DisplayName": "Ann"},
}


@dataclass
class Customer:
    """A chat that was started, with the customer's tokens."""

    contact_id: str
    participant_id: str
    participant_token: str
    token: str = ""
    websocket_url: str = ""


@dataclass
class Chatting:
    """A simulator, a desk, and the two services' SDK clients, each call made once."""

    world: World
    control: SimulatorClient
    desk: AgentDesk
    connect: Any
    participant: Any
    http: aiohttp.ClientSession

    async def start(self, **asked: Any) -> Customer:
        """A chat that nobody has connected to."""
        made = await self.connect.start_chat_contact(**START | asked)
        return Customer(made["ContactId"], made["ParticipantId"], made["ParticipantToken"])

    async def open(self, **asked: Any) -> Customer:
        """A chat whose customer has a token and a socket's URL, not opened yet."""
        customer = await self.start(**asked)
        made = await self.participant.create_participant_connection(
            ParticipantToken=customer.participant_token,
            Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        )
        customer.token = made["ConnectionCredentials"]["ConnectionToken"]
        customer.websocket_url = made["Websocket"]["Url"]
        return customer

    async def with_agent(self, **asked: Any) -> Customer:
        """A chat with a connected customer and an agent."""
        customer = await self.open(**asked)
        async with self.http.ws_connect(customer.websocket_url) as socket:
            await socket.send_str(SUBSCRIBE)
            await socket.receive_str()
        await self.desk.wait_for_chat(state="queued")
        await self.desk.join(customer.contact_id)
        return customer

    async def send(self, customer: Customer, content: str = "hi", **asked: Any) -> Any:
        """SendMessage, text/plain unless said otherwise."""
        message = {"ContentType": "text/plain", "Content": content, **asked}
        return await self.participant.send_message(ConnectionToken=customer.token, **message)

    async def transcript(self, customer: Customer, **asked: Any) -> list[dict[str, Any]]:
        """GetTranscript, oldest first."""
        page = await self.participant.get_transcript(
            **{"ConnectionToken": customer.token, "SortOrder": "ASCENDING", "MaxResults": 100}
            | asked
        )
        items: list[dict[str, Any]] = page["Transcript"]
        return items

    async def events(self, contact_id: str) -> list[str]:
        """The contact events of one chat's chain so far, from the ledger."""
        return [
            entry.params["event_type"]
            for entry in await self.control.ledger(operation="contact_event")
            if entry.params["initial_contact_id"] == contact_id
        ]


@asynccontextmanager
async def chatting(
    settings: Mapping[str, Any] | None = None, **world: Any
) -> AsyncIterator[Chatting]:
    """A simulator whose agents join only when the test says so; `world` is its connect section."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        simulator = await enter(
            running(SimulatorSettings(world={"connect": world}, **(settings or {})))
        )
        desk = await enter(AgentDesk(simulator.url))
        await desk.turn(agent_joins="manual")
        yield Chatting(
            world=simulator,
            control=await enter(SimulatorClient(simulator.url)),
            desk=desk,
            connect=await enter(_sdk(simulator.url, "connect", AioConfig(**_ONCE))),
            participant=await enter(
                _sdk(
                    simulator.url,
                    "connectparticipant",
                    AioConfig(signature_version=UNSIGNED, **_ONCE),
                )
            ),
            http=await enter(aiohttp.ClientSession()),
        )


_ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 5}


def _sdk(url: str, service: str, config: AioConfig) -> Any:
    return get_session().create_client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


async def next_item(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next chat item on a socket."""
    while True:
        frame = json.loads(await socket.receive_str(timeout=5))
        if frame.get("topic") == "aws/chat":
            item: dict[str, Any] = json.loads(frame["content"])
            return item


async def item_with(socket: aiohttp.ClientWebSocketResponse, content: str) -> dict[str, Any]:
    """The item on a socket that says `content`; what comes before is passed over."""
    while (item := await next_item(socket)).get("Content") != content:
        pass
    return item
