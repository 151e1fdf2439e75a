"""From a decoded event to a journal entry: ids, lanes, payloads. Pure.

An entry's id is a hash of its source and the event's own id, so it tells nothing, may be logged,
and a redelivered event finds its first copy. A chat's end has one id for both of its messengers
(chat.ended on the stream, DISCONNECTED on the bus), so whichever comes first is the only one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from schemas.own import Notice
from workers.stores.protocols import ContactRef, Lane, NewEntry

CLOCK_ERROR_MS = 5_000
"""How far a worker's clock may be behind before an event's own time is not believed.

Events get their times from AWS and are ordered by them. A worker whose clock is behind must not
cut such a time down to its own "now": it would put the event before an earlier one that another
worker has entered. Only a time that is far ahead is cut, lest it hold its lane up.
"""


class Kind(StrEnum):
    """What an entry is."""

    TEXT = "text"  # in: a customer's text
    AGENT = "agent"  # out: a message or file from the chat
    NOTICE = "notice"  # out: a text of our own
    END = "end"  # out: the chat is over


class FilePayload(TypedDict):
    """One attachment of a chat message."""

    id: str
    name: str
    content_type: str


def entry_id(source: str, event_id: str) -> str:
    """Twelve characters that stand for one event of one source."""
    digest = hashlib.sha256(f"{source}|{event_id}".encode()).digest()
    return base64.b32encode(digest)[:12].decode().lower()


def text_entry(inbound_message_id: str, body: str, sent_at: datetime, now_ms: int) -> NewEntry:
    """A customer's text. Its time is the SNS envelope's."""
    return NewEntry(
        id=entry_id("text", inbound_message_id),
        lane=Lane.IN,
        kind=Kind.TEXT,
        time_ms=_believed(_ms(sent_at), now_ms),
        payload={"body": body},
    )


def agent_entry(
    ref: ContactRef,
    message_id: str,
    at: datetime,
    now_ms: int,
    *,
    body: str = "",
    files: Sequence[FilePayload] = (),
) -> NewEntry:
    """A message from the chat, for the customer. `m` is Connect's id, for the receipt back."""
    payload: dict[str, Any] = {"m": message_id}
    if body:
        payload["body"] = body
    if files:
        payload["files"] = list(files)
    return NewEntry(
        id=entry_id("chat", message_id),
        lane=Lane.OUT,
        kind=Kind.AGENT,
        time_ms=_believed(_ms(at), now_ms),
        gen=ref.gen,
        payload=payload,
    )


def end_entry(ref: ContactRef, at_ms: int, now_ms: int) -> NewEntry:
    """The end of one generation of chat."""
    return NewEntry(
        id=entry_id("end", f"{ref.sid}.{ref.gen}"),
        lane=Lane.OUT,
        kind=Kind.END,
        time_ms=_believed(at_ms, now_ms),
        gen=ref.gen,
    )


def notice_entry(notice: Notice, now_ms: int) -> NewEntry:
    """A text of our own, asked for by the worker that decided on it."""
    return NewEntry(
        id=entry_id("notice", notice.id),
        lane=Lane.OUT,
        kind=Kind.NOTICE,
        time_ms=_believed(_ms(notice.at), now_ms),
        gen=notice.gen,
        payload={"notice": notice.kind},
    )


def _believed(at_ms: int, now_ms: int) -> int:
    return min(at_ms, now_ms + CLOCK_ERROR_MS)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
