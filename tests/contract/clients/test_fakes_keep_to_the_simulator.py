"""What the relay's tests lean on, asked of `tests.fakes` and of the simulator alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, DEFAULT_INSTANCE_ID
from simulator.settings import SimulatorSettings
from tests.contract.clients.wire import closed_port
from tests.fakes.carrier import Carrier, FakeTexting
from tests.fakes.contact_centre import ContactCentre, FakeChats
from tests.fakes.wire import Faults
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.connect import ConnectChats, Instance
from workers.clients.protocols import Chats, ChatStart, OutgoingText, Texting
from workers.clients.sms_voice import EumTexting
from workers.errors import ContactEnded, OptedOut, TokenRefused, TransientError
from workers.testing import FakeClock

OURS, THEIRS = "+12065550999", "+12065550123"
START = ChatStart("sid.1", DEFAULT_FLOW_ID, "A customer", {"brand": "Acme"}, 1_500, "cust-1")
TEXT = OutgoingText(THEIRS, "Hello", OURS, "switchboard", "TRANSACTIONAL", 900)
NOBODY = "99999999-9999-4999-8999-999999999999"
NEVER = float("inf")
WORLD = {
    "connect": {},
    "sms_voice": {
        "phone_numbers": [{"number": OURS, "mps": 1_000}],
        "configuration_sets": [{"name": "switchboard"}],
    },
}


@dataclass(frozen=True)
class Services:
    """Both services, real to the wire or not."""

    chats: Chats
    texting: Texting


@pytest.fixture(params=["fakes", "simulator"])
async def services(
    request: pytest.FixtureRequest,
    caller: Caller,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Services]:
    if request.param == "fakes":
        wire = Faults()
        texting = FakeTexting(Carrier(clock), clock, wire)
        yield Services(FakeChats(ContactCentre(clock), wire), texting)
        return
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(running(SimulatorSettings(world=WORLD)))
        control = await stack.enter_async_context(SimulatorClient(world.url))
        await control.set_knobs(rates=False)
        for service in ("CONNECT", "CONNECTPARTICIPANT", "PINPOINT_SMS_VOICE_V2"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", world.url)
        aws = await stack.enter_async_context(Aws(AwsPolicy(read_timeout_s=2, max_attempts=1)))
        chats = ConnectChats(
            connect=await aws.connect(),
            participant=await aws.connectparticipant(),
            http=await aws.http(),
            instance=Instance(DEFAULT_INSTANCE_ID, "arn:aws:sns:us-east-1:000000000000:chat"),
            caller=caller,
        )
        yield Services(chats, EumTexting(await aws.sms_voice(), caller, clock))


async def opened(chats: Chats) -> tuple[str, str, str]:
    """A running chat: its contact, participant token and connection token."""
    started = await chats.start(START)
    assert started.participant_token is not None
    await chats.stream(started.contact_id, "sid.1.stream")
    connection = await chats.connect(started.participant_token)
    return started.contact_id, started.participant_token, connection.token


async def test_a_start_is_known_by_its_token(services: Services) -> None:
    first = await services.chats.start(START)
    assert (await services.chats.start(START)).contact_id == first.contact_id
    other = await services.chats.start(replace(START, client_token="sid.2"))
    assert other.contact_id != first.contact_id


async def test_a_start_is_known_after_the_end_of_its_chat(services: Services) -> None:
    contact_id, _, _ = await opened(services.chats)
    await services.chats.stop(contact_id)
    assert (await services.chats.start(START)).contact_id == contact_id


async def test_a_message_is_known_by_its_token(services: Services) -> None:
    _, _, connection = await opened(services.chats)
    first = await services.chats.say(connection, "hello", "t1")
    assert await services.chats.say(connection, "hello", "t1") == first
    assert await services.chats.say(connection, "hello", "t2") != first


async def test_an_ended_chat_looks_like_an_expired_token(services: Services) -> None:
    contact_id, participant, connection = await opened(services.chats)
    await services.chats.stop(contact_id)
    with pytest.raises(TokenRefused):
        await services.chats.say(connection, "hello", "t1")
    with pytest.raises(TokenRefused):
        await services.chats.connect(participant)
    with pytest.raises(ContactEnded):
        await services.chats.stream(contact_id, "s2")
    await services.chats.disconnect(connection)
    await services.chats.stop(contact_id)


async def test_hanging_up_ends_the_chat(services: Services) -> None:
    contact_id, _, connection = await opened(services.chats)
    assert not (await services.chats.describe(contact_id)).is_ended
    await services.chats.disconnect(connection)
    state = await services.chats.describe(contact_id)
    assert (state.is_ended, state.has_next) == (True, False)


async def test_a_contact_that_nobody_knows(services: Services) -> None:
    with pytest.raises(ContactEnded):
        await services.chats.describe(NOBODY)
    with pytest.raises(ContactEnded):
        await services.chats.set_attributes(NOBODY, {"a": "b"})
    await services.chats.stop(NOBODY)
    with pytest.raises(TokenRefused):
        await services.chats.connect("made-up")


async def test_an_attribute_may_be_set_after_the_end(services: Services) -> None:
    contact_id, _, _ = await opened(services.chats)
    await services.chats.stop(contact_id)
    await services.chats.set_attributes(contact_id, {"fate": "blocked"})


async def test_who_opted_out_gets_no_text_until_opted_in(
    services: Services, clock: FakeClock
) -> None:
    await services.texting.opt_in("Default", THEIRS)  # Who never left: a success.
    await services.texting.opt_out("Default", THEIRS)
    with pytest.raises(OptedOut):
        await services.texting.send(TEXT, not_after=NEVER)
    await services.texting.opt_in("Default", THEIRS)
    clock.advance(1)
    assert await services.texting.send(TEXT, not_after=NEVER)


async def test_a_text_is_not_known_by_anything(services: Services, clock: FakeClock) -> None:
    first = await services.texting.send(TEXT, not_after=NEVER)
    clock.advance(1)
    assert await services.texting.send(TEXT, not_after=NEVER) != first


async def test_too_late_for_the_socket_is_surely_not_sent(services: Services) -> None:
    with pytest.raises(TransientError):
        await services.texting.send(TEXT, not_after=-1.0)
