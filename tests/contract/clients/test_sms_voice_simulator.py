"""The sender of texts against the simulated service, which checks requests as AWS's models do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.faults import FaultOrder
from simulator.settings import SimulatorSettings
from tests.contract.clients.wire import closed_port
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.protocols import OutgoingText
from workers.clients.sms_voice import EumTexting
from workers.errors import (
    AccountProblem,
    InDoubt,
    OptedOut,
    QuotaFull,
    SwitchboardError,
    Throttled,
)
from workers.sms_text import split_for_sms
from workers.testing import FakeClock

CUSTOMER = "+12065550123"
TEXT = OutgoingText(
    destination_number=CUSTOMER,
    body="Hello {you} 😀",
    origination_identity="+12065550999",
    configuration_set="switchboard",
    message_type="TRANSACTIONAL",
    ttl_s=900,
    context={"sb": "abc.def.0"},
)
WORLD = {
    "sms_voice": {
        "phone_numbers": [{"number": "+12065550999", "mps": 1_000}],
        "configuration_sets": [{"name": "switchboard"}],
    }
}
NEVER = float("inf")


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatorClient]:
    # What the simulator publishes is not looked at here, and must not leave this machine.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    async with (
        running(SimulatorSettings(world=WORLD)) as world,
        SimulatorClient(world.url) as client,
    ):
        await client.set_knobs(rates=False)
        yield client


@pytest.fixture
async def texting(
    simulator: SimulatorClient,
    caller: Caller,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[EumTexting]:
    url = (await simulator.status())["url"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    async with Aws(AwsPolicy(read_timeout_s=1)) as aws:
        yield EumTexting(await aws.sms_voice(), caller, clock)


async def sent_bodies(simulator: SimulatorClient) -> list[str]:
    return [
        entry.params["MessageBody"] for entry in await simulator.ledger(operation="SendTextMessage")
    ]


async def test_a_text_reaches_the_phone(texting: EumTexting, simulator: SimulatorClient) -> None:
    message_id = await texting.send(TEXT, not_after=NEVER)
    [entry] = await simulator.ledger(operation="SendTextMessage")
    assert entry.result["MessageId"] == message_id
    assert entry.params["Context"] == {"sb": "abc.def.0"}
    [text] = await simulator.handset(CUSTOMER, wait_s=5)
    assert text.body == TEXT.body


@pytest.mark.parametrize("body", ["word € " * 700, "漢字 " * 700, "a" * 1_531, "😀" * 400])
async def test_every_piece_of_a_long_text_is_accepted(
    texting: EumTexting, simulator: SimulatorClient, clock: FakeClock, body: str
) -> None:
    pieces = split_for_sms(body)
    assert len(pieces) > 1
    for piece in pieces:
        clock.advance(1)
        await texting.send(replace(TEXT, body=piece), not_after=NEVER)
    assert await sent_bodies(simulator) == list(pieces)


@pytest.mark.parametrize("action", ["error_500_after_doing", "drop_after_doing"])
async def test_a_text_whose_answer_is_lost_is_in_doubt_and_went_out_once(
    texting: EumTexting, simulator: SimulatorClient, action: str
) -> None:
    await simulator.spoil(
        FaultOrder(service="pinpoint-sms-voice-v2", operation="SendTextMessage", action=action)
    )
    with pytest.raises(InDoubt):
        await texting.send(TEXT, not_after=NEVER)
    assert await sent_bodies(simulator) == [TEXT.body]


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("throttle", Throttled),
        ("error_500", InDoubt),
        ("hang", InDoubt),
        ("refuse:ConflictException:DESTINATION_PHONE_NUMBER_OPTED_OUT", OptedOut),
        ("refuse:ConflictException:NO_ORIGINATION_IDENTITIES_FOUND", AccountProblem),
        ("refuse:AccessDeniedException:ACCOUNT_DISABLED", AccountProblem),
    ],
)
async def test_a_refused_text_did_not_go_out(
    texting: EumTexting,
    simulator: SimulatorClient,
    action: str,
    error: type[SwitchboardError],
) -> None:
    await simulator.spoil(
        FaultOrder(service="pinpoint-sms-voice-v2", operation="SendTextMessage", action=action)
    )
    with pytest.raises(SwitchboardError) as caught:
        await texting.send(TEXT, not_after=NEVER)
    assert type(caught.value) is error
    assert await sent_bodies(simulator) == []


async def test_a_spent_month_is_a_full_quota(
    texting: EumTexting, simulator: SimulatorClient
) -> None:
    await simulator.set_knobs(sms_voice={"text_spend_limit_reached": True})
    with pytest.raises(QuotaFull, match="monthly_spend_limit"):
        await texting.send(TEXT, not_after=NEVER)


async def test_who_opted_out_gets_nothing_until_opted_in(
    texting: EumTexting, clock: FakeClock
) -> None:
    await texting.opt_out("Default", CUSTOMER)
    await texting.opt_out("Default", CUSTOMER)
    with pytest.raises(OptedOut):
        await texting.send(TEXT, not_after=NEVER)
    await texting.opt_in("Default", CUSTOMER)
    clock.advance(1)
    assert await texting.send(TEXT, not_after=NEVER)


async def test_opting_in_who_never_opted_out_is_a_success(texting: EumTexting) -> None:
    await texting.opt_in("Default", CUSTOMER)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"configuration_set": "nobody"}, "configuration_set_not_found"),
        ({"origination_identity": "+12065550888"}, "phone_number_not_found|no_origination_.*"),
    ],
)
async def test_a_wrong_wiring_is_a_problem_of_the_account(
    texting: EumTexting, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(AccountProblem, match=reason):
        await texting.send(replace(TEXT, **change), not_after=NEVER)


async def test_an_unknown_opt_out_list_is_a_problem_of_the_account(texting: EumTexting) -> None:
    for change in (texting.opt_out, texting.opt_in):
        with pytest.raises(AccountProblem, match="opt_out_list_not_found"):
            await change("nobody", CUSTOMER)
