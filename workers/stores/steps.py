"""The steps of the conversation protocol as conditional updates: W1 to W14, each stated once.

Pure. `docs/design/conversation-protocol.md` says what each is for and prints what it looks like
for DynamoDB; `model/` checks what they promise together. Names of attributes:

    st gen cid src    the chat: state, generation, its contact, the earlier contact to attach
    cn bn             the customer's number and ours, sealed
    e_<id>            one map for each pending entry (below)
    d low             done ids (the ring); newest event time when ids were last moved to a page
    hi ho             newest event time done, by lane
    ap pc sz          appends ever; entries pending; bytes pending
    lo lu             lease: nonce and until (ms)
    nbi nbo na        not before, by lane; next allowed send
    m_<name>          marks
    v exp             format; expiry (epoch seconds)

    t j k l g b       an entry's event time, when it was journalled, kind, lane, generation, body
    s p y ia r        stage, part, tries, intent at, receipt
    a o w             failed attempts, takeovers ("overtaken"), reason
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workers.stores.expressions import (
    Absent,
    Action,
    AllOf,
    Append,
    Below,
    Condition,
    Default,
    Equals,
    Increase,
    Item,
    Lacks,
    OneOf,
    Path,
    Present,
    Remove,
    Set,
    Update,
    absent_or_below,
    both,
    either,
)
from workers.stores.protocols import ChatState, Finish, Intent, Lane, Stage

FORMAT = 1
ENTRIES_MAX = 100
PENDING_BYTES_MAX = 64 * 1024
LEASE_SKEW_MS = 2_000  # how much two workers' clocks may differ before a takeover
RING_MAX = 32
PAGE_SIZE = 16
SESSION_TTL_S = 30 * 86_400


IS_OURS_OR_NEW = either(Absent(("v",)), Equals(("v",), FORMAT))
"""What stands there was written in our format, or nothing stands there."""


def entry_path(entry_id: str, *rest: str) -> Path:
    """Where a pending entry is."""
    return (f"e_{entry_id}", *rest)


@dataclass(frozen=True, slots=True)
class Lease:
    """What we would hold a session under."""

    nonce: str
    until_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry as it is stored; `body_bytes` is its length before it was sealed."""

    id: str
    time_ms: int
    item: Item
    body_bytes: int


def append(
    entry: SealedEntry, numbers: Item | None, lease: Lease, seen_low_ms: int | None
) -> Update:
    """W1: put an entry in; take the lease if it is free; one write either way.

    `numbers` are the sealed `cn` and `bn`, or None when the session must exist already.
    `seen_low_ms` is given for a late arrival, after the pages were searched: then `low` must still
    be what it was.
    """
    actions: list[Action] = [
        Set(entry_path(entry.id), {**entry.item, "j": lease.now_ms}),
        Default(("lo",), lease.nonce),
        Default(("lu",), lease.until_ms),
        Increase(("ap",), 1),
        Increase(("pc",), 1),
        Increase(("sz",), entry.body_bytes),
        Set(("exp",), lease.now_ms // 1000 + SESSION_TTL_S),
        Default(("v",), FORMAT),
    ]
    if numbers is not None:
        actions += [Default((name,), sealed) for name, sealed in sorted(numbers.items())]
    conditions: list[Condition] = [
        Absent(entry_path(entry.id)),
        Lacks(("d",), entry.id),
        absent_or_below(("low",), entry.time_ms)
        if seen_low_ms is None
        else Equals(("low",), seen_low_ms),
        absent_or_below(("pc",), ENTRIES_MAX),
        absent_or_below(("sz",), PENDING_BYTES_MAX),
        IS_OURS_OR_NEW,
    ]
    if numbers is None:
        conditions.append(Present(("cn",)))
    return Update(tuple(actions), AllOf(tuple(conditions)))


def acquire(entry_id: str, seen_nonce: str | None, worked_id: str | None, lease: Lease) -> Update:
    """W2: take a free lease (`seen_nonce` None), or take over the expired one that was seen.

    A takeover is counted on `worked_id`, the entry that its holder worked when it vanished.
    """
    actions: list[Action] = [Set(("lo",), lease.nonce), Set(("lu",), lease.until_ms)]
    conditions: list[Condition] = [Present(entry_path(entry_id))]
    if seen_nonce is None:
        conditions.append(Absent(("lo",)))
    else:
        conditions += [_ours(seen_nonce), Below(("lu",), lease.now_ms - LEASE_SKEW_MS)]
        if worked_id is not None:
            actions.append(Increase(entry_path(worked_id, "o"), 1))
            conditions.append(Present(entry_path(worked_id)))
    return Update(tuple(actions), AllOf(tuple(conditions)))


def claim_chat(
    nonce: str, now_ms: int, until_ms: int, source: str | None, marks: Mapping[str, int]
) -> Update:
    """W3: pin the next generation. It counts from the epoch second of the first claim ever.

    So a session that was erased or expired never repeats a generation, and with it a token.
    """
    actions: list[Action] = [
        Set(("st",), ChatState.STARTING.value),
        Increase(("gen",), 1, start=now_ms // 1000),
        Set(("lu",), until_ms),
        Remove(("src",)) if source is None else Set(("src",), source),
        *_marks(marks),
    ]
    idle = OneOf(("st",), (ChatState.NONE.value, ChatState.ENDED.value))
    return Update(tuple(actions), both(_ours(nonce), either(Absent(("st",)), idle)))


def drop_source(nonce: str) -> Update:
    """W3, its source taken back: Connect refused to attach that chat."""
    return Update((Remove(("src",)),), _ours(nonce))


def open_chat(nonce: str, gen: int, contact_id: str, until_ms: int) -> Update:
    """W5: starting -> open."""
    return Update(
        (
            Set(("st",), ChatState.OPEN.value),
            Set(("cid",), contact_id),
            Set(("lu",), until_ms),
        ),
        both(_ours(nonce), Equals(("gen",), gen), Equals(("st",), ChatState.STARTING.value)),
    )


def intend(
    nonce: str, seen_appends: int, intent: Intent, times: tuple[int, int], marks: Mapping[str, int]
) -> Update:
    """W6: write down what is about to be sent. `times`: now, and until when the lease."""
    now_ms, until_ms = times
    return Update(
        (*_intent(intent, now_ms), Set(("lu",), until_ms), *_marks(marks)),
        both(
            _ours(nonce),
            Equals(("ap",), seen_appends),
            Present(entry_path(intent.entry_id)),
        ),
    )


def _intent(intent: Intent, now_ms: int) -> tuple[Action, ...]:
    path = intent.entry_id
    return (
        Set(entry_path(path, "s"), Stage.SENDING.value),
        Set(entry_path(path, "p"), intent.part),
        Set(entry_path(path, "y"), intent.tries),
        Set(entry_path(path, "ia"), now_ms),
        Remove(entry_path(path, "r")),
    )


def withdraw(nonce: str, intent: Intent, lane: Lane, not_before_ms: int, earlier: str) -> Update:
    """W6 undone: the send was surely refused, so the entry stands where it stood before it.

    A first try of a first part: new. Of a later part: the part before it is out, which `earlier`
    says in place of a receipt. A second try: the first one is in doubt as it was, its wait over.
    """
    entry_id = intent.entry_id
    if intent.tries > 1:
        back: tuple[Action, ...] = (
            Set(entry_path(entry_id, "y"), intent.tries - 1),
            Set(entry_path(entry_id, "ia"), 0),
        )
    elif intent.part > 0:
        back = (
            Set(entry_path(entry_id, "p"), intent.part - 1),
            Set(entry_path(entry_id, "r"), earlier),
        )
    else:
        back = (Set(entry_path(entry_id, "s"), Stage.NEW.value),)
    return Update(
        (*back, Set(_not_before(lane), not_before_ms), *_give_back()),
        both(
            _ours(nonce),
            Equals(entry_path(entry_id, "s"), Stage.SENDING.value),
            Equals(entry_path(entry_id, "p"), intent.part),
            Equals(entry_path(entry_id, "y"), intent.tries),
        ),
    )


def finish(  # noqa: PLR0913 - what the one write of a hot path carries
    nonce: str,
    seen_appends: int,
    finish: Finish,
    *,
    bytes_done: int,
    raises_newest: bool,
    closes: bool,
    times: tuple[int, int],
) -> Update:
    """W7: an entry is done; release, or go on, or go on with the next intent (W7 + W6).

    The ring only ever grows by `list_append`: written as a whole it would lose ids of others.
    `raises_newest`: the event is newer than any done one of its lane. `closes`: its chat is over.
    """
    entry, (now_ms, until_ms) = finish.entry, times
    actions = [*_done(entry.id, bytes_done), *_marks(finish.marks)]
    conditions: list[Condition] = [_ours(nonce), Present(entry_path(entry.id))]
    if finish.next_send_ms is not None:
        actions.append(Set(("na",), finish.next_send_ms))
    if raises_newest:
        actions.append(Set(newest(entry.lane), entry.time_ms))
        conditions.append(absent_or_below(newest(entry.lane), entry.time_ms))
    if closes:
        actions.append(Set(("st",), ChatState.ENDED.value))
        conditions.append(Equals(("gen",), entry.gen))
    if finish.then is not None:
        actions += [*_intent(finish.then, now_ms), Set(("lu",), until_ms)]
        conditions += [Equals(("ap",), seen_appends), Present(entry_path(finish.then.entry_id))]
    elif finish.release:
        actions += _give_back()
        conditions.append(Equals(("ap",), seen_appends))
    else:
        actions.append(Set(("lu",), until_ms))
    return Update(tuple(actions), AllOf(tuple(conditions)))


def renew(nonce: str, until_ms: int) -> Update:
    """W14: the lease for longer, while a step takes its time."""
    return Update((Set(("lu",), until_ms),), _ours(nonce))


def release(nonce: str, lane: Lane | None, not_before_ms: int, marks: Mapping[str, int]) -> Update:
    """W8: give the lease back, and close a lane until a time."""
    waits: list[Action] = [] if lane is None else [Set(_not_before(lane), not_before_ms)]
    return Update((*waits, *_marks(marks), *_give_back()), _ours(nonce))


def note_receipt(entry_id: str, part: int, message_id: str) -> Update:
    """W9: the part that was in doubt is out. No lease."""
    return Update(
        (Set(entry_path(entry_id, "r"), message_id),),
        both(
            Equals(entry_path(entry_id, "s"), Stage.SENDING.value),
            Equals(entry_path(entry_id, "p"), part),
        ),
    )


def chat_over(nonce: str, gen: int) -> Update:
    """W10: Connect takes nothing more for this generation."""
    return Update((Set(("st",), ChatState.ENDED.value),), both(_ours(nonce), Equals(("gen",), gen)))


def record_failure(
    nonce: str,
    entry_id: str,
    lane: Lane,
    not_before_ms: int,
    dead: tuple[str, int] | None,
) -> Update:
    """W11: an attempt failed; `dead` is the reason to give the entry up, and its body's bytes.

    A dead entry's body goes at once: its message is what the DLQ gets.
    """
    actions: list[Action] = [Increase(entry_path(entry_id, "a"), 1)]
    if not_before_ms:
        actions.append(Set(_not_before(lane), not_before_ms))
    if dead is not None:
        reason, bytes_gone = dead
        actions += [
            Set(entry_path(entry_id, "s"), Stage.DEAD.value),
            Set(entry_path(entry_id, "w"), reason),
            Remove(entry_path(entry_id, "b")),
            Increase(("sz",), -bytes_gone),
        ]
    return Update((*actions, *_give_back()), both(_ours(nonce), Present(entry_path(entry_id))))


def bury(entry_id: str, newest_ms: tuple[Lane, int] | None, bytes_done: int) -> Update:
    """W12: a dead entry becomes a done id. No lease."""
    actions = _done(entry_id, bytes_done)
    conditions: list[Condition] = [Equals(entry_path(entry_id, "s"), Stage.DEAD.value)]
    if newest_ms is not None:
        lane, time_ms = newest_ms
        actions.append(Set(newest(lane), time_ms))
        conditions.append(absent_or_below(newest(lane), time_ms))
    return Update(tuple(actions), AllOf(tuple(conditions)))


def page(nonce: str, ids: tuple[str, ...], low_ms: int) -> Update:
    """W13: the oldest ids are on a page now; take them off the ring."""
    return Update(
        (Set(("low",), low_ms), *(Remove(("d", index)) for index in range(len(ids)))),
        both(
            _ours(nonce),
            Equals(("d", 0), ids[0]),
            Equals(("d", len(ids) - 1), ids[-1]),
        ),
    )


def mark(marks: Mapping[str, int]) -> Update:
    """Marks by themselves, unfenced; the session must exist."""
    return Update(_marks(marks), Equals(("v",), FORMAT))


def newest(lane: Lane) -> Path:
    """Where the newest event time done of a lane is."""
    return (f"h{lane.value[0]}",)


def _done(entry_id: str, bytes_done: int) -> list[Action]:
    return [
        Append(("d",), (entry_id,)),
        Increase(("pc",), -1),
        Increase(("sz",), -bytes_done),
        Remove(entry_path(entry_id)),
    ]


def _not_before(lane: Lane) -> Path:
    return (f"nb{lane.value[0]}",)


def _give_back() -> list[Action]:
    return [Remove(("lo",)), Remove(("lu",))]


def _marks(marks: Mapping[str, int]) -> tuple[Action, ...]:
    return tuple(Set((f"m_{name}",), value) for name, value in sorted(marks.items()))


def _ours(nonce: str) -> Condition:
    return Equals(("lo",), nonce)
