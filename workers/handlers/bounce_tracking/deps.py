"""What bounce tracking works with, put together in `workers.tools`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from workers.addresses import Channel
from workers.clock import Clock
from workers.config import Configuration
from workers.handlers.bounce_tracking.standing import State
from workers.stores.address_records import AddressHealth, Kind
from workers.stores.recipients import Recipients


class MailSuppressionList(Protocol):
    """SES's list of the account."""

    async def suppress(self, address: str, reason: Literal["BOUNCE", "COMPLAINT"]) -> None:
        """Put an address on it. Idempotent. Raises `TransientError`, `PermanentError`."""
        ...


class OptOutLists(Protocol):
    """End User Messaging's opt-out lists."""

    async def opt_out(self, opt_out_list: str, number: str) -> None:
        """Put a number on one. Idempotent. Raises `TransientError`, `PermanentError`."""
        ...


@dataclass(frozen=True, slots=True)
class AddressFact:
    """What a customer's profile should say of one address: in which state, why, since when.

    `words` are the source's own. `until` is None where it holds for good, and where nothing does.
    `revision` is that of the address's record: of two facts the one with the greater is newer.
    """

    channel: Channel
    address: str
    state: State
    cause: Kind | None
    words: str
    since: datetime | None
    until: datetime | None
    revision: int = 0


class ProfileFacts(Protocol):
    """Whoever keeps customers' profiles. A fact may be told more than once, and in any order."""

    async def address_is(self, fact: AddressFact) -> None:
        """Write down what became of an address. Raises `TransientError` to be told again."""
        ...


class Meter(Protocol):
    """What bounce tracking counts; `workers.meter` maps it onto the metrics list."""

    def address_fact(self, channel: Channel, kind: Kind, result: str) -> None:
        """One fact, and how it stood to what was known."""
        ...

    def address_suppressed(self, channel: Channel, cause: Kind) -> None:
        """An address that was not suppressed for this cause before."""
        ...

    def effect(self, kind: str, result: str) -> None:
        """One effect on a list of the provider's, and how it went."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Bounce tracking's tools. What is None is not told: the record is all there is."""

    config: Configuration
    health: AddressHealth
    clock: Clock
    meter: Meter
    mail_list: MailSuppressionList | None = None
    opt_out_lists: OptOutLists | None = None
    profiles: ProfileFacts | None = None
    recipients: Recipients | None = None
