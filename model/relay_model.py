"""The conversation protocol as a finite state machine: one session item, its messages, workers, the world.

Every database call and every external call is one step. Between any two steps any other worker may
run, any worker may be killed, a lease may run out, a message may come again, a receipt may come or be
lost. `checker.py` walks all of it. The steps are those of docs/design/conversation-protocol.md, and
`workers/stores/steps.py` has them as conditional writes. `MUTATIONS` lists the guards that can be
switched off one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, NamedTuple

# --- what is fixed for one run -------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """One cause. Its place in `Scenario.events` is its event time within its lane."""

    name: str
    lane: str  # "in": customer -> chat.  "out": chat -> customer.
    kind: str  # "text" | "agent" | "end"
    chat: int = 0  # for the out lane: which generation of chat it belongs to (1 = first)
    poison: bool = False  # deciding on it raises, every time


MUTATIONS = {
    "no_dedupe": "append does not look into the ring of done ids",
    "append_twice_ok": "append does not check that the entry is pending already (overwrites its stage)",
    "intent_no_fence": "intent is written without `lo = :me`",
    "intent_no_seen": "intent is written without `ap = :seen`",
    "withdraw_no_fence": "an intent is withdrawn without `lo = :me`",
    "finish_no_fence": "finish is written without `lo = :me`",
    "ring_overwritten": "finish is not fenced and writes the ring as a whole, from its own copy",
    "release_no_fence": "release is written without `lo = :me`",
    "claim_no_fence": "the claim of a new chat is written without `lo = :me`",
    "steal_blind": "a lease seen expired is taken without the condition on what was seen",
    "no_lease": "a lease held by another is ignored",
    "nonce_shared": "all slots of a process hold leases under one nonce",
    "no_intent": "SendTextMessage without a write-ahead intent",
    "no_receipt_wait": "an entry found `sending` is sent again at once",
    "no_deadline": "SendTextMessage goes out however long ago its intent was written",
    "token_from_entry": "StartChatContact's token comes from the entry in hand, not from the pinned generation",
    "token_per_try": "SendMessage's token differs per try",
    "ack_on_append": "the SQS message is deleted once its entry is in the journal",
    "ack_when_fenced": "a worker that lost its lease deletes its message all the same",
    "end_no_gen": "chat.ended closes whatever chat is open now",
    "no_wait_starting": "an agent's message is sent while the session is still `starting`",
    "contention_is_attempt": "finding the lease taken counts as a failed attempt",
    "dead_blocks": "a dead entry stays the head of its lane",
    "one_call_start": "streaming begins inside StartChatContact, before the contact map is written",
    "no_recheck": "after the hold the in lane is not read again",
    "single_lane": "one lane for both directions",
}


@dataclass(frozen=True)
class Scenario:
    name: str
    events: tuple[Event, ...]
    workers: int = 2
    opened: bool = False  # the session starts with chat 1 open and streaming
    crash: int = 0  # how many kills
    lease: int = 0  # how many leases run out under a live holder (pauses, zombies)
    redeliver: int = 0  # how many messages come again while their worker still has them
    duplicate: int = 0  # how many deleted messages come again
    ambiguous: int = 0  # how many SendTextMessage calls end in a timeout, accepted or not
    lost: int = 0  # how many receipts never come
    quota: int = 0  # how many StartChatContact calls are refused for quota
    refused: int = 0  # how many SendTextMessage calls are refused, surely not sent
    hold: bool = False  # assume every event reaches the journal within the hold window: then order is strict by event time
    resend: bool = True  # class rule when no receipt came: send again (else give up)
    max_attempts: int = 2
    mutate: frozenset[str] = field(default_factory=frozenset)


# --- the state -------------------------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    id: int
    stage: str = "n"  # n = new, s = sending (intent written), d = dead
    receipt: bool = False
    timed: bool = False  # the resolve time has passed without a receipt
    attempts: int = 0


class Worker(NamedTuple):
    pc: str = "idle"
    msg: int = -1
    e: int = -1  # the entry being worked
    seen: int = 0  # `ap` at the last look
    g: int = 0  # chat generation of the planned step
    late: bool = False  # its intent is older than the resolve time
    life: int = 0  # which life of the process: part of the lease nonce
    ring: frozenset = frozenset()  # its copy of the done ring; kept only for `ring_overwritten`


class State(NamedTuple):
    # the session item
    st: str  # N none, S starting, O open, E ended
    gen: int
    lo: tuple | None  # lease nonce
    lx: bool  # lu < now
    ap: int
    pend: tuple[Entry, ...]
    done: frozenset
    # contact map items C#
    cmap: frozenset
    # the queues: U unborn, Q visible, D deleted, (w, life) in flight
    msgs: tuple
    workers: tuple[Worker, ...]
    # the world
    chats: tuple  # of [token, open?]; generation g is chats[g - 1] unless mutated
    stream: frozenset  # chats that stream
    accepted: tuple  # (chat token, entry) in the order Connect took them
    sms: tuple  # entries in the order the carrier took them
    receipts: frozenset  # on their way
    dlq: frozenset
    budget: tuple  # crash, lease, redeliver, duplicate, ambiguous, lost, quota, refused
    # ghosts, seen by invariants only
    late: frozenset  # appended after a later one of its lane had passed its point of no return
    ponr: frozenset  # past the point of no return
    tried: frozenset  # a worker has tried to append it
    again: frozenset  # entries delivered to a second chat because the first ended before the record


CRASH, LEASE, REDELIVER, DUPLICATE, AMBIGUOUS, LOST, QUOTA, REFUSED = range(8)


class Violation(Exception):
    """An invariant does not hold."""


def initial(sc: Scenario) -> State:
    born = tuple("Q" if ev.lane == "in" else "U" for ev in sc.events)
    chats, stream, cmap = ((("g1", True),), frozenset({1}), frozenset({1})) if sc.opened else ((), frozenset(), frozenset())
    return State("O" if sc.opened else "N", 1 if sc.opened else 0, None, False, 0, (), frozenset(), cmap, born,
                 tuple(Worker() for _ in range(sc.workers)), chats, stream, (), (), frozenset(), frozenset(),
                 (sc.crash, sc.lease, sc.redeliver, sc.duplicate, sc.ambiguous, sc.lost, sc.quota, sc.refused), frozenset(), frozenset(), frozenset(), frozenset())


def entry(s: State, i: int) -> Entry | None:
    return next((p for p in s.pend if p.id == i), None)


def put(s: State, new: Entry) -> State:
    return s._replace(pend=tuple(sorted([p for p in s.pend if p.id != new.id] + [new])))


def drop(s: State, i: int) -> State:
    return s._replace(pend=tuple(p for p in s.pend if p.id != i))


def spend(s: State, what: int) -> State:
    b = list(s.budget)
    b[what] -= 1
    return s._replace(budget=tuple(b))


class Model:
    """Successors of a state, with the step's name, and the invariants checked on the way."""

    def __init__(self, sc: Scenario):
        self.sc, self.ev, self.mut = sc, sc.events, sc.mutate

    # -- planning: what the holder does next, from a fresh view of the item ------------------------------------------------------

    def lane(self, i: int) -> str:
        return "one" if "single_lane" in self.mut else self.ev[i].lane

    def head(self, s: State, lane: str) -> Entry | None:
        for p in s.pend:
            if self.lane(p.id) == lane and (p.stage != "d" or "dead_blocks" in self.mut):
                return p
        return None

    def plan_entry(self, s: State, p: Entry) -> tuple[str, int, int] | None:
        ev = self.ev[p.id]
        if p.stage == "d":
            return None
        if ev.lane == "out":
            if p.stage == "s":
                if p.receipt:
                    return "finish", p.id, ev.chat
                if p.timed or "no_receipt_wait" in self.mut:
                    return ("intent" if self.sc.resend else "finish"), p.id, ev.chat
                return None  # in doubt: wait for the receipt, or for the resolve time
            if ev.kind == "end" and ev.chat < s.gen:
                return "finish", p.id, ev.chat  # a newer chat is open: nothing to say
            if ev.chat == s.gen and s.st == "S" and "no_wait_starting" not in self.mut:
                return None
            return "intent", p.id, ev.chat
        if ev.poison:
            return "bug", p.id, 0
        if s.st in "NE":
            return "claim", p.id, 0
        if s.st == "S":
            return "start", p.id, s.gen
        return "send_message", p.id, s.gen

    def plan(self, s: State, w: Worker, held: int = -1) -> tuple[State, Worker]:
        if "ring_overwritten" in self.mut:
            w = w._replace(ring=s.done)
        for lane in ("one",) if "single_lane" in self.mut else ("out", "in"):
            p = self.head(s, lane)
            step = self.plan_entry(s, p) if p else None
            if step:
                pc, e, g = step
                if self.sc.hold and held != e and pc in ("intent", "send_message") and p.stage == "n":
                    pc = "hold"
                if pc == "intent" and "no_intent" in self.mut:
                    pc = "send_text"
                if pc == "send_message":
                    s = s._replace(ponr=s.ponr | {e})
                return s, w._replace(pc=pc, e=e, g=g, seen=s.ap, late=False)
        return s, w._replace(pc="release", e=-1, g=0, seen=s.ap, late=False)

    def own(self, s: State, w: Worker) -> Worker:
        """After a release: delete the message whose entry is done, leave any other for later."""
        return w._replace(pc="ack" if w.msg in s.done else "return", e=-1, g=0, seen=0, late=False)

    def fenced(self, w: Worker) -> Worker:
        return w._replace(pc="ack" if "ack_when_fenced" in self.mut else "return", e=-1, g=0, seen=0, late=False)

    # -- one worker's next step --------------------------------------------------------------------------------------------------

    def step(self, s: State, k: int) -> Iterator[tuple[str, State]]:
        w = s.workers[k]
        me = (0, 0) if "nonce_shared" in self.mut else (k, w.life)
        mine = s.lo == me
        mut, ev = self.mut, self.ev

        def to(s2: State, w2: Worker) -> State:
            return s2._replace(workers=s2.workers[:k] + (w2,) + s2.workers[k + 1:])

        def off(mutation: str) -> bool:
            return mutation in mut

        pc, m, e = w.pc, w.msg, w.e
        if pc == "idle":
            if any(o.pc == "idle" and o.life == w.life for o in s.workers[:k]):
                return  # idle workers of the same life are interchangeable: let the first one take it
            for i, q in enumerate(s.msgs):
                if q == "Q":
                    yield f"receive {ev[i].name}", to(
                        s._replace(msgs=s.msgs[:i] + ((k, w.life),) + s.msgs[i + 1:]), Worker("append", i, life=w.life))
        elif pc == "append":
            s = s._replace(tried=s.tried | {m}) if self.sc.hold else s
            p = entry(s, m)
            if ev[m].lane == "out" and ev[m].chat not in s.cmap:
                yield "no contact map", to(s, w._replace(pc="return"))
            elif m in s.done and not off("no_dedupe"):
                yield "append: done already", to(s, w._replace(pc="ack"))
            elif p and p.stage == "d":
                yield "append: dead", to(s, w._replace(pc="copy_to_dlq"))
            elif p and not off("append_twice_ok"):
                yield "append: pending already", to(s, w._replace(pc="acquire", g=0))
            else:
                late = any(self.ev[b].lane == ev[m].lane and b > m for b in s.ponr)
                s2 = put(s, Entry(m))._replace(ap=s.ap + 1, late=s.late | {m} if late else s.late)
                if off("ack_on_append"):
                    s2 = s2._replace(msgs=s2.msgs[:m] + ("D",) + s2.msgs[m + 1:])
                if s2.lo is None or s2.lo == me or off("no_lease"):
                    s2 = s2._replace(lo=me, lx=False)
                    yield "append+acquire", to(*self.plan(s2, w))
                elif s2.lx:
                    yield "append, lease expired", to(s2, w._replace(pc="acquire", g=1))
                else:
                    if off("contention_is_attempt"):
                        a = entry(s2, m).attempts + 1
                        s2 = put(s2, Entry(m, "d" if a >= self.sc.max_attempts else "n", attempts=a))
                    yield "append, lease taken", to(s2, w._replace(pc="return"))
        elif pc == "acquire":
            p = entry(s, m)
            if not p:
                yield "acquire: no longer pending", to(s, w._replace(pc="ack" if m in s.done else "append"))
            elif p.stage == "d":
                yield "acquire: dead", to(s, w._replace(pc="copy_to_dlq"))
            elif s.lo is None or s.lx or (w.g and off("steal_blind")) or off("no_lease") or s.lo == me:
                yield "acquire", to(*self.plan(s._replace(lo=me, lx=False), w))
            else:
                if off("contention_is_attempt") and p.stage == "n":
                    a = p.attempts + 1
                    s = put(s, p._replace(stage="d" if a >= self.sc.max_attempts else "n", attempts=a))
                yield "acquire: taken", to(s, w._replace(pc="return"))
        elif pc == "claim":
            if mine or off("claim_no_fence"):
                yield "claim", to(*self.plan(s._replace(st="S", gen=s.gen + 1), w))
            else:
                yield "claim: fenced", to(s, self.fenced(w))
        elif pc == "start":
            token = f"e{e}" if off("token_from_entry") else f"g{w.g}"
            s2 = s
            if not any(t == token for t, _ in s.chats):
                s2 = s._replace(chats=s.chats + ((token, True),))
                if sum(is_open for _, is_open in s2.chats) > 1:
                    raise Violation("ONE-CHAT: two chats are open at once")
            if off("one_call_start"):
                s2 = s2._replace(stream=s2.stream | {w.g})
            yield "StartChatContact", to(s2, w._replace(pc="map_contact"))
            if s.budget[QUOTA]:
                yield "StartChatContact: quota", to(spend(s, QUOTA), w._replace(pc="release"))
        elif pc == "map_contact":
            yield "put contact map", to(s._replace(cmap=s.cmap | {w.g}), w._replace(pc="connect"))
        elif pc == "connect":
            if len(s.chats) >= w.g and s.chats[w.g - 1][1]:
                yield "stream+connect", to(s._replace(stream=s.stream | {w.g}), w._replace(pc="opened"))
            else:
                yield "stream+connect: chat over", to(s, w._replace(pc="chat_over"))
        elif pc == "opened":
            if mine:
                yield "record open", to(*self.plan(s._replace(st="O"), w))
            else:
                yield "record open: fenced", to(s, self.fenced(w))
        elif pc == "hold":
            if all(q == "U" or b in s.tried for b, q in enumerate(s.msgs) if b < e and ev[b].lane == ev[e].lane):
                if ev[e].lane == "out":
                    yield "hold over", to(s, w._replace(pc="intent"))
                elif off("no_recheck"):
                    yield "hold over, no read", to(s._replace(ponr=s.ponr | {e}), w._replace(pc="send_message"))
                elif mine:
                    yield "hold over, read", to(*self.plan(s, w, held=e))
                else:
                    yield "hold over: fenced", to(s, self.fenced(w))
        elif pc == "send_message":
            token, is_open = s.chats[w.g - 1]
            if is_open:
                yield "SendMessage", to(self.take_message(s, token, e), w._replace(pc="finish"))
            else:
                yield "SendMessage: refused, renewal refused", to(s, w._replace(pc="chat_over"))
        elif pc == "chat_over":
            if mine:
                yield "record ended", to(*self.plan(s._replace(st="E") if s.gen == w.g else s, w))
            else:
                yield "record ended: fenced", to(s, self.fenced(w))
        elif pc == "intent":
            if not mine and not off("intent_no_fence"):
                yield "intent: fenced", to(s, self.fenced(w))
            elif mine and s.ap != w.seen and not off("intent_no_seen"):
                yield "intent: journal grew, plan again", to(*self.plan(s, w))
            elif not entry(s, e):
                yield "intent: entry gone", to(s, w._replace(pc="release"))
            else:
                s2 = put(s, Entry(e, "s", attempts=entry(s, e).attempts))._replace(ponr=s.ponr | {e})
                yield "intent", to(s2, w._replace(pc="send_text", late=False))
        elif pc == "send_text":
            if w.late and not off("no_deadline"):
                yield "SendTextMessage not tried: too late", to(s, w._replace(pc="release"))
            else:
                sent = self.take_sms(s, e)
                yield "SendTextMessage", to(sent, w._replace(pc="finish"))
                if s.budget[REFUSED]:
                    # Throttled, or no connection: surely not sent. The intent is withdrawn and the lease given back.
                    yield "SendTextMessage refused", to(spend(s, REFUSED), w._replace(pc="withdraw"))
                if s.budget[AMBIGUOUS]:
                    yield "SendTextMessage accepted, answer lost", to(spend(sent, AMBIGUOUS), w._replace(pc="release"))
                    yield "SendTextMessage lost", to(spend(s, AMBIGUOUS), w._replace(pc="release"))
        elif pc == "withdraw":
            p = entry(s, e)
            if mine or off("withdraw_no_fence"):
                s2 = put(s, Entry(e, attempts=p.attempts)) if p and p.stage == "s" else s
                yield "withdraw+release", to(s2._replace(lo=None, lx=False), self.own(s2, w))
            else:
                yield "withdraw: fenced", to(s, self.fenced(w))
        elif pc == "finish":
            if not mine and not off("finish_no_fence") and not off("ring_overwritten"):
                p = entry(s, e)
                if p and p.stage == "s":
                    s = put(s, p._replace(receipt=True))  # it did go out: say so, as the receipt would
                yield "finish: fenced", to(s, self.own(s, w) if e in s.done else self.fenced(w))
            else:
                s2 = drop(s, e)._replace(done=s.done | {e})
                if not mine and off("ring_overwritten"):
                    s2 = s2._replace(done=w.ring | {e})  # the ring is written as a whole
                if ev[e].kind == "end" and (ev[e].chat == s.gen or off("end_no_gen")):
                    s2 = s2._replace(st="E")
                s2, w2 = self.plan(s2, w)
                if w2.pc == "release":
                    s2 = s2._replace(lo=None, lx=False)
                    yield "finish+release", to(s2, self.own(s2, w2))
                else:
                    yield "finish, go on", to(s2, w2)
        elif pc == "release":
            s2 = s._replace(lo=None, lx=False) if mine or off("release_no_fence") else s
            yield "release", to(s2, self.own(s2, w))
        elif pc == "bug":
            if mine:
                a = entry(s, e).attempts + 1
                s2 = put(s, Entry(e, "d" if a >= self.sc.max_attempts else "n", attempts=a))
                yield "handler raised", to(s2, w._replace(pc="release"))
            else:
                yield "handler raised: fenced", to(s, self.fenced(w))
        elif pc == "copy_to_dlq":
            yield "copy to DLQ", to(s._replace(dlq=s.dlq | {m}), w._replace(pc="bury"))
        elif pc == "bury":
            p = entry(s, m)
            s2 = drop(s, m)._replace(done=s.done | {m}) if p and p.stage == "d" else s
            yield "bury", to(s2, w._replace(pc="ack"))
        elif pc == "return":
            s2 = s
            if s.msgs[m] == (k, w.life):
                s2 = s._replace(msgs=s.msgs[:m] + ("Q",) + s.msgs[m + 1:])
            yield f"return {ev[m].name}", to(s2, Worker(life=w.life))
        elif pc == "ack":
            self.check_ack(s, m)
            yield f"delete {ev[m].name}", to(s._replace(msgs=s.msgs[:m] + ("D",) + s.msgs[m + 1:]), Worker(life=w.life))

    # -- the world ---------------------------------------------------------------------------------------------------------------

    def take_message(self, s: State, token: str, e: int) -> State:
        if (token, e) in s.accepted and "token_per_try" not in self.mut:
            return s  # same ClientToken: Connect returns the earlier answer
        before = [t for t, x in s.accepted if x == e]
        again = s.again
        if before:
            if token in before or any(is_open for t, is_open in s.chats if t in before):
                raise Violation("ONCE-CHAT: a customer's text went into a chat twice")
            again = again | {e}
        self.check_order(s, e)
        return s._replace(accepted=s.accepted + ((token, e),), again=again)

    def take_sms(self, s: State, e: int) -> State:
        ev = self.ev[e]
        if e in s.sms:
            if s.sms.count(e) > self.sc.lost - s.budget[LOST]:
                raise Violation("ONCE-SMS: a text went out twice though no receipt was lost")
        else:
            self.check_order(s, e)
        if s.st == "S" and s.gen == ev.chat:
            raise Violation("WAIT-START: an agent's message went out while its session was still starting")
        if self.sc.lost - s.budget[LOST] == 0 and e in s.done:
            raise Violation("ONCE-SMS: a text went out after it was recorded as done")
        return s._replace(sms=s.sms + (e,), receipts=s.receipts | {e})

    def check_order(self, s: State, e: int) -> None:
        gone = set(s.sms) | {x for _, x in s.accepted} | s.dlq
        for b, q in enumerate(s.msgs):
            if b < e and self.ev[b].lane == self.ev[e].lane and b not in gone and b not in s.done:
                p = entry(s, b)
                if p and p.stage != "d" and b not in s.late:
                    raise Violation("ORDER: an effect overtook an earlier entry of its lane")
                if self.sc.hold and b in s.tried and not (p and p.stage == "d"):
                    raise Violation("STRICT-ORDER: an effect overtook an earlier event that came within the hold window")

    def check_ack(self, s: State, m: int) -> None:
        ev = self.ev[m]
        happened = m in s.sms or any(x == m for _, x in s.accepted) or m in s.dlq
        waived = (ev.kind == "end" and ev.chat < s.gen) or (ev.lane == "out" and not self.sc.resend and m in s.done)
        if m not in s.done or not (happened or waived):
            raise Violation("NO-LOSS: a message was deleted before its effect was recorded")
        if m in s.dlq and not ev.poison:
            raise Violation("NO-BLAME: a healthy message was dead-lettered")

    def check_state(self, s: State) -> None:
        if s.st == "E" and len(s.chats) >= s.gen and s.chats[s.gen - 1] == (f"g{s.gen}", True):
            raise Violation("LIVE-CHAT: the session says ended while its chat is open")
        for p in s.pend:
            if p.stage == "d" and not self.ev[p.id].poison:
                raise Violation("NO-BLAME: a healthy entry was marked dead")

    def environment(self, s: State) -> Iterator[tuple[str, State]]:
        ev = self.ev
        for k, w in enumerate(s.workers):
            if s.budget[CRASH] and w.pc != "idle":
                dead = Worker(life=w.life + 1)
                yield f"KILL worker {k} before {w.pc}", spend(s, CRASH)._replace(workers=s.workers[:k] + (dead,) + s.workers[k + 1:])
        for i, q in enumerate(s.msgs):
            if isinstance(q, tuple):
                w = s.workers[q[0]]
                held = w.life == q[1] and w.msg == i and w.pc != "idle"
                if not held or s.budget[REDELIVER]:
                    s2 = s if not held else spend(s, REDELIVER)
                    yield f"visibility of {ev[i].name} runs out", s2._replace(msgs=s.msgs[:i] + ("Q",) + s.msgs[i + 1:])
            elif q == "D" and s.budget[DUPLICATE]:
                yield f"SQS repeats {ev[i].name}", spend(s, DUPLICATE)._replace(msgs=s.msgs[:i] + ("Q",) + s.msgs[i + 1:])
            elif q == "U" and ev[i].chat in s.stream and s.chats[ev[i].chat - 1][1]:
                if all(s.msgs[b] != "U" for b in range(i) if ev[b].lane == "out" and ev[b].chat == ev[i].chat):
                    s2 = s._replace(msgs=s.msgs[:i] + ("Q",) + s.msgs[i + 1:])
                    if ev[i].kind == "end":
                        c = ev[i].chat - 1
                        s2 = s2._replace(chats=s.chats[:c] + ((s.chats[c][0], False),) + s.chats[c + 1:])
                    yield f"Connect emits {ev[i].name}", s2
        if s.lo is not None and not s.lx:
            k, life = s.lo
            alive = s.workers[k].life == life and s.workers[k].pc != "idle"
            if not alive or s.budget[LEASE]:
                yield "lease runs out", (spend(s, LEASE) if alive else s)._replace(lx=True)
        for e in s.receipts:
            rest = s.receipts - {e}
            p = entry(s, e)
            marked = put(s, p._replace(receipt=True)) if p and p.stage == "s" else s
            yield f"receipt for {ev[e].name}", marked._replace(receipts=rest)
            if s.budget[LOST]:
                yield f"receipt for {ev[e].name} LOST", spend(s, LOST)._replace(receipts=rest)
        for p in s.pend:
            if p.stage == "s" and not p.receipt and not p.timed and p.id not in s.receipts:
                ws = tuple(w._replace(late=True) if w.pc == "send_text" and w.e == p.id else w for w in s.workers)
                yield f"resolve time of {ev[p.id].name} passes", put(s, p._replace(timed=True))._replace(workers=ws)

    def successors(self, s: State) -> Iterator[tuple[str, State]]:
        for k in range(len(s.workers)):
            yield from self.step(s, k)
        yield from self.environment(s)

    def is_goal(self, s: State) -> bool:
        """Everything that came is done and deleted, nothing is pending, everybody rests."""
        return (not s.pend and (s.lo is None or s.lx) and all(q in ("D", "U") for q in s.msgs) and all(w.pc == "idle" for w in s.workers))
