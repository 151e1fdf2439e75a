"""Customer Profiles in memory: search lags, creation has no token, objects have a unique key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.config import PersonKey
from workers.errors import InDoubt, SwitchboardError
from workers.handlers.profile_updates.deps import ProfileService
from workers.testing import FakeClock

_FIELDS = {"_account": "customer_id", "_phone": "phone", "_email": "email"}


@dataclass
class _Profile:
    keys: dict[str, str]
    searchable_at_s: float


@dataclass
class FakeProfiles(ProfileService):
    """One domain. `failures` are raised by the next calls of their operation.

    A search shows what was there when it was asked, and answers `search_takes_s` later; a put
    answers `put_takes_s` later.
    """

    clock: FakeClock
    lag_s: float = 0.0
    search_takes_s: float = 0.0
    put_takes_s: float = 0.0
    profiles: dict[str, _Profile] = field(default_factory=dict)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failures: dict[str, list[SwitchboardError]] = field(default_factory=dict)
    creates_before_failing: bool = False

    def add(self, **keys: str) -> str:
        """A profile that was there before."""
        profile_id = f"{len(self.profiles) + 1:032x}"
        self.profiles[profile_id] = _Profile(keys, self.clock.monotonic() + self.lag_s)
        return profile_id

    async def search(self, key_name: str, value: str) -> tuple[str, ...]:
        await self._called("search")
        now_s, name = self.clock.monotonic(), _FIELDS[key_name]
        found = tuple(
            profile_id
            for profile_id, profile in self.profiles.items()
            if profile.searchable_at_s <= now_s and profile.keys.get(name) == value
        )
        self.clock.advance(self.search_takes_s)
        return found

    async def create(self, keys: Mapping[PersonKey, str]) -> str:
        named = {key.value: value for key, value in keys.items()}
        try:
            await self._called("create")
        except InDoubt:
            if self.creates_before_failing:
                self.add(**named)
            raise
        return self.add(**named)

    async def put(self, object_type: str, text: str) -> None:
        await self._called("put")
        document = json.loads(text)
        self.objects[object_type, document["profile_id"]] = document
        self.clock.advance(self.put_takes_s)

    async def _called(self, operation: str) -> None:
        self.calls.append(operation)
        await asyncio.sleep(0)
        if self.failures.get(operation):
            raise self.failures[operation].pop(0)
