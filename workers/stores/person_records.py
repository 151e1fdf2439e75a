"""What is known of one customer, as a value; the profile's objects are written from it.

A record is what happened, not what it comes to: counts, scores and whether an offer was viewed are
`workers.handlers.profile_updates.objects`' to say, under the rules and at the time of day. So it
may be put together in any order and from duplicates (`workers.handlers.profile_updates.decide`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from workers.addresses import Channel
from workers.errors import SwitchboardError


class Stage(StrEnum):
    """How far a message came with its recipient."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"


@dataclass(frozen=True, slots=True)
class MessageTrail:
    """One message: when it first reached each stage (ms). `id` stands for the provider's id."""

    id: str
    stages: Mapping[Stage, int]

    @property
    def counted(self) -> Mapping[Stage, int]:
        """The stages that count: an answer to what nobody told us was sent is a conversation's."""
        if Stage.SENT in self.stages:
            return self.stages
        return {stage: at_ms for stage, at_ms in self.stages.items() if stage is not Stage.REPLIED}


@dataclass(frozen=True, slots=True)
class ChannelTrail:
    """The messages of one channel.

    Attributes:
        messages: the newest ones, oldest first.
        folded: how many of those that were dropped had reached each stage.
        floor_ms: of messages up to here nothing is known any more; what comes late is not counted.
        last_ms: the newest event's time.
    """

    messages: tuple[MessageTrail, ...] = ()
    folded: Mapping[Stage, int] = field(default_factory=dict)
    floor_ms: int = 0
    last_ms: int = 0


@dataclass(frozen=True, slots=True)
class OfferTrail:
    """One offer: when it was last made, last viewed and last said not to be viewed (ms, 0: not)."""

    name: str
    offered_ms: int = 0
    viewed_ms: int = 0
    denied_ms: int = 0

    @property
    def newest_ms(self) -> int:
        """The newest thing that is known of it."""
        return max(self.offered_ms, self.viewed_ms, self.denied_ms)


@dataclass(frozen=True, slots=True)
class PathStep:
    """How far somebody is in one campaign or journey: its newest word."""

    kind: str
    id: str
    at_ms: int
    activity: str = ""
    treatment: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class AddressWord:
    """What bounce tracking last said of one address; `revision` is its record's."""

    channel: Channel
    address: str
    revision: int
    state: str
    cause: str = ""
    words: str = ""
    since_ms: int = 0
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class ReminderWord:
    """The newest word on the last reminder."""

    id: str
    at_ms: int
    result: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Known:
    """One way in which a person is known, and when it was last said (ms)."""

    value: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PersonState:
    """Everything that happened with one person."""

    known_by: Mapping[str, Known] = field(default_factory=dict)
    channels: Mapping[Channel, ChannelTrail] = field(default_factory=dict)
    offers: tuple[OfferTrail, ...] = ()
    steps: tuple[PathStep, ...] = ()
    addresses: tuple[AddressWord, ...] = ()
    reminder: ReminderWord | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """Somebody's promise to write the profile: the message that stays on its queue until then.

    Attributes:
        message_id: whose message it is.
        due_ms: when it may be written; while it is, until when the writer has it to itself.
        nonce: the writer, while it is being written.
    """

    message_id: str
    due_ms: int
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """All that is kept of one person.

    Attributes:
        told: what was last written of each kind of object, as a digest.
        unwritten: events that the next write carries.
        revision: of the stored item; 0 where there is none.
    """

    profile_id: str
    state: PersonState = PersonState()
    told: Mapping[str, str] = field(default_factory=dict)
    errand: Errand | None = None
    unwritten: int = 0
    expires_at_s: int = 0
    revision: int = 0


class PersonChanged(SwitchboardError):
    """Somebody else wrote the record since it was read; `record` is what stands there now."""

    def __init__(self, record: PersonRecord | None) -> None:
        super().__init__("the record changed")
        self.record = record


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose profile a key finds, or who is about to make one.

    Attributes:
        profile_id: empty while it is being made.
        nonce: of whoever wrote it.
        until_ms: how long it is good for.
    """

    profile_id: str
    nonce: str
    until_ms: int


class People(Protocol):
    """One record a person. Every method may raise `TransientError`."""

    async def find(self, profile_id: str) -> PersonRecord | None:
        """A consistent read."""
        ...

    async def save(self, record: PersonRecord) -> PersonRecord:
        """Write it in place of the revision that it was made from; returns it as stored.

        Raises:
            PersonChanged: another revision stands there. Nothing was written.
        """
        ...


class Claims(Protocol):
    """Which key belongs to which profile. Every method may raise `TransientError`."""

    async def claim(self, key: str) -> Claim | None:
        """A consistent read of whoever has claimed a key, be it outdated."""
        ...

    async def take(self, key: str, claim: Claim, now_ms: int) -> Claim | None:
        """Write it unless another's still is good; returns that one, None when ours stands."""
        ...
