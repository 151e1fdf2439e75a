"""Carries the model's steps out as the journal's own conditional writes, and compares.

The model (`model/`) says what each step of the conversation protocol may do; `workers.stores.steps`
says under which condition it is written. A walk through the model is repeated here on a table in
memory: each write must be taken exactly where the model takes it, and leave what the model has.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from workers.stores import steps
from workers.stores.expressions import Item, Set, Update
from workers.stores.items import SessionCodec
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.protocols import ChatState, Entry, Finish, Intent, Lane, NewEntry, Session
from workers.stores.steps import FORMAT, Lease, SealedEntry
from workers.stores.tables import Key, Refused

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "model"))
relay_model = import_module("relay_model")
scenarios = import_module("scenarios")

SID = "s"
WHERE = Key(f"S#{SID}", "A")
NOW_MS = 500  # below a second: generations then count from 1, as the model's do
LATER_MS = NOW_MS + 1_000
LONG_AGO_MS = NOW_MS - 10 * steps.LEASE_SKEW_MS
STATES = {
    "N": ChatState.NONE,
    "S": ChatState.STARTING,
    "O": ChatState.OPEN,
    "E": ChatState.ENDED,
}
NUMBERS: Item = {"cn": "customer", "bn": "brand"}


class DisagreementError(AssertionError):
    """The model and the journal's steps do not mean the same."""


class Mirror:
    """One session in a table, moved along with the model's state."""

    def __init__(self, model: Any, first: Any) -> None:
        self._model = model
        self._table = MemoryTable()
        self._codec = SessionCodec(memory_keys())
        if first.st != "N":
            opened = {"st": STATES[first.st].value, "gen": first.gen, "v": FORMAT, **NUMBERS}
            self._table.items[WHERE] = opened

    async def follow(self, label: str, before: Any, after: Any) -> None:
        """Do what the model did between two states.

        Raises:
            DisagreementError: a write was taken or refused where the model did otherwise, or left
                something else.
        """
        worker = next(
            (
                k
                for k, (a, b) in enumerate(zip(before.workers, after.workers, strict=True))
                if a != b
            ),
            None,
        )
        if label.startswith("receipt for ") and not label.endswith(" LOST"):
            await self._receipt(before, after)
        elif label == "lease runs out":
            await self._table.update(WHERE, Update((Set(("lu",), LONG_AGO_MS),), None))
        elif worker is not None and not label.startswith(("KILL", "resolve time")):
            await self._worked(label, before, after, worker)
        self._keep_the_models_time(after)
        await self._compare(label, after)

    # --- one step of a worker ---------------------------------------------------------------------

    async def _worked(self, label: str, before: Any, after: Any, k: int) -> None:
        w = before.workers[k]
        step = getattr(self, f"_{w.pc}", None)
        if step is not None:
            await step(label, before, after, w, f"{k}.{w.life}")

    async def _append(self, label: str, _s: Any, _after: Any, w: Any, me: str) -> None:
        if label == "no contact map":
            return
        e = self._model.entry_of(w.msg)
        event = self._model.ev[e]
        entry = NewEntry(_id(e), _lane(event), event.kind, NOW_MS + e, event.chat)
        sealed = await self._codec.seal_entry(SID, entry)
        is_taken = label in ("append+acquire", "append, lease expired", "append, lease taken")
        await self._write(label, self._append_update(sealed, me), is_taken=is_taken)

    def _append_update(self, sealed: SealedEntry, me: str) -> Update:
        return steps.append(sealed, NUMBERS, Lease(me, LATER_MS, NOW_MS), None)

    async def _acquire(self, label: str, s: Any, _after: Any, w: Any, me: str) -> None:
        e = self._model.entry_of(w.msg)
        seen = _nonce(s.lo)
        if label == "acquire: dead" or seen == me:
            return  # What it saw needs no write.
        lease = Lease(me, LATER_MS, NOW_MS)
        if label == "acquire: taken":
            await self._write(
                "of a free lease", steps.acquire(_id(e), None, None, lease), is_taken=False
            )
        take = steps.acquire(_id(e), seen, None, lease)
        await self._write(label, take, is_taken=label == "acquire")

    async def _claim(self, label: str, _s: Any, after: Any, _w: Any, me: str) -> None:
        claim = steps.claim_chat(me, NOW_MS, LATER_MS, "earlier" if after.src else None, {})
        await self._write(label, claim, is_taken=label == "claim")

    async def _drop_source(self, label: str, _s: Any, _after: Any, _w: Any, me: str) -> None:
        await self._write(label, steps.drop_source(me), is_taken="fenced" not in label)

    async def _opened(self, label: str, _s: Any, _after: Any, w: Any, me: str) -> None:
        opened = steps.open_chat(me, w.g, f"contact-{w.g}", LATER_MS)
        await self._write(label, opened, is_taken=label == "record open")

    async def _chat_over(self, label: str, s: Any, _after: Any, w: Any, me: str) -> None:
        is_taken = label == "record ended" and s.gen == w.g
        await self._write(label, steps.chat_over(me, w.g), is_taken=is_taken)

    async def _intent(self, label: str, _s: Any, _after: Any, w: Any, me: str) -> None:
        intent = Intent(_id(w.e), w.part, w.tries)
        write = steps.intend(me, w.seen, intent, (NOW_MS, LATER_MS), {})
        await self._write(label, write, is_taken=label == "intent")

    async def _withdraw(self, label: str, _s: Any, _after: Any, w: Any, me: str) -> None:
        intent = Intent(_id(w.e), w.part, w.tries)
        write = steps.withdraw(me, intent, _lane(self._model.ev[w.e]), 0, "known")
        await self._write(label, write, is_taken=label == "withdraw+release")

    async def _finish(self, label: str, s: Any, _after: Any, w: Any, me: str) -> None:
        """W7. Where the journal grew, the lease goes with a write of its own (W8)."""
        has_grown = (await self._session()).appends != w.seen
        releases = label != "finish, go on" and not has_grown
        finish = self._finish_update(s, w, me, releases=releases)
        if has_grown:
            refused = self._finish_update(s, w, me, releases=True)
            await self._write("finish+release of what grew", refused, is_taken=False)
        await self._write(label, finish, is_taken="fenced" not in label)
        if label == "finish+release" and has_grown:
            await self._write(label, steps.release(me, None, 0, {}), is_taken=True)
        if label == "finish: fenced":
            await self._late_truth(s, w)

    def _finish_update(self, s: Any, w: Any, me: str, *, releases: bool) -> Update:
        event = self._model.ev[w.e]
        entry = Entry(_id(w.e), _lane(event), event.kind, NOW_MS + w.e, event.chat, {})
        return steps.finish(
            me,
            w.seen,
            Finish(entry, release=releases),
            bytes_done=0,
            raises_newest=False,
            closes=event.kind == "end" and event.chat == s.gen,
            times=(NOW_MS, LATER_MS),
        )

    async def _late_truth(self, s: Any, w: Any) -> None:
        stands = relay_model.entry(s, w.e)
        is_taken = stands is not None and stands.stage == "s" and stands.part == w.out
        if w.out >= 0:
            await self._write("W9", steps.note_receipt(_id(w.e), w.out, "m"), is_taken=is_taken)

    async def _release(self, label: str, s: Any, _after: Any, _w: Any, me: str) -> None:
        write = steps.release(me, None, 0, {})
        await self._write(label, write, is_taken=_nonce(s.lo) == me)

    async def _bug(self, label: str, _s: Any, after: Any, w: Any, me: str) -> None:
        stands = relay_model.entry(after, w.e)
        dead = ("bug", 0) if stands is not None and stands.stage == "d" else None
        write = steps.record_failure(me, _id(w.e), _lane(self._model.ev[w.e]), 0, dead)
        await self._write(label, write, is_taken="fenced" not in label)

    async def _bury(self, label: str, s: Any, _after: Any, w: Any, _me: str) -> None:
        e = self._model.entry_of(w.msg)
        stands = relay_model.entry(s, e)
        is_dead = stands is not None and stands.stage == "d"
        await self._write(label, steps.bury(_id(e), None, 0), is_taken=is_dead)

    async def _receipt(self, before: Any, after: Any) -> None:
        ((e, part),) = before.receipts - after.receipts
        stands = relay_model.entry(before, e)
        is_meant = stands is not None and stands.stage == "s" and stands.part == part
        await self._write("W9", steps.note_receipt(_id(e), part, "m"), is_taken=is_meant)

    async def _write(self, label: str, write: Update, *, is_taken: bool) -> None:
        try:
            await self._table.update(WHERE, write)
        except Refused:
            if is_taken:
                raise DisagreementError(f"{label}: the step is refused") from None
            return
        if not is_taken:
            raise DisagreementError(f"{label}: the step is taken")

    # --- what stands there afterwards -------------------------------------------------------------

    def _keep_the_models_time(self, after: Any) -> None:
        """In the model a lease that ran out stays so until it is taken over: no write renews it."""
        item = self._table.items.get(WHERE)
        if item is not None and "lo" in item:
            item["lu"] = LONG_AGO_MS if after.lx else LATER_MS

    async def _session(self) -> Session:
        item = dict(self._table.items.get(WHERE, {"v": FORMAT}))
        return await self._codec.session(SID, {**item, "cn": "", "bn": ""})

    async def _compare(self, label: str, after: Any) -> None:
        session = await self._session()
        ours = (
            session.state,
            session.gen,
            session.source_contact_id is not None,
            session.nonce,
            session.pending,
            frozenset(session.done),
            sorted(_seen(entry) for entry in session.entries),
        )
        theirs = (
            STATES[after.st],
            after.gen,
            after.src,
            _nonce(after.lo),
            len(after.pend),
            frozenset(_id(e) for e in after.done),
            sorted(_modelled(entry) for entry in after.pend),
        )
        if ours != theirs or session.appends != after.ap:
            raise DisagreementError(f"after {label}: {ours} here, {theirs} in the model")


def _id(e: int) -> str:
    return f"e{e:02d}"


def _lane(event: Any) -> Lane:
    return Lane.IN if event.lane == "in" else Lane.OUT


def _nonce(lo: tuple[int, int] | None) -> str | None:
    return None if lo is None else f"{lo[0]}.{lo[1]}"


def _seen(entry: Entry) -> tuple[object, ...]:
    in_doubt = (entry.part, entry.tries, entry.receipt is not None)
    stage = entry.stage.value
    return (entry.id, stage, entry.failures, in_doubt if stage == "s" else ())


def _modelled(entry: Any) -> tuple[object, ...]:
    in_doubt = (entry.part, entry.tries, entry.receipt)
    stage = entry.stage
    return (_id(entry.id), stage, entry.attempts, in_doubt if stage == "s" else ())
