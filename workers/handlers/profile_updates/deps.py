"""What profile updates work with, put together in `workers.tools`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from workers.clock import Clock
from workers.config import ObjectKind, PersonKey, ProfileRules
from workers.handlers.profile_updates.turns import Turns
from workers.stores.person_records import Claims, People


class ProfileService(Protocol):
    """Customer Profiles, one domain of it. Raises `TransientError`, `PermanentError`, `InDoubt`."""

    async def search(self, key_name: str, value: str) -> tuple[str, ...]:
        """The ids of the profiles that a key finds; seconds late after a change."""
        ...

    async def create(self, keys: Mapping[PersonKey, str]) -> str:
        """Make a profile, and another one each time. Raises `InDoubt` where it may have."""
        ...

    async def put(self, object_type: str, text: str) -> None:
        """Put an object in place of the one with the same unique key. Applied some time later."""
        ...


class Meter(Protocol):
    """What profile updates count; `workers.meter` maps it onto the metrics list."""

    def profile_event(self, result: str) -> None:
        """One person's part of one event, and what became of it."""
        ...

    def profile_written(self, kind: ObjectKind) -> None:
        """One object put."""
        ...

    def profile_merged(self, events: int) -> None:
        """How many events one writing of a person carried."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Profile updates' tools."""

    rules: ProfileRules
    service: ProfileService
    people: People
    claims: Claims
    clock: Clock
    meter: Meter
    turns: Turns
    new_nonce: Callable[[], str]
