"""Follows the ledger's file as it grows, and tells each conversation what has come out of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from demo.judge import words

LOOK_S = 0.1
_LINES_AT_ONCE = 500
_JOINED = "application/vnd.amazonaws.connect.event.participant.joined"


@dataclass
class Heard:
    """What one conversation has come to so far. `changed` is set with every news."""

    customer_number: str
    ended_text: str
    names: set[str] = field(default_factory=set)
    receipts: set[str] = field(default_factory=set)
    contact_id: str = ""
    has_agent: bool = False
    has_ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Hearing:
    """All conversations that still go on."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._by_number: dict[str, Heard] = {}
        self._by_contact: dict[str, Heard] = {}

    def begin(self, customer_number: str, ended_text: str) -> Heard:
        """Listen for a conversation."""
        heard = self._by_number[customer_number] = Heard(customer_number, ended_text)
        return heard

    def forget(self, heard: Heard) -> None:
        """It is over."""
        self._by_number.pop(heard.customer_number, None)
        self._by_contact.pop(heard.contact_id, None)

    async def listen(self) -> None:
        """Follow the file, until cancelled."""
        with self._ledger.open(encoding="utf-8") as file:
            while True:  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0 if self._read(file) else LOOK_S)

    def _read(self, file: TextIO) -> bool:
        """Take in some lines; whether there may be more."""
        for _ in range(_LINES_AT_ONCE):
            place = file.tell()
            line = file.readline()
            if not line.endswith("\n"):
                file.seek(place)
                return False
            self._take(json.loads(line))
        return True

    def _take(self, entry: dict[str, Any]) -> None:
        params = entry["params"]
        heard: Heard | None = None
        match entry["kind"], entry["name"]:
            case "request", "StartChatContact":
                heard = self._by_number.get(params["Attributes"]["sb_customer_number"])
                if heard is not None:
                    heard.contact_id = entry["result"]["ContactId"]
                    self._by_contact[heard.contact_id] = heard
            case "request", "SendTextMessage":
                heard = self._by_number.get(params["DestinationPhoneNumber"])
                if heard is not None:
                    heard.has_ended |= params["MessageBody"] == heard.ended_text
                    heard.names.add(words(params["MessageBody"])[0])
            case "fact", "chat_item":
                heard = self._by_contact.get(params["initial_contact_id"])
                if heard is not None:
                    _take_item(heard, params)
            case _:
                return
        if heard is not None:
            heard.changed.set()


def _take_item(heard: Heard, item: dict[str, Any]) -> None:
    if item["receipt"]:
        heard.receipts.add(item["receipt"]["MessageId"])
    elif item["role"] == "CUSTOMER" and item["type"] == "MESSAGE":
        heard.names.add(words(item["content"])[0])
    elif item["role"] == "AGENT" and item["content_type"] == _JOINED:
        heard.has_agent = True
