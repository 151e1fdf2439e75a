"""What other handlers know of a customer: bounce tracking of addresses, dialing of reminders.

Whoever tells may tell again, and in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.timestamps import to_ms
from workers.addresses import Channel
from workers.config import PersonKey
from workers.handlers.profile_updates.door import ProfileDoor
from workers.handlers.profile_updates.facts import named
from workers.stores.person_records import AddressWord, ReminderWord

_EPOCH_MS: Final = 0


@dataclass(frozen=True, slots=True)
class AddressNews:
    """What became of one address; `revision` grows with each change of its record."""

    channel: Channel
    address: str
    revision: int
    state: str
    cause: str
    words: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ReminderNews:
    """What came of a reminder: its id, the word for its result, and which attempt that was."""

    number: str
    reminder_id: str
    result: str
    at: datetime
    attempt: int = 1
    customer_id: str | None = None


class ProfileWords:
    """The door for those who know whom they speak of."""

    def __init__(self, door: ProfileDoor) -> None:
        self._door = door

    async def address_is(self, news: AddressNews) -> bool:
        """Write down what became of an address; False where it is nobody's.

        Raises:
            TransientError: to be told again.
        """
        key = PersonKey.EMAIL if news.channel is Channel.EMAIL else PersonKey.PHONE
        word = AddressWord(
            channel=news.channel,
            address=news.address,
            revision=news.revision,
            state=news.state,
            cause=news.cause,
            words=news.words,
            since_ms=_ms(news.since),
            until_ms=_ms(news.until),
        )
        return await self._door.tell({key: news.address}, word, _ms(news.since))

    async def reminder_was(self, news: ReminderNews) -> bool:
        """Write down the last reminder and its result; False where it is nobody's.

        Raises:
            TransientError: to be told again.
        """
        keys = {PersonKey.PHONE: news.number}
        if news.customer_id:
            keys[PersonKey.CUSTOMER_ID] = news.customer_id
        at_ms = to_ms(news.at)
        word = ReminderWord(named(news.reminder_id), at_ms, named(news.result), news.attempt)
        return await self._door.tell(keys, word, at_ms)


def _ms(at: datetime | None) -> int:
    return _EPOCH_MS if at is None else to_ms(at)
