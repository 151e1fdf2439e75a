"""amazon-connect-chatjs, the library of browser chats, holds a whole chat with the simulator."""

from __future__ import annotations

import asyncio
import base64
import json
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.contract.simulator.chatting import Chatting, Customer

PATIENCE_S = 45
PNG = b"\x89PNG" + bytes(range(200))


class Browser:
    """The client's process: moves go in, what it did and was told comes out."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._told: deque[dict[str, Any]] = deque()

    async def do(self, move: str, **given: Any) -> Any:
        """Make the library do something and wait for its result."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": move, **given}).encode() + b"\n")
        line = await self._next(lambda line: move in (line.get("did"), line.get("failed")))
        assert "error" not in line, line
        return line["result"]

    async def refused(self, move: str, **given: Any) -> dict[str, Any]:
        """Make the library do what must fail; how it tells so."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": move, **given}).encode() + b"\n")
        line = await self._next(lambda line: line.get("failed") == move)
        error: dict[str, Any] = line["error"]
        return error

    async def told(self, event: str, **data: Any) -> dict[str, Any]:
        """The next event of that name with these members."""

        def fits(line: dict[str, Any]) -> bool:
            return line.get("told") == event and data.items() <= (line["data"] or {}).items()

        for line in self._told:
            if fits(line):
                self._told.remove(line)
                return dict(line["data"] or {})
        return dict((await self._next(fits))["data"] or {})

    async def _next(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while raw := await self._process.stdout.readline():
                line: dict[str, Any] = json.loads(raw)
                if fits(line):
                    return line
                self._told.append(line)
        raise AssertionError("the client ended", list(self._told))


@asynccontextmanager
async def browser(home: Path, chats: Chatting, customer: Customer) -> AsyncIterator[Browser]:
    details = {
        "contactId": customer.contact_id,
        "participantId": customer.participant_id,
        "participantToken": customer.participant_token,
    }
    process = await asyncio.create_subprocess_exec(
        *("node", "customer.cjs", chats.world.url, json.dumps(details)),
        cwd=home,
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        yield Browser(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def test_whole_chat(chats: Chatting, chatjs: Path) -> None:
    customer = await chats.start(Attributes={"channel": "web"})
    async with browser(chatjs, chats, customer) as client:
        assert await client.do("connect") is True
        await client.told("Message", ContentType="text/plain", ParticipantRole="SYSTEM")
        await chats.desk.join(customer.contact_id)
        hello = await chats.desk.say(customer.contact_id, "How can I help? \u2603")
        heard = await client.told("Message", Content="How can I help? \u2603")
        assert (heard["Id"], heard["DisplayName"]) == (hello.id, "Jane")

        sent = await client.do("send", message="my order \U0001f600")
        item = await chats.desk.wait_for_message(customer.contact_id, "my order \U0001f600")
        assert (item.id, item.role) == (sent["Id"], "CUSTOMER")
        echo = await client.told("Message", Content="my order \U0001f600")
        assert echo["Id"] == sent["Id"]

        await client.do("type")
        await chats.desk.type_on(customer.contact_id)
        assert (await client.told("Typing"))["ParticipantRole"] == "AGENT"

        await client.do("read", messageId=hello.id)
        await chats.desk.receive(customer.contact_id, sent["Id"])
        receipt = await client.told("ReadReceipt")
        assert receipt["MessageMetadata"]["MessageId"] == sent["Id"]
        receipts = await receipts_of(chats, customer, hello.id)
        assert customer.participant_id in receipts

        second = await chats.desk.say(customer.contact_id, "anything else?")
        await client.told("Message", Content="anything else?")
        await client.do("read", messageId=second.id)
        assert customer.participant_id in await receipts_of(chats, customer, second.id)

        encoded = base64.b64encode(PNG).decode()
        await client.do("attach", name="a.png", contentType="image/png", base64=encoded)
        shown = await client.told("Message", Type="ATTACHMENT")
        attachment_id = shown["Attachments"][0]["AttachmentId"]
        assert await client.do("download", attachmentId=attachment_id) == encoded

        page = await client.do("transcript", maxResults=100)
        said = [entry["Content"] for entry in page["Transcript"] if entry["Type"] == "MESSAGE"]
        assert said[-3:] == ["How can I help? \u2603", "my order \U0001f600", "anything else?"]

        await client.do("disconnect")
        chat = await chats.desk.wait_for_chat(state="ended")
        assert chat.disconnect_reason == "CUSTOMER_DISCONNECT"


async def receipts_of(chats: Chatting, customer: Customer, message_id: str) -> set[str]:
    """Who has read a message; waits, as the library holds receipts back a little."""
    after, readers = 0, set[str]()
    while not readers:
        changes = await chats.desk.changes(
            after=after, contact_id=customer.contact_id, wait_s=PATIENCE_S
        )
        assert changes, "no receipt came"
        after = changes[-1].seq
        for change in changes:
            metadata = change.item.receipt if change.item else None
            if metadata is not None and metadata["MessageId"] == message_id:
                readers |= {
                    r["RecipientParticipantId"]
                    for r in metadata["Receipts"]
                    if "ReadTimestamp" in r
                }
    return readers


async def test_end_by_the_agent_is_told_and_later_words_are_refused(
    chats: Chatting, chatjs: Path
) -> None:
    customer = await chats.start()
    async with browser(chatjs, chats, customer) as client:
        await client.do("connect")
        await client.told("Message", ParticipantRole="SYSTEM", ContentType="text/plain")
        await chats.desk.join(customer.contact_id)
        await chats.desk.end(customer.contact_id)
        await client.told("Ended")
        assert await client.refused("send", message="hello?")


async def test_lost_socket_is_opened_anew_and_the_chat_goes_on(
    chats: Chatting, chatjs: Path
) -> None:
    customer = await chats.start()
    async with browser(chatjs, chats, customer) as client:
        await client.do("connect")
        await client.told("Message", ParticipantRole="SYSTEM", ContentType="text/plain")
        await chats.desk.join(customer.contact_id)
        assert await chats.desk.cut_sockets(customer.contact_id) == 1
        await client.told("ConnectionLost")
        await client.told("ConnectionEstablished")
        await chats.desk.say(customer.contact_id, "still there?")
        page = await client.do("transcript", maxResults=1)
        assert page["Transcript"][0]["Content"] == "still there?"
