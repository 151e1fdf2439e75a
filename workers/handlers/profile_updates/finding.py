"""Whose profile it is, and making one for a stranger: once, however many events come together.

Search is seconds late after a profile was made, and making has no token. So a claim is written
first for each key of a stranger, by one conditional write: whoever comes second finds it, waits,
and then reads the profile's id from it. One who dies while making leaves claims that go bad after
`MAKING_MS`, longer than search lags; the next one searches again before it makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from workers.addresses import Channel, mask
from workers.config import PersonKey
from workers.errors import InDoubt, SwitchboardError, TransientError
from workers.handlers.profile_updates.deps import Deps
from workers.stores.bounded import Bounded
from workers.stores.person_records import Claim

log = structlog.get_logger(__name__)

MAKING_MS: Final = 60_000
STRANGER_MS: Final = 60_000
"""Nobody is asked again so soon whether a stranger has a profile by now: a mail-out's events of
somebody come together, and searches are what strangers cost."""
_LOOK_S: Final = 2.0
_REMEMBERED_MAX: Final = 10_000

Keys = Mapping[PersonKey, str]


@dataclass(frozen=True, slots=True)
class Found:
    """The one profile; `formerly` is another that the key had found, before the two were merged."""

    profile_id: str
    formerly: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No profile has any of the keys, and none may be made."""


@dataclass(frozen=True, slots=True)
class Several:
    """A key finds more than one profile, and no other key finds one alone."""

    by: PersonKey


Finding = Found | Unknown | Several


class Finder:
    """Finds customers by their keys, in the order of the file."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._known: Bounded[str, Claim] = Bounded(_REMEMBERED_MAX)
        self._strangers: Bounded[frozenset[tuple[PersonKey, str]], int] = Bounded(_REMEMBERED_MAX)

    async def find(self, keys: Keys) -> Finding:
        """The profile of somebody. Raises `TransientError` while another worker makes it."""
        wanted = {key: keys[key] for key in self._deps.rules.search_keys if key in keys}
        named = frozenset(wanted.items())
        if (self._strangers.get(named) or 0) > self._deps.clock.now_ms():
            return Unknown()
        found = await self._looked_up(wanted)
        if not isinstance(found, Unknown) or not wanted:
            return found
        if not self._deps.rules.create:
            self._strangers.put(named, self._deps.clock.now_ms() + STRANGER_MS)
            return found
        return await self._made(wanted)

    async def _looked_up(self, wanted: Keys) -> Finding:
        """By claims, else by a search."""
        formerly = ""
        for key, value in wanted.items():
            claim = await self._claim(spelled(key, value))
            if claim is not None and claim.until_ms > self._deps.clock.now_ms():
                if claim.profile_id:
                    return Found(claim.profile_id)
            elif claim is not None:
                formerly = formerly or claim.profile_id
        found = await self._searched(wanted, self._deps.new_nonce())
        if isinstance(found, Found):
            return Found(found.profile_id, formerly if formerly != found.profile_id else "")
        return found

    async def _searched(self, wanted: Keys, nonce: str) -> Finding:
        several: Several | None = None
        for key, value in wanted.items():
            ids = await self._deps.service.search(self._deps.rules.key_name(key), value)
            if len(ids) == 1:
                await self._bind({key: value}, ids[0], nonce)
                return Found(ids[0])
            if ids and several is None:
                several = Several(key)
                channel = Channel.EMAIL if key is PersonKey.EMAIL else Channel.SMS
                shown = "•••" if key is PersonKey.CUSTOMER_ID else mask(channel, value)
                log.warning("customer_is_several", key=key.value, customer=shown, profiles=len(ids))
        return several or Unknown()

    async def _made(self, wanted: Keys) -> Finding:
        """Claim every key, look once more where somebody died over it, and make the profile."""
        nonce = self._deps.new_nonce()
        taken: dict[PersonKey, str] = {}
        try:
            for key, value in sorted(wanted.items()):  # One order, so that no two wait crosswise.
                there = await self._take(spelled(key, value), "", nonce, MAKING_MS)
                if there is not None and there.profile_id:
                    await self._free(taken, nonce)
                    return Found(there.profile_id)
                if there is not None:
                    raise TransientError("profile_being_made", after_s=_LOOK_S)
                taken[key] = value
            found = await self._searched(wanted, nonce)
            if not isinstance(found, Unknown):
                return found  # What is not bound by now goes bad by itself.
            profile_id = await self._deps.service.create(wanted)
        except InDoubt as doubt:
            # If it was made, search finds it by the time that the claims have gone bad.
            raise TransientError("profile_in_doubt", after_s=MAKING_MS / 1000) from doubt
        except SwitchboardError:
            await self._free(taken, nonce)
            raise
        log.info("profile_made", profile_id=profile_id, keys=[key.value for key in wanted])
        await self._bind(wanted, profile_id, nonce)
        return Found(profile_id)

    async def _claim(self, key: str) -> Claim | None:
        known = self._known.get(key)
        if known is None or known.until_ms <= self._deps.clock.now_ms():
            known = await self._deps.claims.claim(key)
            if known is not None and known.profile_id:
                self._known.put(key, known)
        return known

    async def _bind(self, keys: Keys, profile_id: str, nonce: str) -> None:
        lasts_ms = self._deps.rules.known_for_min * 60_000
        for key, value in keys.items():
            await self._take(spelled(key, value), profile_id, nonce, lasts_ms)

    async def _free(self, keys: Keys, nonce: str) -> None:
        for key, value in keys.items():
            await self._take(spelled(key, value), "", nonce, 0)

    async def _take(self, key: str, profile_id: str, nonce: str, lasts_ms: int) -> Claim | None:
        now_ms = self._deps.clock.now_ms()
        claim = Claim(profile_id, nonce, now_ms + lasts_ms)
        return await self._deps.claims.take(key, claim, now_ms)


def spelled(key: PersonKey, value: str) -> str:
    """What is claimed for a key of a person."""
    return f"{key.value}|{value}"
