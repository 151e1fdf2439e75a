"""What goes wrong between the workers and AWS, on real sockets: every call fails in every way.

Each kind of fault has a room of its own with one worker; all rooms are played at the same time.
In it the first calls of each operation fail, more often than the SDK tries again, so that our own
handling is what is seen. Then whole services are away. The judge reads the ledger.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from demo.contact_centre import BIKES
from demo.matrix.cell import SETTLED_WITHIN_S, Room, room
from demo.matrix.play import Play
from demo.matrix.scripts import SCRIPTS, close
from demo.proxy import Answer
from demo.soak.weather import FAULTS, spoil
from demo.wire import CarryOut, Ending, SpoiltAnswer, WireCall
from infra.local.endpoints import LocalAws
from infra.local.readiness import answers

# The first test waits for the start of all rooms.
pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

BEYOND_THE_SDKS_TRIES = 4
LONGER_THAN_A_POLL_S = 24.0
A_WHILE_S = 8.0
CHAT = SCRIPTS[0]
CALLED = {
    *("SQS ReceiveMessage", "SQS DeleteMessageBatch", "SQS SendMessage"),
    *("DynamoDB UpdateItem", "DynamoDB GetItem", "DynamoDB PutItem", "DynamoDB Query"),
    *("Connect StartChatContact", "Connect StartContactStreaming"),
    *("Participant CreateParticipantConnection", "Participant SendMessage"),
    *("Participant SendEvent", "EUM SendTextMessage"),
}
"""Every operation of a conversation; those of files, opt-outs and refusals fail in the matrix."""


@dataclass
class FirstCalls:
    """Spoils the first calls of each operation. A text is no more than once in doubt: there is no
    token, and it is sent again once only."""

    fault: str
    spoilt: Counter[str] = field(default_factory=Counter)
    is_on: bool = False

    async def around(self, call: WireCall, carry_out: CarryOut) -> Answer:
        name = f"{call.service} {call.operation}"
        times = 1 if self.fault == "late" or call.service == "EUM" else BEYOND_THE_SDKS_TRIES
        is_idle = call.is_poll and self.fault == "late"
        if not self.is_on or is_idle or self.spoilt[name] >= times:
            return await carry_out()
        self.spoilt[name] += 1
        return await spoil(call, self.fault, carry_out)

    async def answered(self, call: WireCall) -> None:
        pass


@dataclass
class Away:
    """Answers all calls of some services by itself, while it is on."""

    services: frozenset[str]
    answer: Answer
    is_on: bool = False
    refused: Counter[str] = field(default_factory=Counter)

    async def around(self, call: WireCall, carry_out: CarryOut) -> Answer:
        if not self.is_on or call.service not in self.services:
            return await carry_out()
        self.refused[call.service] += 1
        return self.answer

    async def answered(self, call: WireCall) -> None:
        pass


@dataclass(frozen=True)
class Outage:
    services: frozenset[str]
    answer: Answer
    seconds: float


def refusal(status: int, code: str) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
    return Answer(status, json.dumps({"__type": code, "message": "no"}).encode(), headers)


RESET = SpoiltAnswer(503, b"", {}, Ending.RESET)
EVERYTHING = frozenset({"SQS", "DynamoDB", "S3", "Connect", "Participant", "EUM"})
OUTAGES: Mapping[str, Outage] = {
    "sqs_for_longer_than_a_poll": Outage(frozenset({"SQS"}), RESET, LONGER_THAN_A_POLL_S),
    "dynamodb": Outage(frozenset({"DynamoDB"}), refusal(500, "InternalServerError"), A_WHILE_S),
    "all_endpoints_as_in_a_restart": Outage(EVERYTHING, RESET, A_WHILE_S),
    "credentials_expired": Outage(
        EVERYTHING - {"Participant"}, refusal(400, "ExpiredTokenException"), A_WHILE_S
    ),
}
Found = tuple[Play, Counter[str]]


async def every_first_call_fails(fault: str, number: int, aws: LocalAws, folder: Path) -> Found:
    observer = FirstCalls(fault)
    async with room(number, aws, folder, observer) as opened:
        observer.is_on = True
        play = opened.new_play(CHAT.our_number)
        for step in CHAT.steps:
            await step.act(play)
        await wind_up(opened, play)
    return play, observer.spoilt


async def services_are_away(outage: Outage, number: int, aws: LocalAws, folder: Path) -> Found:
    observer = Away(outage.services, outage.answer)
    async with room(number, aws, folder, observer) as opened:
        play = opened.new_play(BIKES)
        await CHAT.steps[0].act(play)
        observer.is_on = True
        await asyncio.gather(asyncio.sleep(outage.seconds), speak_meanwhile(play))
        assert opened.world.is_running(0)
        assert await asyncio.to_thread(answers, f"{opened.world.worker_url(0)}/healthz")
        observer.is_on = False
        await play.until_all_heard()
        await wind_up(opened, play)
    return play, observer.refused


async def speak_meanwhile(play: Play) -> None:
    await asyncio.sleep(1)
    await play.text("is anybody there?")
    await play.reply("we are, but it is slow today")


async def wind_up(opened: Room, play: Play) -> None:
    await close(play)
    assert await opened.queues.settled(SETTLED_WITHIN_S)
    await play.listen()
    assert await asyncio.to_thread(opened.queues.buried) == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rooms(
    request: pytest.FixtureRequest,
    backend_aws: LocalAws,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Mapping[str, Callable[[], Awaitable[Found]]]]:
    """The rooms of all tests that are to be run, played at the same time from the first on."""
    here = [item for item in request.session.items if item.path == Path(__file__)]
    wanted = {value for item in here for value in vars(item)["callspec"].params.values()}
    folder = tmp_path_factory.mktemp("rooms")
    async with playing(wanted, backend_aws, folder) as tasks:

        def result_of(name: str) -> Callable[[], Awaitable[Found]]:
            return lambda: asyncio.shield(tasks[name])

        yield {name: result_of(name) for name in tasks}


@asynccontextmanager
async def playing(
    wanted: set[str], aws: LocalAws, folder: Path
) -> AsyncIterator[Mapping[str, asyncio.Task[Found]]]:
    faults = {
        fault: every_first_call_fails(fault, 100 + n, aws, folder)
        for n, fault in enumerate(FAULTS)
        if fault in wanted
    }
    outages = {
        name: services_are_away(outage, 120 + n, aws, folder)
        for n, (name, outage) in enumerate(OUTAGES.items())
        if name in wanted
    }
    tasks = {name: asyncio.create_task(one) for name, one in {**faults, **outages}.items()}
    try:
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("fault", FAULTS)
async def test_calls_that_fail_make_a_conversation_late_and_nothing_else(
    fault: str, rooms: Mapping[str, Callable[[], Awaitable[Found]]]
) -> None:
    play, spoilt = await rooms[fault]()
    polls = {"SQS ReceiveMessage"} if fault == "late" else set()
    assert CALLED - polls <= set(spoilt)
    judgement = play.judge()
    assert judgement.is_clean, judgement.faults
    assert judgement.uncertain == 0


@pytest.mark.parametrize("name", OUTAGES)
async def test_services_that_are_away_make_a_conversation_late_and_nothing_else(
    name: str, rooms: Mapping[str, Callable[[], Awaitable[Found]]]
) -> None:
    play, refused = await rooms[name]()
    assert set(refused) >= OUTAGES[name].services & {"SQS", "DynamoDB"}
    judgement = play.judge()
    assert judgement.is_clean, judgement.faults
    assert judgement.uncertain == 0
