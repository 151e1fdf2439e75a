"""`switchboard erase`: of two people with everything that there may be, one is gone, one untouched.

What is theirs is told from the tables themselves: what came when they came.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import boto3

from schemas.own import Remind, encode_command
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import Telephones
from tests.e2e.account import PLAIN
from tests.e2e.sources import enqueue, in_a_pipe, publish, retold, somebody
from tests.e2e.stage import Customer, Stage, utc_now
from tests.e2e.theatre import scene
from tests.events import load

OF_PEOPLE = ("sessions", "suppressions", "calls", "profiles")
NOT_OF_ONE_PERSON = ("K#", "T#", "N#", "AIR", "A#")
"""Data keys, ticks, counters of all, calls on the air, and the audit of operators."""
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)

Kept = Mapping[tuple[str, str, str], str]


class Holding:
    """What a world's tables and its media bucket hold."""

    def __init__(self, stage: Stage) -> None:
        made, aws = stage.world.provisioned, stage.world.aws
        self._tables = {name: made.tables[name] for name in OF_PEOPLE}
        self._dynamodb = boto3.client("dynamodb", **aws.client_arguments("DynamoDB"))
        self._s3 = boto3.client("s3", **aws.client_arguments("S3"))
        self._bucket = made.buckets["media"]

    async def now(self) -> Kept:
        return await asyncio.to_thread(self._now)

    async def still(self) -> Kept:
        """Once nothing has been written for some seconds."""
        before = await self.now()
        while True:
            await asyncio.sleep(3)
            found = await self.now()
            if found == before:
                return found
            before = found

    def _now(self) -> Kept:
        found: dict[tuple[str, str, str], str] = {}
        for name, table in self._tables.items():
            pages = self._dynamodb.get_paginator("scan").paginate(TableName=table)
            for item in (item for page in pages for item in page["Items"]):
                pk, sk = item["pk"]["S"], item.get("sk", {}).get("S", "")
                is_claim = name == "profiles"
                if is_claim or not pk.startswith(NOT_OF_ONE_PERSON):
                    found[name, pk, sk] = repr(sorted(item.items()))
        listed = self._s3.list_objects_v2(Bucket=self._bucket)
        for one in listed.get("Contents", []):
            found["media", one["Key"], ""] = one["ETag"]
        return found


class Somebody:
    """A customer who writes, gets a picture, is called, is mailed, and wants no more."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.customer: Customer = stage.customer(PLAIN)
        self.mailbox = somebody()

    async def live(self) -> None:
        await self._talk()
        await self._be_called()
        await self._be_mailed()

    async def _talk(self) -> None:
        stage, customer = self._stage, self.customer
        chat = await stage.begin(customer, "is it ready?")
        await stage.desk.say(chat.contact_id, "here it is")
        await stage.desk.attach(chat.contact_id, "map.png", PICTURE, "image/png")

        async def has_both() -> bool:
            return len(await stage.on_phone(customer)) >= 2

        await stage.until(has_both, "text and picture are on the phone")
        await stage.text(customer, "STOP")

        async def has_ended() -> bool:
            return (await stage.chats(customer))[-1].state == "ended"

        await stage.until(has_ended, "STOP has ended the chat")

    async def _be_called(self) -> None:
        stage, number = self._stage, f"{self.customer.number[:-4]}9{self.customer.number[-3:]}"
        asked = Remind(
            id=f"visit-{uuid.uuid4().hex}",
            brand="Reminding",
            number=number,
            customer_id=f"u-{self.mailbox}",
            appointment_at=utc_now() + timedelta(days=3),
        )
        async with Telephones(stage.world.simulator_url) as phones:
            await phones.plan(CalleePlan(keys="1"), number=number)
            await stage.enqueue("reminders", encode_command(asked))

            async def is_over() -> bool:
                return bool(await phones.calls(number=number, state="ended"))

            await stage.until(is_over, "the call is over")
        self.second_number = number

    async def _be_mailed(self) -> None:
        words = {
            "pat@example.com": self.mailbox,
            "Pat@Example.com": self.mailbox,
            "u-4": f"u-{self.mailbox}",
            "0100019-bbbb-000000": uuid.uuid4().hex,
        }
        await publish(self._stage, "ses-events", retold(load("ses/complaint"), words))
        await publish(self._stage, "ses-events", retold(load("ses/open"), words))
        await enqueue(self._stage, in_a_pipe(retold(load("pinpoint/campaign_send"), words)))


@scene(world="erasing", slow=True)
async def test_one_of_two_is_gone_and_the_other_untouched(stage: Stage) -> None:
    holding = Holding(stage)
    pat, sam = Somebody(stage), Somebody(stage)
    await sam.live()
    without_pat = await holding.still()
    await pat.live()
    with_pat = await holding.still()
    of_pat = set(with_pat) - set(without_pat)

    looked = await erase(stage, pat, "--dry-run")
    assert await holding.now() == with_pat
    assert looked["found"] | looked["suppressions"] == {
        "conversations": 2,
        "contacts": 2,
        "files": 1,
        "reminders": 1,
        "call_counts": 1,
        "customer_records": 3,
        "profile_claims": 4,
        "address_records": 1,
        "opt_outs": 1,
    }
    assert looked["erased"] == 0

    erased = await erase(stage, pat, "--yes", "--reason", "request 12")
    assert erased["erased"] == sum(looked["found"].values())
    left = await holding.now()
    assert {pk[:2] for _, pk, _ in of_pat & set(left)} == {"H#", "O#"}
    assert {key: kept for key, kept in left.items() if key not in of_pat} == without_pat

    again = await erase(stage, pat, "--yes")
    assert again["found"] == {}
    await erase(stage, pat, "--yes", "--with-suppressions")
    assert await holding.now() == without_pat
    audit = await stage.world.switchboard("suppressions", "audit", "--json", "--full")
    acts = [act for act in json.loads(audit.out)["acts"] if act["act"] == "person_erased"]
    assert [(act["reason"], act["address"]) for act in acts] == [
        ("request 12", "-"),
        ("asked for", "-"),
    ]


async def erase(stage: Stage, who: Somebody, *options: str) -> dict[str, Any]:
    said = await stage.world.switchboard(
        *("erase", "--number", who.customer.number, "--number", who.second_number),
        *("--email", who.mailbox, "--json", *options),
    )
    assert said.status == 0, said.err
    for secret in (who.customer.number, who.second_number, who.mailbox):
        assert secret not in said.out + said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


@scene()
async def test_nobody_is_erased_while_a_chat_is_open_or_without_a_yes(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    whose = ("erase", "--number", customer.number)
    said = await stage.world.switchboard(*whose, "--yes")
    assert said.status == 1
    assert f"Not now: a chat is open (contact {chat.contact_id}): end it first" in said.out
    assert customer.number not in said.out + said.err
    await stage.desk.say(chat.contact_id, "still here?")
    await stage.until_on_phone(customer, "still here?")
    await stage.desk.end(chat.contact_id)

    async def is_free() -> bool:
        return "Not now" not in (await stage.world.switchboard(*whose, "--dry-run")).out

    await stage.until(is_free, "the chat has ended for the workers, too")
    refused = await stage.world.switchboard(*whose)
    assert refused.status == 1
    assert "They cannot be brought back" in refused.err
    assert "erased\n" not in refused.out


@scene()
async def test_whom_to_erase_must_be_said_rightly(stage: Stage) -> None:
    for options, says in (
        ((), "say who"),
        (("--number", "12065550100x"), "a number in E.164"),
        (("--email", "nobody"), "a mail address"),
        (("--number", "+12065550100", "--reason", "for +12065550100"), "leave out numbers"),
    ):
        said = await stage.world.switchboard("erase", *options)
        assert said.status == 2
        assert says in said.err
    nobody = stage.customer()
    said = await stage.world.switchboard("erase", "--number", nobody.number, "--yes")
    assert said.status == 0
    assert "nothing that is to be erased" in said.out
