"""Outbound calls through the simulated contact centre, and results onto a bus, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from simulator.contact_centre.seeding import DEFAULT_INSTANCE_ID, DEFAULT_NUMBER
from simulator.contact_centre.voice.callee import CalleePlan
from tests.contract.clients.wire import Behaviour, WireServer, answer, closed_port
from tests.contract.simulator.calling import FLOW_ID, Calling, calling
from tests.contract.simulator.conftest import CUSTOMER
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.connect_voice import ConnectDialing
from workers.clients.profile_zones import ProfileZones, ZoneKeys
from workers.clients.protocols import OutboundCall
from workers.clients.result_bus import EventBridgeResults
from workers.errors import AccountProblem, ContactEnded, PermanentError, QuotaFull, TransientError
from workers.handlers.reminders.results import ended
from workers.stores.call_records import Result

CALL = OutboundCall(
    client_token="rid.1",
    contact_flow_id=FLOW_ID,
    number=CUSTOMER,
    attributes={"firstName": "Ann", "sb_reminder": "rid", "sb_attempt": "1"},
    source_number=DEFAULT_NUMBER,
    ring_timeout_s=20,
)


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Calling]:
    # What the simulator publishes is not looked at here, and must not leave this machine.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    async with calling() as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECT", found.simulator.world.url)
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, "us-east-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        await found.simulator.control.set_knobs(rates=False)
        yield found


@pytest.fixture
async def dialing(office: Calling, caller: Caller) -> AsyncIterator[ConnectDialing]:
    async with Aws(AwsPolicy()) as aws:
        yield ConnectDialing(await aws.connect(), DEFAULT_INSTANCE_ID, caller)


async def test_the_same_token_is_the_same_call(office: Calling, dialing: ConnectDialing) -> None:
    first, again = await dialing.dial(CALL), await dialing.dial(CALL)
    assert first == again
    assert await dialing.dial(replace(CALL, client_token="rid.2")) != first
    assert len(await office.phones.calls(number=CUSTOMER)) == 2


@pytest.mark.parametrize(
    ("plan", "result", "detail"),
    [
        (CalleePlan(keys="3"), Result.TALKED_TO_AGENT, "customer_disconnect"),
        (CalleePlan(behaviour="busy"), Result.BUSY, "telecom_busy"),
        (CalleePlan(behaviour="no_answer"), Result.NO_ANSWER, "telecom_unanswered"),
        (CalleePlan(behaviour="unreachable"), Result.NO_ANSWER, "telecom_timeout"),
        (CalleePlan(behaviour="invalid"), Result.FAILED, "invalid_number"),
        (CalleePlan(behaviour="blocked"), Result.FAILED, "telecom_potential_blocking"),
        (CalleePlan(behaviour="fails"), Result.FAILED, "telecom_problem"),
        (CalleePlan(behaviour="machine"), Result.HUMAN, "contact_flow_disconnect"),
    ],
)
async def test_what_becomes_of_a_call_is_told_by_its_contact(
    office: Calling, dialing: ConnectDialing, plan: CalleePlan, result: Result, detail: str
) -> None:
    await office.phones.plan(plan)
    contact_id = await dialing.dial(CALL)
    await office.over(contact_id)
    facts = await dialing.call_facts(contact_id)
    assert facts.is_over
    assert facts.ended_at is not None
    assert facts.attributes["sb_reminder"] == "rid"
    found = ended(facts)
    assert (found.result, found.detail) == (result, detail)


async def test_a_call_that_is_on_is_not_over(office: Calling, dialing: ConnectDialing) -> None:
    await office.simulator.control.set_knobs(voice={"time_scale": 1})
    contact_id = await dialing.dial(CALL)
    assert not (await dialing.call_facts(contact_id)).is_over


async def test_detection_tells_a_machine(office: Calling, dialing: ConnectDialing) -> None:
    detecting = replace(CALL, detect_machines=True)
    with pytest.raises(AccountProblem, match="outbound_not_permitted"):
        await dialing.dial(detecting)
    await office.simulator.control.set_knobs(voice={"concurrent_campaign_calls": 1})
    await office.phones.plan(CalleePlan(behaviour="machine"))
    contact_id = await dialing.dial(replace(detecting, client_token="rid.2"))
    await office.over(contact_id)
    assert ended(await dialing.call_facts(contact_id)).result is Result.MACHINE
    await office.simulator.control.set_knobs(
        voice={"time_scale": 1, "concurrent_campaign_calls": 1}
    )
    await dialing.dial(replace(detecting, client_token="rid.3"))
    with pytest.raises(QuotaFull, match="concurrent_calls"):
        await dialing.dial(replace(detecting, client_token="rid.4"))


async def test_what_can_never_be_dialled_is_refused_for_good(dialing: ConnectDialing) -> None:
    with pytest.raises(PermanentError, match="destination_not_allowed"):
        await dialing.dial(replace(CALL, number="+447700900123"))
    with pytest.raises(AccountProblem, match="flow_or_instance_not_found"):
        await dialing.dial(replace(CALL, contact_flow_id="nobodys"))
    for change in ({"number": "12"}, {"source_number": None}, {"ring_timeout_s": 5}):
        with pytest.raises(PermanentError):
            await dialing.dial(replace(CALL, **change))


async def test_a_contact_that_nobody_knows_is_gone(dialing: ConnectDialing) -> None:
    with pytest.raises(ContactEnded):
        await dialing.call_facts("12345678-1234-4123-8123-123456789012")


async def test_a_profiles_zone_is_found_by_customer_id_then_by_number(
    wire: WireServer, sdk: Aws, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CUSTOMER_PROFILES", wire.url)
    keys = ZoneKeys(phone="_phone", customer_id="_account", attribute="Zone")
    zones = ProfileZones(await sdk.customer_profiles(), caller, "clinic", keys)

    def found(*names: str | None) -> Behaviour:
        items = [
            {"ProfileId": f"p-{name}", **({"Attributes": {"Zone": name}} if name else {})}
            for name in names
        ]
        return answer(200, {"Items": items})

    wire.script = [found(), found("America/Denver"), found("Europe/Paris"), found(None, None)]
    assert await zones.zone_of(CUSTOMER, "c-1") == "America/Denver"
    asked = [request.json() for request in wire.requests]
    assert [(a["KeyName"], a["Values"]) for a in asked] == [
        ("_account", ["c-1"]),
        ("_phone", [CUSTOMER]),
    ]
    assert await zones.zone_of(CUSTOMER, "c-1") == "Europe/Paris"
    assert await zones.zone_of(CUSTOMER, None) is None
    wire.script = [found("Europe/Paris", "Europe/Rome")]
    assert await zones.zone_of(CUSTOMER, None) is None


async def test_results_are_put_and_a_partial_refusal_is_seen(
    wire: WireServer, sdk: Aws, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", wire.url)
    bus = EventBridgeResults(await sdk.events(), "results", caller)
    for code, error in (
        ("", None),
        ("InternalFailure", TransientError),
        ("NotAuthorizedForSource", PermanentError),
    ):
        entry = {"ErrorCode": code} if code else {"EventId": "e-1"}
        wire.script = [answer(200, {"FailedEntryCount": 1, "Entries": [entry]})]
        if error is None:
            await bus.publish([("Switchboard Reminder Result", {"result": "busy"})])
        else:
            with pytest.raises(error):
                await bus.publish([("Switchboard Reminder Result", {"result": "busy"})])
    [first, *_] = wire.requests
    [sent] = first.json()["Entries"]
    assert (sent["EventBusName"], sent["Source"]) == ("results", "switchboard.reminders")
    assert json.loads(sent["Detail"]) == {"result": "busy"}
