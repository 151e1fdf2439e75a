"""Reminder calls over the real queues: asked for, dialled, ended, told, answered by text."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from schemas.own import PinpointOrigin, Remind, encode_command
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import SeenCall, Telephones
from tests.e2e.account import REMINDING
from tests.e2e.stage import Customer, Stage, utc_now
from tests.e2e.theatre import scene

BRAND = "Reminding"


def reminder(customer: Customer, **keys: Any) -> Remind:
    """Of a visit in three days."""
    return Remind(
        **{
            "id": f"visit-{uuid.uuid4().hex}",
            "brand": BRAND,
            "number": customer.number,
            "appointment_at": utc_now() + timedelta(days=3),
            "name": "Ann",
            **keys,
        }
    )


async def plan(stage: Stage, customer: Customer, *calls: CalleePlan) -> None:
    async with Telephones(stage.world.simulator_url) as phones:
        await phones.plan(*calls, number=customer.number)


async def calls_to(stage: Stage, customer: Customer, *, count: int = 1) -> list[SeenCall]:
    """All calls to a customer, once so many are over."""
    async with Telephones(stage.world.simulator_url) as phones:

        async def look() -> list[SeenCall]:
            calls = await phones.calls(number=customer.number, state="ended")
            return calls if len(calls) >= count else []

        found: list[SeenCall] = await stage.until(look, f"{count} calls are over")
        return found


class Results:
    """A queue of this test's own on the bus that results go to."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url
        self._seen: list[dict[str, Any]] = []

    async def of(self, stage: Stage, reminder_id: str, result: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            answer = await self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            self._seen += [json.loads(m["Body"]) for m in answer.get("Messages", [])]
            for event in self._seen:
                detail = event["detail"]
                if (detail.get("reminderId"), detail.get("result")) == (reminder_id, result):
                    return dict(detail)
            return None

        found = await stage.until(look, f"of {reminder_id} the bus has {self._seen}")
        return dict(found)

    def kinds(self) -> set[str]:
        return {str(event["detail-type"]) for event in self._seen}


async def listening(stage: Stage, stack: AsyncExitStack) -> Results:
    """Listen to the default bus."""
    context = get_session().create_client(
        "events", config=AioConfig(), **stage.world.aws.client_arguments("EVENTS")
    )
    events: Any = await stack.enter_async_context(context)
    name = f"results-{uuid.uuid4().hex[:8]}"
    url = str((await stage.sqs.create_queue(QueueName=name))["QueueUrl"])
    answer = await stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    await events.put_rule(Name=name, EventPattern='{"source": ["switchboard.reminders"]}')
    await events.put_targets(
        Rule=name, Targets=[{"Id": "queue", "Arn": answer["Attributes"]["QueueArn"]}]
    )
    return Results(stage.sqs, url)


@scene()
async def test_a_callee_confirms_by_key_and_the_bus_is_told(stage: Stage) -> None:
    customer = stage.customer(REMINDING)
    async with AsyncExitStack() as stack:
        results = await listening(stage, stack)
        await plan(stage, customer, CalleePlan(keys="1"))
        origin = PinpointOrigin(endpoint_id="ep-1", campaign_id="c-1")
        asked = reminder(customer, pinpoint=origin)
        for _ in range(2):  # at least once is what a queue promises
            await stage.enqueue("reminders", encode_command(asked))
        [call] = await calls_to(stage, customer)
        assert call.pressed == "1"
        assert call.attributes["sb_answer"] == "confirmed"
        assert "Ann" in call.said[0]
        detail = await results.of(stage, asked.id, "confirmed")
        assert detail["calls"][0]["contactId"] == call.contact_id
        assert customer.number not in json.dumps(detail)

        async def look() -> bool:
            await results.of(stage, asked.id, "confirmed")
            return "connect.success" in results.kinds()

        await stage.until(look, "Pinpoint's shape is told as well")


@scene()
async def test_after_a_call_in_vain_a_text_is_sent_and_its_answer_closes_the_reminder(
    stage: Stage,
) -> None:
    customer = stage.customer(REMINDING)
    async with AsyncExitStack() as stack:
        results = await listening(stage, stack)
        await plan(stage, customer, CalleePlan(behaviour="no_answer"))
        asked = reminder(customer)
        await stage.enqueue("reminders", encode_command(asked))
        await results.of(stage, asked.id, "no_answer")

        async def is_texted() -> bool:
            return bool(await stage.on_phone(customer))

        await stage.until(is_texted, "the text instead of the call")
        [text] = await stage.on_phone(customer)
        assert text.startswith("Reminding: we tried to call you about your appointment on ")
        await stage.text(customer, "1")
        detail = await results.of(stage, asked.id, "confirmed")
        assert detail["detail"] == "by_text"
        assert await stage.chats(customer) == []


@scene()
async def test_a_key_that_opts_out_ends_calls_and_texts(stage: Stage) -> None:
    customer = stage.customer(REMINDING)
    async with AsyncExitStack() as stack:
        results = await listening(stage, stack)
        await plan(stage, customer, CalleePlan(keys="9"))
        first, second = reminder(customer), reminder(customer)
        await stage.enqueue("reminders", encode_command(first))
        await results.of(stage, first.id, "opted_out")
        await stage.enqueue("reminders", encode_command(second))
        detail = await results.of(stage, second.id, "not_called")
        assert detail["detail"] == "opted_out"


@scene()
async def test_a_pinpoint_custom_channel_call_dials_each_of_its_endpoints(stage: Stage) -> None:
    customers = [stage.customer(REMINDING) for _ in range(2)]
    endpoints = {
        f"ep-{number}": {
            "ChannelType": "CUSTOM",
            "Address": customer.number,
            "EndpointStatus": "ACTIVE",
            "OptOut": "NONE",
            "Demographic": {"Timezone": "America/Los_Angeles"},
            "Attributes": {"AppointmentAt": [(utc_now() + timedelta(days=3)).isoformat()]},
            "User": {"UserId": "u-4", "UserAttributes": {"FirstName": ["Pat"]}},
        }
        for number, customer in enumerate(customers)
    }
    call = {
        "Message": {},
        "Data": json.dumps({"brand": BRAND}),
        "ApplicationId": "3a9b",
        "CampaignId": "1397",
        "TreatmentId": "0",
        "ActivityId": uuid.uuid4().hex,
        "ScheduledTime": utc_now().isoformat(),
        "Endpoints": endpoints,
    }
    for _ in range(2):
        await stage.enqueue("reminders", json.dumps(call))
    for customer in customers:
        [made] = await calls_to(stage, customer)
        assert made.attributes["sb_name"] == "Pat"
    await asyncio.sleep(1)
    for customer in customers:
        assert len(await calls_to(stage, customer)) == 1


@scene()
async def test_a_broken_reminder_is_a_dead_letter_that_names_the_key(stage: Stage) -> None:
    customer = stage.customer(REMINDING)
    document = json.loads(encode_command(reminder(customer)))
    document["appointment_at"] = "soon"
    body = json.dumps(document)
    await stage.enqueue("reminders", body)
    letter = await stage.dead_letter("reminders", body)
    assert letter.reason == "undecodable_command_field_invalid"
    assert customer.number not in json.dumps(dict(letter.attributes))


async def switchboard(stage: Stage, *arguments: str) -> tuple[int, str, str]:
    """An operator's command, in a shell with a worker's wiring; status, stdout, stderr."""
    said = await stage.world.switchboard(*arguments)
    return said.status, said.out, said.err


async def reported(stage: Stage, name: str, **states: int) -> list[dict[str, Any]]:
    """The report of a list, once so many rows are in each of these states."""
    rows: list[dict[str, Any]] = []

    async def look() -> bool:
        status, out, err = await switchboard(stage, "calls", "report", name, "--format", "json")
        assert status == 0, err
        rows[:] = json.loads(out)["rows"]
        counts = Counter(row["state"] for row in rows)
        return all(counts[state] == count for state, count in states.items())

    await stage.until(look, lambda: f"of {states} the report has {rows}", 30.0)
    return rows


@scene(slow=True)
async def test_a_list_is_previewed_started_and_reported_row_by_row(stage: Stage) -> None:
    people = [stage.customer(REMINDING) for _ in range(3)]
    at = (utc_now() + timedelta(days=3)).isoformat()
    lines = [f"{p.number},{at},North" for p in people]
    lines.insert(1, f"12,{at},North")
    lines.append(lines[0])
    file = stage.world.plan.run_dir / f"list-{uuid.uuid4().hex[:6]}.csv"
    file.write_text("number,appointment_at,clinic\n" + "\n".join(lines) + "\n")
    await plan(stage, people[0], CalleePlan(keys="1"))
    await plan(stage, people[1], CalleePlan(behaviour="machine"))
    await plan(stage, people[2], CalleePlan(keys="2"))

    start = ("calls", "start", str(file), "--brand", BRAND)
    status, out, err = await switchboard(stage, *start, "--dry-run")
    assert status == 0, err
    assert "3 rows: 3 now. Nobody was called." in out
    assert "line 3: number" in err
    assert "line 6: the same person and appointment as line 2" in err
    assert people[0].number not in out + err

    for _ in range(2):  # the same file again is the same list
        status, out, err = await switchboard(stage, *start)
        assert status == 0, err
    name = out.split(":")[0]
    rows = await reported(stage, name, confirmed=1, human=1, another_time=1)
    assert [row["line"] for row in rows] == [2, 4, 5]
    for person in people:
        [call] = await calls_to(stage, person)
        assert call.attributes["clinic"] == "North"

    status, out, _ = await switchboard(stage, "calls", "status", name)
    assert f"{name} is running: 3 rows of {BRAND}" in out
    status, out, _ = await switchboard(stage, "calls", "report", name, "--format", "csv", "--full")
    assert people[2].number in out
    assert out.splitlines()[0].startswith("line,id,number,state")


@scene(slow=True)
async def test_a_list_is_paused_resumed_and_cancelled(stage: Stage) -> None:
    people = [stage.customer(REMINDING) for _ in range(2)]
    at = (utc_now() + timedelta(days=3)).isoformat()
    file = stage.world.plan.run_dir / f"list-{uuid.uuid4().hex[:6]}.jsonl"
    name, later = f"l-{uuid.uuid4().hex[:8]}", (utc_now() + timedelta(hours=1)).isoformat()
    file.write_text(
        "\n".join(json.dumps({"number": p.number, "appointment_at": at}) for p in people)
    )
    start = ("calls", "start", str(file), "--brand", BRAND, "--name", name, "--at", later)
    status, _, err = await switchboard(stage, *start)
    assert status == 0, err
    status, out, _ = await switchboard(stage, "calls", "pause", name, "--reason", "too early")
    assert (status, out) == (0, f"{name} is paused\n")
    await reported(stage, name, waiting=2)
    status, out, _ = await switchboard(stage, "calls", "cancel", name, "--reason", "not at all")
    assert status == 0
    rows = await reported(stage, name, not_called=2)  # although they were to wait for an hour
    assert {row["detail"] for row in rows} == {"cancelled"}
    status, _, err = await switchboard(stage, "calls", "resume", name)
    assert status == 2
    assert "was cancelled" in err
    status, _, err = await switchboard(stage, "calls", "status", "nobodys")
    assert status == 2


@scene()
async def test_one_reminder_from_a_shell(stage: Stage) -> None:
    customer = stage.customer(REMINDING)
    await plan(stage, customer, CalleePlan(keys="1"))
    at = (utc_now() + timedelta(days=3)).isoformat()
    arguments = ("remind", customer.number, "--brand", BRAND, "--at", at, "--name", "Ann")
    status, out, err = await switchboard(stage, *arguments)
    assert status == 0, err
    assert customer.number not in out
    [call] = await calls_to(stage, customer)
    assert call.attributes["sb_name"] == "Ann"
