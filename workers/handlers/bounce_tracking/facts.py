"""What each event says of an address, in one vocabulary for every source. Values only.

Which event says what is in `mail_facts.py` and `phone_facts.py`, as tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.timestamps import to_ms
from workers.addresses import Channel
from workers.brands import MessageClass
from workers.config import BounceRules
from workers.stores.address_records import Kind

CLOCK_ERROR: Final = timedelta(seconds=5)
_WORDS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Fact:
    """One message's fate at one address, or its recipient's own word.

    Attributes:
        address: normalised for its channel.
        message_id: the provider's; with the address and the kind's matter it is the identity.
        words: the source's own, without anything that could be somebody's.
        message_class: None where the source does not tell.
        scope: the opt-out list of the brand that had sent it, where that is known.
        tells_class: False where the source could not have told it: notifications have no tags.
        is_routine: the fate of a conversation's text. Good news of one is kept only where there is
            a record already: it would cost each text a write (ADR 0013).
    """

    channel: Channel
    address: str
    message_id: str
    kind: Kind
    at_ms: int
    words: str = ""
    message_class: MessageClass | None = None
    scope: str | None = None
    is_routine: bool = False
    tells_class: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What an event comes to.

    Attributes:
        facts: one for each recipient it is about.
        unneeded: why it says nothing of any address, where it does not.
        broken: what it lacks. Facts of its other recipients stand all the same.
    """

    facts: tuple[Fact, ...] = ()
    unneeded: str = ""
    broken: str = ""


NO_NUMBER: Final = "receipt_names_no_number"
NOT_NEEDED: Final = Reading(unneeded="event_type_not_needed")


@dataclass(frozen=True, slots=True)
class Lens:
    """What reading needs besides the event.

    Attributes:
        at: the event's time, or when it was sent to us where it has none.
        event_id: stands in for a message's id where there is none.
        scope_of: the opt-out list of an origination number, None for one of no brand.
    """

    rules: BounceRules
    at: datetime
    now: datetime
    event_id: str
    scope_of: Callable[[str | None], str | None]

    @property
    def at_ms(self) -> int:
        """The event's time. One that lies ahead of any clock's error is not believed."""
        return to_ms(min(self.at, self.now + CLOCK_ERROR))


def message_class(word: str | None) -> MessageClass | None:
    """TRANSACTIONAL or Promotional, in any case; None for anything else."""
    folded = (word or "").lower()
    return MessageClass(folded) if folded in set(MessageClass) else None


def spoken(words: str) -> str:
    """A source's words as far as they are words: no address and no number gets into a record."""
    kept = re.sub(r"[^A-Za-z0-9_/ .-]", "", re.sub(r"\S*@\S*|\d{5,}", "", words))
    return " ".join(kept.split())[:_WORDS_MAX]
