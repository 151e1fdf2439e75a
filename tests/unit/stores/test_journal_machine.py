"""The session journal against its promises, whatever its workers do and however old their views."""

from __future__ import annotations

import copy
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.unit.stores.moves import (
    ARRIVING,
    CHATTING,
    ENDING,
    FENCED,
    SENDING,
    Move,
    Outcome,
    Players,
    moves,
)
from workers.stores.items import payload_bytes
from workers.stores.journal import TableJournal
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.protocols import ChatState, Look, Session, Stage
from workers.stores.steps import ENTRIES_MAX, LEASE_SKEW_MS, PENDING_BYTES_MAX, RING_MAX
from workers.stores.tables import Key
from workers.testing import FakeClock

T = TypeVar("T")
Raw = Mapping[str, Any]

LEGAL = {
    (ChatState.NONE, ChatState.STARTING): {"claim"},
    (ChatState.ENDED, ChatState.STARTING): {"claim"},
    (ChatState.STARTING, ChatState.OPEN): {"open"},
    (ChatState.STARTING, ChatState.ENDED): {"chat_over", "finish"},
    (ChatState.OPEN, ChatState.ENDED): {"chat_over", "finish"},
}
GIVES_BACK = {"finish", "release", "withdraw", "fail", "rush"}
TAKES = {"append", "append_known", "acquire", "rush"}


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waited")


class JournalMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.clock = MemoryTable(), FakeClock()
        self.journal = TableJournal(self.table, memory_keys(), self.clock)
        self.players = Players(self.journal, self.clock, "+12125550001")
        self.where = Key(f"S#{self.players.sid}", "A")
        self.done: set[str] = set()
        self.accepted: set[str] = set()
        self.claimed: list[int] = []

    @initialize()
    def begin(self) -> None:
        self.play(Move("append"))

    @rule(move=moves(*ARRIVING))
    def arrive(self, move: Move) -> None:
        self.play(move)

    @rule(move=moves(*CHATTING))
    def chat(self, move: Move) -> None:
        self.play(move)

    @rule(move=moves(*SENDING))
    def send(self, move: Move) -> None:
        self.play(move)

    @rule(move=moves(*ENDING))
    def end(self, move: Move) -> None:
        self.play(move)

    @rule(move=moves("mark", "pass_time", "pass_time"))
    def be_beside(self, move: Move) -> None:
        self.play(move)

    @rule(move=moves("rush"))
    def hurry(self, move: Move) -> None:
        self.play(move)

    def play(self, move: Move) -> None:
        before, was = self.raw(), self.session()
        nonce = self.players.workers[move.who].nonce
        view = self.players.workers[move.who].view(move.age)
        outcome = at_once(self.players.play(move))
        after, now = self.raw(), self.session()
        assert now is not None
        if isinstance(outcome, Session):
            assert outcome == now, "it returned what does not stand there"
        if move.kind in FENCED and (was is None or was.nonce != nonce):
            assert after == before, "a worker without the lease wrote"
        self.counts_add_up(now, after)
        self.nothing_is_lost(move, outcome, now)
        if was is not None:
            self.only_the_young_view_sends(move, view, outcome, was)
            self.times_only_grow(was, now)
            self.chats_follow_each_other(move, was, now)
            self.leases_change_hands_by_the_rules(move, was, now)

    def raw(self) -> Raw:
        return copy.deepcopy(self.table.items.get(self.where, {}))

    def session(self) -> Session | None:
        return at_once(self.journal.read(self.players.sid, consistent=True))

    def paged(self) -> set[str]:
        pages = [item for key, item in self.table.items.items() if key.sk.startswith("P#")]
        return {str(each) for page in pages for each in page["ids"]}

    # --- promises ---------------------------------------------------------------------------------

    def counts_add_up(self, now: Session, raw: Raw) -> None:
        assert now.pending == len(now.entries) <= ENTRIES_MAX
        living = [entry.payload for entry in now.entries if entry.stage is not Stage.DEAD]
        assert raw["sz"] == sum(len(payload_bytes(payload)) for payload in living)
        assert raw["sz"] < PENDING_BYTES_MAX + 1_000
        assert len(now.done) <= RING_MAX + 1
        assert len(set(now.done)) == len(now.done), "an id is done twice"

    def nothing_is_lost(self, move: Move, outcome: Outcome, now: Session) -> None:
        pending = {entry.id for entry in now.entries}
        done = set(now.done) | self.paged()
        assert self.done <= done, "a done id was forgotten"
        assert not pending & done, "a done id is pending"
        fresh = (pending | done) - self.accepted
        assert self.accepted <= pending | done, "an accepted id is gone"
        assert now.appends == len(self.accepted | fresh), "appends do not count what came in"
        if move.kind in ("append", "append_known") and isinstance(outcome, Look):
            accepted = outcome.verdict in ("holding", "taken", "dead")
            assert accepted == (f"e{move.event}" in pending)
        self.done, self.accepted = done, self.accepted | fresh

    def only_the_young_view_sends(
        self, move: Move, view: Session | None, outcome: Outcome, was: Session
    ) -> None:
        """An intent, or a release with a finish, is written only by who saw the whole journal."""
        if view is None or not isinstance(outcome, Session):
            return
        repeated = move.kind == "finish" and outcome.done == was.done
        if move.kind == "intend" or (move.kind == "finish" and outcome.nonce is None):
            assert repeated or view.appends == was.appends

    def times_only_grow(self, was: Session, now: Session) -> None:
        assert now.appends >= was.appends
        assert now.gen >= was.gen
        assert now.newest_in_ms >= was.newest_in_ms
        assert now.newest_out_ms >= was.newest_out_ms
        assert now.paged_until_ms >= was.paged_until_ms

    def chats_follow_each_other(self, move: Move, was: Session, now: Session) -> None:
        if now.gen != was.gen:
            assert (move.kind, now.state) == ("claim", ChatState.STARTING)
            assert now.gen == (was.gen + 1 if was.gen else int(self.clock.now_ms() / 1000) + 1)
            assert now.gen not in self.claimed
            self.claimed.append(now.gen)
        if now.state is not was.state:
            assert move.kind in LEGAL[was.state, now.state]
        if now.contact_id != was.contact_id:
            assert now.contact_id == f"c-{now.gen}", "opened under another generation"

    def leases_change_hands_by_the_rules(self, move: Move, was: Session, now: Session) -> None:
        if now.nonce == was.nonce:
            return
        if now.nonce is None:
            assert move.kind in GIVES_BACK
            return
        assert move.kind in TAKES
        assert now.lease_until_ms > self.clock.now_ms()
        if was.nonce is not None and move.kind != "rush":
            assert was.lease_until_ms + LEASE_SKEW_MS < self.clock.now_ms(), "taken from the living"


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
pytestmark = pytest.mark.timeout(120)
