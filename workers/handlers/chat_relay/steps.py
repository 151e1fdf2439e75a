"""The steps that `decide` may choose, as plain values.

Each names one thing that the holder of a session does next. Every step ends in a write to the
journal that either records it or gives the lane back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.own import NoticeKind
from workers.handlers.chat_relay.entries import FilePayload
from workers.stores.protocols import Entry, Lane


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing can be done now. `until_ms`: when a lane opens again; 0 = nothing is pending."""

    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the lease until then, and look again: an earlier event of this lane may still come.

    `until_ms` may be past: then it is only the look that is missing.
    """

    lane: Lane
    until_ms: int


@dataclass(frozen=True, slots=True)
class ClaimChat:
    """Pin a new generation of chat for this text."""

    entry: Entry
    marks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OpenChat:
    """The generation is pinned: start the chat, stream it, connect, record it as open."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Say:
    """A customer's text into the chat, in as many messages as it needs.

    `notice`: what we answer by ourselves besides (HELP must always be answered).
    """

    entry: Entry
    messages: tuple[str, ...]
    notice: NoticeKind | None = None
    marks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendText:
    """Part `part` of `of` of a text to the customer, with its intent first.

    `file`: the part is an agent's file instead of `body`. `automatic`: our own words, capped.
    `passes_gate`: the law wants it sent even to somebody who opted out. `tell_agent`: a note about
    the part before. `after_doubt`: the part before stays uncertain.
    """

    entry: Entry
    part: int
    of: int
    body: str = ""
    file: FilePayload | None = None
    automatic: bool = False
    passes_gate: bool = False
    tries: int = 1
    tell_agent: str = ""
    after_doubt: bool = False
    marks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AwaitReceipt:
    """A send is in doubt: leave the lane until its receipt, or until its time is up."""

    entry: Entry
    until_ms: int


@dataclass(frozen=True, slots=True)
class Conclude:
    """Record the entry as done without a send of ours; `reason` is counted."""

    entry: Entry
    reason: str
    tell_agent: str = ""
    ended_gen: int | None = None
    marks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptOut:
    """The customer wants no more texts."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class OptIn:
    """The customer asks for texts again, if they had opted out."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Answer:
    """A text of our own in answer to this one, then done: help, no match, refused."""

    entry: Entry
    notice: NoticeKind
    marks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The entry can never succeed: mark it dead, its own message takes it to the DLQ."""

    entry: Entry
    reason: str


Step = (
    Rest
    | Hold
    | ClaimChat
    | OpenChat
    | Say
    | SendText
    | AwaitReceipt
    | Conclude
    | OptOut
    | OptIn
    | Answer
    | GiveUp
)
