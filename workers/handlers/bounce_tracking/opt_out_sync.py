"""Reads End User Messaging's opt-out lists back in: where EUM answers STOP, only they tell of it.

A tick on a queue drives it, or an operator's command. Each tick is worked off by one owner; one
that was killed is followed by another, from the start: it is all idempotent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from schemas.own import OptOutSync
from workers.clients.protocols import OptOutPages, Page
from workers.clock import Clock
from workers.errors import AccountProblem, Throttled
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.stores.opt_out_mirror import OptOutMirror
from workers.stores.protocols import Suppression, Suppressions
from workers.stores.ticks import CLAIM_MS, TAKEN_LOOK_S, Ticks, Turn

log = structlog.get_logger(__name__)

SOURCE: Final = "eum_list"
PAGE_WAIT_MAX_S: Final = 60.0
SHRINKS_AT_MOST: Final = 0.1
"""A list from which more numbers are gone at once was cleared or is another list: nobody is texted
again because of that, but by an operator's word."""
SHRINKS_AT_LEAST: Final = 25


class Meter(Protocol):
    """What is counted."""

    def effect(self, kind: str, result: str) -> None:
        """One change of who may be texted."""
        ...


@dataclass(frozen=True, slots=True)
class SyncDeps:
    """Its tools. `new_owner` names one try to work off a tick.

    `managed_lists` are those on which a STOP stands that nobody told us of.
    """

    pages: OptOutPages
    mirror: OptOutMirror
    ticks: Ticks
    suppressions: Suppressions
    clock: Clock
    meter: Meter
    new_owner: Callable[[], str]
    managed_lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a reading changed. `kept`: gone from the list, and suppressed all the same."""

    turn: Turn
    listed: int = 0
    added: int = 0
    removed: int = 0
    kept: int = 0


class OptOutSyncDoor:
    """Works ticks off."""

    def __init__(self, deps: SyncDeps) -> None:
        self._deps = deps

    async def handle(self, tick: OptOutSync, delivery: Delivery) -> Outcome:
        """One tick, of one list or of all that End User Messaging manages.

        Whoever finds a list in another's hands looks again, after the others: that one may be dead.
        """
        named = tick.opt_out_list
        lists = self._deps.managed_lists if named is None else (named,)
        if not lists:
            return Discard("no_managed_lists")
        turns: set[Turn] = set()
        refused: AccountProblem | None = None
        for one in lists:
            try:
                turns.add((await self.sync(one, tick.tick, go_on=delivery.lease.require)).turn)
            except AccountProblem as problem:
                refused = problem  # A list that there is not, say. It keeps no other from its turn.
        if refused is not None:
            raise refused
        return Wait("tick_taken", TAKEN_LOOK_S) if Turn.TAKEN in turns else Done()

    async def sync(
        self,
        opt_out_list: str,
        tick: str,
        *,
        go_on: Callable[[], None] = lambda: None,
        may_shrink: bool = False,
    ) -> Report:
        """Bring our suppressions to what the list says.

        `go_on` is called before each page and may raise. `may_shrink`: however many are gone from
        the list, they may be texted again.
        """
        owner = self._deps.new_owner()
        turn = await self._claim(opt_out_list, tick, owner)
        if turn is not Turn.OURS:
            return Report(turn)
        known = await self._deps.mirror.known(opt_out_list)
        listed: set[str] = set()
        added, token = 0, None
        while True:
            go_on()
            page = await self._page(opt_out_list, token)
            added += await self._add(opt_out_list, page, known)
            listed |= {self._deps.mirror.key(one.number) for one in page.numbers}
            token = page.next_token
            if token is None:
                break
            if await self._claim(opt_out_list, tick, owner) is not Turn.OURS:
                return Report(Turn.TAKEN)  # We were too slow, and another has begun.
        removed, kept = await self._remove(opt_out_list, known - listed, len(known), may_shrink)
        await self._deps.ticks.finish(_work(opt_out_list), tick, owner)
        report = Report(Turn.OURS, len(listed), added, removed, kept)
        log.info(
            "opt_out_list_read",
            opt_out_list=opt_out_list,
            tick=tick,
            listed=report.listed,
            added=added,
            removed=removed,
            kept=kept,
        )
        return report

    async def _claim(self, opt_out_list: str, tick: str, owner: str) -> Turn:
        until_ms = self._deps.clock.now_ms() + CLAIM_MS
        work = _work(opt_out_list)
        return await self._deps.ticks.claim(work, tick, owner, until_ms=until_ms)

    async def _page(self, opt_out_list: str, token: str | None) -> Page:
        """One page, at the pace of the service's quota, of which a large fleet's worker has little.

        To begin anew for each throttle would never come to the last page.
        """
        while True:
            try:
                return await self._deps.pages.page(opt_out_list, token)
            except Throttled as throttled:
                await self._deps.clock.sleep(min(throttled.after_s or 1.0, PAGE_WAIT_MAX_S))

    async def _add(self, opt_out_list: str, page: Page, known: set[str]) -> int:
        """The suppression first: a crash in between repeats it, and nobody is missed."""
        added = 0
        for one in page.numbers:
            if self._deps.mirror.key(one.number) in known:
                continue
            opted_out = Suppression("opted_out", one.since, SOURCE)
            await self._deps.suppressions.add(opt_out_list, one.number, None, opted_out)
            await self._deps.mirror.note(opt_out_list, one.number)
            self._deps.meter.effect("opt_out_sync", "added")
            added += 1
        return added

    async def _remove(
        self, opt_out_list: str, gone: set[str], known_count: int, may_shrink: bool
    ) -> tuple[int, int]:
        most = max(SHRINKS_AT_LEAST, int(known_count * SHRINKS_AT_MOST))
        if len(gone) > most and not may_shrink:
            self._deps.meter.effect("opt_out_sync", "shrank")
            log.error("opt_out_list_shrank", opt_out_list=opt_out_list, gone=len(gone))
            return 0, len(gone)
        for key in sorted(gone):
            number = await self._deps.mirror.number(opt_out_list, key)
            if number is not None:
                # What others said of the same person stays: only the list has taken its word back.
                await self._deps.suppressions.withdraw(opt_out_list, number, SOURCE)
            await self._deps.mirror.forget(opt_out_list, key)
            self._deps.meter.effect("opt_out_sync", "removed")
        return len(gone), 0


def _work(opt_out_list: str) -> str:
    return f"opt_out_sync#{opt_out_list}"
