"""What is known of one address, as a value: the newest word on each recent message about it.

A record is evidence, not a verdict. What it comes to under the rules of today is
`workers.handlers.bounce_tracking.standing`'s to say, so a changed rule needs no migration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from workers.addresses import Channel
from workers.brands import MessageClass
from workers.errors import SwitchboardError


class Kind(StrEnum):
    """What one event says of an address, in the order in which a later word beats an earlier.

    Of the events about one message only the last in this order counts, in whatever order they
    come. A mail that was taken and then comes back as undeliverable has bounced; one that was
    taken and "bounced softly" met an auto-reply; a phone that has the text has it, whatever else
    was said.
    """

    DELAYED = "delayed"
    UNKNOWN = "unknown"  # nobody could say; also the carrier's silence for 72 h
    ACCEPTED = "accepted"  # by the carrier: in some countries the best there is
    REFUSED = "refused"  # by us or our provider, before it was sent: bad content, protect rules
    EXPIRED = "expired"  # our own time to live
    CONTENT = "content"  # too large, not wanted as it is
    SPAM = "spam"  # the carrier takes what is in it for spam
    NO_ANSWER = "no_answer"  # a call that rang, or found the line busy
    SOFT_BOUNCE = "soft_bounce"
    UNREACHABLE = "unreachable"  # a phone without network, a carrier at fault
    LANDLINE = "landline"  # a number, but none that takes texts
    BLOCKED = "blocked"  # the recipient's device or carrier takes nothing of ours
    INVALID_NUMBER = "invalid_number"
    DELIVERED = "delivered"
    SUPPRESSION_LIST = "suppression_list"  # the provider knew better than to try
    HARD_BOUNCE = "hard_bounce"
    # The recipient's own word. It stands beside the message's fate.
    COMPLAINT = "complaint"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    ADDED = "added"  # by an operator


RANK: Mapping[Kind, int] = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The word that counts on one message.

    Attributes:
        id: stands for the message, and for whether this is its fate or the recipient's own word.
        words: the source's, such as `Permanent/NoEmail`.
        message_class: the one that it concerns; None where that is unknown or all.
        scope: the opt-out list that it concerns; None for all.
        passed_on: whether the provider's own list has it.
    """

    id: str
    kind: Kind
    at_ms: int
    words: str = ""
    message_class: MessageClass | None = None
    scope: str | None = None
    passed_on: bool = False


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """All that is kept of one address on one channel.

    Attributes:
        evidence: oldest first, at most about fifty; what matters for good stays.
        counts: messages by kind, ever.
        floor_ms: evidence up to here may have been dropped; what comes late is not counted again.
        lifted_ms: what happened until then suppresses nothing any more: an operator said so.
        expires_at_s: None: never.
        revision: of the stored item; 0 where there is none.
    """

    channel: Channel
    address: str
    evidence: tuple[Evidence, ...] = ()
    counts: Mapping[Kind, int] = field(default_factory=dict)
    floor_ms: int = 0
    lifted_ms: int = 0
    expires_at_s: int | None = None
    revision: int = 0


class RecordChanged(SwitchboardError):
    """Somebody else wrote the record since it was read; `record` is what stands there now."""

    def __init__(self, record: AddressRecord | None) -> None:
        super().__init__("the record changed")
        self.record = record


class AddressHealth(Protocol):
    """One record for each channel and address. Every method may raise `TransientError`."""

    async def find(self, channel: Channel, address: str) -> AddressRecord | None:
        """A consistent read; None for an address that nothing is known of."""
        ...

    async def save(self, record: AddressRecord) -> AddressRecord:
        """Write it in place of the revision that it was made from; returns it as stored.

        Raises:
            RecordChanged: another revision stands there. Nothing was written.
        """
        ...
