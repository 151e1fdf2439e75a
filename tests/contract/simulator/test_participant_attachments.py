"""Attachments, up and down, with the bytes over real URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.contract.simulator.chatting import Chatting, Customer, chatting
from tests.contract.simulator.test_participant import INVALID, code_of

CONTENT = b"\x89PNG" + bytes(range(256))
FILE: dict[str, Any] = {
    "AttachmentName": 'a "map".png',
    "ContentType": "image/png",
    "AttachmentSizeInBytes": len(CONTENT),
}


@pytest.fixture
async def chats() -> AsyncIterator[Chatting]:
    async with chatting() as found:
        yield found


async def announce(chats: Chatting, customer: Customer, **changed: Any) -> Any:
    asked = FILE | {"ClientToken": "start"} | changed
    return await chats.participant.start_attachment_upload(ConnectionToken=customer.token, **asked)


async def put(chats: Chatting, made: Any, content: bytes = CONTENT, **headers: str) -> int:
    upload = made["UploadMetadata"]
    wanted = upload["HeadersToInclude"] | headers
    async with chats.http.put(upload["Url"], data=content, headers=wanted) as answer:
        return answer.status


async def complete(chats: Chatting, customer: Customer, made: Any, by: str = "done") -> Any:
    return await chats.participant.complete_attachment_upload(
        ConnectionToken=customer.token, AttachmentIds=[made["AttachmentId"]], ClientToken=by
    )


async def fetch(chats: Chatting, url: str) -> tuple[int, bytes]:
    async with chats.http.get(url) as answer:
        return answer.status, await answer.read()


async def test_file_goes_up_is_shown_once_and_comes_down_again(chats: Chatting) -> None:
    customer = await chats.with_agent()
    made = await announce(chats, customer)
    assert (await announce(chats, customer))["AttachmentId"] == made["AttachmentId"]
    assert await put(chats, made) == 200
    await complete(chats, customer, made)
    await complete(chats, customer, made)
    item = (await chats.transcript(customer))[-1]
    assert item["Type"] == "ATTACHMENT"
    assert "ContentType" not in item
    assert item["Attachments"] == [
        {
            "AttachmentId": made["AttachmentId"],
            "AttachmentName": 'a "map".png',
            "ContentType": "image/png",
            "Status": "APPROVED",
        }
    ]
    shown = [i for i in await chats.desk.items(customer.contact_id) if i.type == "ATTACHMENT"]
    assert len(shown) == 1
    found = await chats.participant.get_attachment(
        ConnectionToken=customer.token, AttachmentId=made["AttachmentId"], UrlExpiryInSeconds=5
    )
    assert found["AttachmentSizeInBytes"] == len(CONTENT)
    assert await fetch(chats, found["Url"]) == (200, CONTENT)
    await chats.control.advance_clock(6)
    assert (await fetch(chats, found["Url"]))[0] == 403


async def test_agents_file_reaches_the_customer(chats: Chatting) -> None:
    customer = await chats.with_agent()
    attachment_id = await chats.desk.attach(customer.contact_id, "map.png", CONTENT, "image/png")
    found = await chats.participant.get_attachment(
        ConnectionToken=customer.token, AttachmentId=attachment_id
    )
    assert await fetch(chats, found["Url"]) == (200, CONTENT)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        pytest.param(CONTENT, {"Content-Type": "image/gif"}, 403, id="another_type_than_signed"),
        pytest.param(
            CONTENT[1:], {"Content-Length": str(len(CONTENT) - 1)}, 403, id="another_size"
        ),
    ],
)
async def test_upload_must_be_what_was_announced(
    chats: Chatting, content: bytes, headers: dict[str, str], status: int
) -> None:
    customer = await chats.with_agent()
    made = await announce(chats, customer)
    assert await put(chats, made, content, **headers) == status
    assert await code_of(complete(chats, customer, made)) == INVALID


async def test_upload_url_expires_and_wants_its_signature(chats: Chatting) -> None:
    customer = await chats.with_agent()
    made = await announce(chats, customer)
    forged = {"UploadMetadata": dict(made["UploadMetadata"])}
    forged["UploadMetadata"]["Url"] = made["UploadMetadata"]["Url"][:-1]
    assert await put(chats, forged) == 403
    await chats.control.advance_clock(61)
    assert await put(chats, made) == 403


async def test_completing_a_second_time_conflicts(chats: Chatting) -> None:
    customer = await chats.with_agent()
    made = await announce(chats, customer)
    assert await put(chats, made) == 200
    await complete(chats, customer, made)
    conflict = await code_of(complete(chats, customer, made, by="other"))
    assert conflict == ("ConflictException", 409)


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        pytest.param({"AttachmentName": "run.exe"}, INVALID, id="kind"),
        pytest.param({"AttachmentSizeInBytes": 20 * 1024 * 1024 + 1}, INVALID, id="too_large"),
    ],
)
async def test_file_is_refused(
    chats: Chatting, changed: dict[str, Any], refused: tuple[str, int]
) -> None:
    customer = await chats.with_agent()
    assert await code_of(announce(chats, customer, **changed)) == refused


async def test_chat_takes_so_many_files_and_no_more(chats: Chatting) -> None:
    await chats.desk.turn(attachments_per_chat=1)
    customer = await chats.with_agent()
    await announce(chats, customer)
    quota = await code_of(announce(chats, customer, ClientToken="second"))
    assert quota == ("ServiceQuotaExceededException", 402)


@pytest.mark.parametrize(("scan", "status"), [("approve", "APPROVED"), ("reject", "REJECTED")])
async def test_scanner_shows_the_file_twice_under_one_id(
    chats: Chatting, scan: str, status: str
) -> None:
    await chats.desk.turn(attachment_scan=scan, attachment_scan_ms=60_000)
    customer = await chats.with_agent()
    attachment_id = await chats.desk.attach(customer.contact_id, "map.png", CONTENT, "image/png")
    asked = {"ConnectionToken": customer.token, "AttachmentId": attachment_id}
    assert await code_of(chats.participant.get_attachment(**asked)) == INVALID
    before = (await chats.desk.changes())[-1].seq
    await chats.control.advance_clock(61)
    [change] = await chats.desk.changes(after=before, wait_s=5)
    first, second = [
        i for i in await chats.desk.items(customer.contact_id) if i.type == "ATTACHMENT"
    ]
    assert change.item == second
    assert first.id == second.id
    assert [i.attachments[0]["Status"] for i in (first, second)] == ["IN_PROGRESS", status]


async def test_file_of_another_chat_is_not_served(chats: Chatting) -> None:
    customer, other = await chats.with_agent(), await chats.open()
    made = await announce(chats, customer)
    assert await put(chats, made) == 200
    await complete(chats, customer, made)
    asked = {"ConnectionToken": other.token, "AttachmentId": made["AttachmentId"]}
    assert await code_of(chats.participant.get_attachment(**asked)) == INVALID
    assert await code_of(complete(chats, other, made)) == INVALID


async def test_browsers_may_put_to_the_upload_url(chats: Chatting) -> None:
    customer = await chats.with_agent()
    made = await announce(chats, customer)
    async with (
        aiohttp.ClientSession() as http,
        http.options(
            made["UploadMetadata"]["Url"], headers={"Access-Control-Request-Method": "PUT"}
        ) as answer,
    ):
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
