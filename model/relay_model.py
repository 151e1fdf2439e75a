"""The conversation protocol as a finite state machine: one session item, its messages, workers, the world.

Every database call and every external call is one step. Between any two steps any other worker may
run, any worker may be killed, a lease may run out, a message may come again, a receipt may come or be
lost. `checker.py` walks all of it. The steps are those of docs/design/conversation-protocol.md, and
`workers/stores/steps.py` has them as conditional writes. `MUTATIONS` lists the guards that can be
switched off one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

# --- what is fixed for one run -------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """One cause. Its place in `Scenario.events` is its event time within its lane."""

    name: str
    lane: str  # "in": customer -> chat.  "out": chat -> customer.
    kind: str  # "text" | "agent" | "end"
    chat: int = 0  # for the out lane: which generation of chat it belongs to (1 = first)
    poison: bool = False  # deciding on it raises, every time
    parts: int = 1  # how many texts it takes
    same_as: int = -1  # another messenger of an earlier event: both make one entry (DISCONNECTED and chat.ended)


MUTATIONS = {
    "no_dedupe": "append does not look into the ring of done ids",
    "append_twice_ok": "append does not check that the entry is pending already (overwrites its stage)",
    "intent_no_fence": "intent is written without `lo = :me`",
    "intent_no_seen": "intent is written without `ap = :seen`",
    "withdraw_no_fence": "an intent is withdrawn without `lo = :me`",
    "withdraw_all": "a withdrawn intent makes the entry new, also when an earlier part of it is out",
    "withdraw_forgets_doubt": "a withdrawn second try makes the entry new, although the first try is in doubt",
    "receipt_any_part": "a receipt is taken for whatever part is being sent (W9 without `p = :part`)",
    "part_not_carried": "the next part's intent does not wait for the part before it to be known out",
    "end_two_ids": "chat.ended and DISCONNECTED are two entries",
    "orphan_left_open": "a chat that cannot be joined is not stopped before the next is claimed",
    "source_kept": "that Connect refused to attach the earlier chat is not recorded before the start is repeated without it",
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
    tokenless: int = 0  # how many repeated StartChatContact calls bring no participant token
    attaches: bool = False  # every chat after the first is started with the one before it attached, which Connect may refuse
    hold: bool = False  # assume every event reaches the journal within the hold window: then order is strict by event time
    resend: bool = True  # class rule when no receipt came: send again (else give up)
    max_attempts: int = 2
    mutate: frozenset[str] = field(default_factory=frozenset)


# --- the state -------------------------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    id: int
    stage: str = "n"  # n = new, s = sending (intent written), d = dead
    part: int = 0  # which part the intent is for
    tries: int = 0
    receipt: bool = False
    timed: bool = False  # the resolve time has passed without a receipt
    attempts: int = 0


class Worker(NamedTuple):
    pc: str = "idle"
    msg: int = -1
    e: int = -1  # the entry being worked
    seen: int = 0  # `ap` at the last look
    g: int = 0  # chat generation of the planned step
    part: int = 0  # which part it sends
    tries: int = 0
    out: int = -1  # the last part of `e` that it knows to be out, which no write has recorded yet
    src: bool = False  # it starts the chat with the earlier one attached
    late: bool = False  # its intent is older than the resolve time
    life: int = 0  # which life of the process: part of the lease nonce
    ring: frozenset = frozenset()  # its copy of the done ring; kept only for `ring_overwritten`


class State(NamedTuple):
    # the session item
    st: str  # N none, S starting, O open, E ended
    gen: int
    src: bool  # an earlier chat is to be attached
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
    attach: tuple  # for each generation whether Connect attaches its earlier chat: "" not asked yet, "y", "n". It does not change its mind
    accepted: tuple  # (chat token, entry) in the order Connect took them
    sms: tuple  # (cause, part) in the order the carrier took them
    receipts: frozenset  # of (entry, part), on their way
    dlq: frozenset
    budget: tuple  # crash, lease, redeliver, duplicate, ambiguous, lost, quota, refused, tokenless
    # ghosts, seen by invariants only
    late: frozenset  # appended after a later one of its lane had passed its point of no return
    ponr: frozenset  # past the point of no return
    tried: frozenset  # a worker has tried to append it
    again: frozenset  # entries delivered to a second chat because the first ended before the record
    given_up: frozenset  # (entry, part) passed over in doubt, which is told and counted


CRASH, LEASE, REDELIVER, DUPLICATE, AMBIGUOUS, LOST, QUOTA, REFUSED, TOKENLESS = range(9)

TRIES_MAX = 2  # the code sends up to four times; two show all that more could


class Violation(Exception):
    """An invariant does not hold."""


def initial(sc: Scenario) -> State:
    born = tuple("Q" if ev.lane == "in" else "U" for ev in sc.events)
    chats, stream, cmap = ((("g1", True),), frozenset({1}), frozenset({1})) if sc.opened else ((), frozenset(), frozenset())
    return State(
        st="O" if sc.opened else "N", gen=1 if sc.opened else 0, src=False, lo=None, lx=False, ap=0, pend=(), done=frozenset(), cmap=cmap,
        msgs=born, workers=tuple(Worker() for _ in range(sc.workers)), chats=chats, stream=stream, attach=(), accepted=(), sms=(),
        receipts=frozenset(), dlq=frozenset(),
        budget=(sc.crash, sc.lease, sc.redeliver, sc.duplicate, sc.ambiguous, sc.lost, sc.quota, sc.refused, sc.tokenless),
        late=frozenset(), ponr=frozenset(), tried=frozenset(), again=frozenset(), given_up=frozenset())


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

    def entry_of(self, m: int) -> int:
        """The entry that a message makes: two messengers of one event make one."""
        same = self.ev[m].same_as
        return same if same >= 0 and "end_two_ids" not in self.mut else m

    def cause_of(self, e: int) -> int:
        return self.ev[e].same_as if self.ev[e].same_as >= 0 else e

    def plan_entry(self, s: State, p: Entry, w: Worker) -> Worker | None:
        """What to do with the head of a lane: the worker, about to do it."""
        ev = self.ev[p.id]
        w = w._replace(e=p.id, g=ev.chat, part=0, tries=1)
        if p.stage == "d":
            return None
        if ev.lane == "out":
            return self.plan_out(s, p, w)
        if ev.poison:
            return w._replace(pc="bug", g=0)
        if s.st in "NE":
            return w._replace(pc="claim", g=0)
        if s.st == "S":
            return w._replace(pc="start", g=s.gen, src=s.src)
        return w._replace(pc="send_message", g=s.gen)

    def plan_out(self, s: State, p: Entry, w: Worker) -> Worker | None:
        ev = self.ev[p.id]
        if p.stage == "s":
            if p.receipt or w.out == p.part or ("part_not_carried" in self.mut and p.part + 1 < ev.parts):
                return self.after_part(ev, p, w)
            if p.timed or "no_receipt_wait" in self.mut:
                if self.sc.resend and (p.tries < TRIES_MAX or "no_receipt_wait" in self.mut):
                    return w._replace(pc="intent", part=p.part, tries=p.tries + 1)
                return self.after_part(ev, p, w)  # given up: told, counted, and the conversation goes on
            return None  # in doubt: wait for the receipt, or for the resolve time
        if ev.kind == "end" and ev.chat < s.gen:
            return w._replace(pc="finish")  # a newer chat is open: nothing to say
        if ev.chat == s.gen and s.st == "S" and "no_wait_starting" not in self.mut:
            return None
        return w._replace(pc="intent")

    def after_part(self, ev: Event, p: Entry, w: Worker) -> Worker:
        if p.part + 1 < ev.parts:
            return w._replace(pc="intent", part=p.part + 1)
        return w._replace(pc="finish", part=p.part)

    def passed_over(self, s: State, p: Entry, w: Worker) -> State:
        """Notes what this write gives up: a part of which nobody knows that it is out."""
        in_doubt = p.stage == "s" and not p.receipt and w.out != p.part and (w.pc == "finish" or w.part > p.part)
        if in_doubt and not {"part_not_carried", "no_receipt_wait"} & self.mut:
            return s._replace(given_up=s.given_up | {(p.id, p.part)})
        return s

    def plan(self, s: State, w: Worker, held: int = -1) -> tuple[State, Worker]:
        if "ring_overwritten" in self.mut:
            w = w._replace(ring=s.done)
        for lane in ("one",) if "single_lane" in self.mut else ("out", "in"):
            p = self.head(s, lane)
            step = self.plan_entry(s, p, w if p.id == w.e else w._replace(out=-1)) if p else None
            if step:
                if self.sc.hold and held != step.e and step.pc in ("intent", "send_message") and p.stage == "n":
                    step = step._replace(pc="hold")
                if step.pc == "intent" and "no_intent" in self.mut:
                    step = step._replace(pc="send_text")
                if step.pc == "send_message":
                    s = s._replace(ponr=s.ponr | {step.e})
                return s, step._replace(seen=s.ap, late=False)
        return s, self.rest(w, "release")

    def rest(self, w: Worker, pc: str) -> Worker:
        """A worker that knows nothing more of what it worked."""
        return Worker(pc, w.msg, life=w.life, ring=w.ring)

    def own(self, s: State, w: Worker) -> Worker:
        """After a release: delete the message whose entry is done, leave any other for later."""
        return self.rest(w, "ack" if self.entry_of(w.msg) in s.done else "return")

    def fenced(self, w: Worker) -> Worker:
        return self.rest(w, "ack" if "ack_when_fenced" in self.mut else "return")

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
            i = self.entry_of(m)
            p = entry(s, i)
            if ev[m].lane == "out" and ev[m].chat not in s.cmap:
                yield "no contact map", to(s, w._replace(pc="return"))
            elif i in s.done and not off("no_dedupe"):
                yield "append: done already", to(s, w._replace(pc="ack"))
            elif p and p.stage == "d":
                yield "append: dead", to(s, w._replace(pc="copy_to_dlq"))
            elif p and not off("append_twice_ok"):
                yield "append: pending already", to(s, w._replace(pc="acquire", g=0))
            else:
                late = any(self.ev[b].lane == ev[i].lane and b > i for b in s.ponr)
                s2 = put(s, Entry(i))._replace(ap=s.ap + 1, late=s.late | {i} if late else s.late)
                if off("ack_on_append"):
                    s2 = s2._replace(msgs=s2.msgs[:m] + ("D",) + s2.msgs[m + 1:])
                if s2.lo is None or s2.lo == me or off("no_lease"):
                    s2 = s2._replace(lo=me, lx=False)
                    yield "append+acquire", to(*self.plan(s2, w))
                elif s2.lx:
                    yield "append, lease expired", to(s2, w._replace(pc="acquire", g=1))
                else:
                    if off("contention_is_attempt"):
                        a = entry(s2, i).attempts + 1
                        s2 = put(s2, Entry(i, "d" if a >= self.sc.max_attempts else "n", attempts=a))
                    yield "append, lease taken", to(s2, w._replace(pc="return"))
        elif pc == "acquire":
            i = self.entry_of(m)
            p = entry(s, i)
            if not p:
                yield "acquire: no longer pending", to(s, w._replace(pc="ack" if i in s.done else "append"))
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
                yield "claim", to(*self.plan(s._replace(st="S", gen=s.gen + 1, src=self.sc.attaches and s.gen > 0), w))
            else:
                yield "claim: fenced", to(s, self.fenced(w))
        elif pc == "start":
            yield from self.start_chat(s, w, to)
        elif pc == "drop_source":
            if mine:
                yield "record: not attached", to(*self.plan(s._replace(src=False), w))
            else:
                yield "record not attached: fenced", to(s, self.fenced(w))
        elif pc == "stop_orphan":
            c = w.g - 1
            left_open = s if off("orphan_left_open") else s._replace(chats=s.chats[:c] + ((s.chats[c][0], False),) + s.chats[c + 1:])
            yield "StopContact", to(left_open, w._replace(pc="chat_over"))
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
                yield "intent: entry gone", to(s, self.rest(w, "release"))
            else:
                p = entry(s, e)
                s2 = put(self.passed_over(s, p, w), Entry(e, "s", w.part, w.tries, attempts=p.attempts))._replace(ponr=s.ponr | {e})
                yield "intent", to(s2, w._replace(pc="send_text", late=False))
        elif pc == "send_text":
            if w.late and not off("no_deadline"):
                yield "SendTextMessage not tried: too late", to(s, self.rest(w, "release"))
            else:
                sent = self.take_sms(s, e, w.part)
                if w.part + 1 < ev[e].parts:
                    # The next part's intent records this one; until then its holder alone knows that it is out.
                    yield "SendTextMessage", to(*self.plan(sent, w._replace(out=w.part)))
                else:
                    yield "SendTextMessage", to(sent, w._replace(pc="finish", out=w.part))
                if s.budget[REFUSED]:
                    # Throttled, or no connection: surely not sent. The intent is withdrawn and the lease given back.
                    yield "SendTextMessage refused", to(spend(s, REFUSED), w._replace(pc="withdraw"))
                if s.budget[AMBIGUOUS]:
                    yield "SendTextMessage accepted, answer lost", to(spend(sent, AMBIGUOUS), self.rest(w, "release"))
                    yield "SendTextMessage lost", to(spend(s, AMBIGUOUS), self.rest(w, "release"))
        elif pc == "withdraw":
            p = entry(s, e)
            stands = p is not None and (p.stage, p.part, p.tries) == ("s", w.part, w.tries)
            if (mine and stands) or (off("withdraw_no_fence") and p and p.stage == "s"):
                s2 = put(s, self.withdrawn(p))
                yield "withdraw+release", to(s2._replace(lo=None, lx=False), self.own(s2, w))
            else:
                yield "withdraw: fenced", to(s, self.fenced(w))
        elif pc == "finish":
            if not mine and not off("finish_no_fence") and not off("ring_overwritten"):
                p = entry(s, e)
                if p and p.stage == "s" and p.part == w.out:
                    s = put(s, p._replace(receipt=True))  # it did go out: say so, as the receipt would
                yield "finish: fenced", to(s, self.own(s, w) if e in s.done else self.fenced(w))
            else:
                p = entry(s, e)
                s2 = drop(self.passed_over(s, p, w) if p else s, e)._replace(done=s.done | {e})
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
                s2 = s2._replace(lo=None, lx=False)
                yield "handler raised+release", to(s2, self.own(s2, w))
            else:
                yield "handler raised: fenced", to(s, self.fenced(w))
        elif pc == "copy_to_dlq":
            yield "copy to DLQ", to(s._replace(dlq=s.dlq | {m}), w._replace(pc="bury"))
        elif pc == "bury":
            i = self.entry_of(m)
            p = entry(s, i)
            s2 = drop(s, i)._replace(done=s.done | {i}) if p and p.stage == "d" else s
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

    def start_chat(self, s: State, w: Worker, to: Callable[[State, Worker], State]) -> Iterator[tuple[str, State]]:
        """StartChatContact: with the earlier chat attached it is another request, with a token of its own."""
        token = f"e{w.e}" if "token_from_entry" in self.mut else f"g{w.g}p" if w.src else f"g{w.g}"
        known = any(t == token for t, _ in s.chats)
        if w.src and not known:
            attach = s.attach + ("",) * (w.g - len(s.attach))
            if attach[w.g - 1] != "y":
                refused = s._replace(attach=attach[:w.g - 1] + ("n",) + attach[w.g:])
                unrecorded = w._replace(pc="start", src=False) if "source_kept" in self.mut else w._replace(pc="drop_source")
                yield "StartChatContact: cannot attach", to(refused, unrecorded)
                if attach[w.g - 1] == "n":
                    return
            s = s._replace(attach=attach[:w.g - 1] + ("y",) + attach[w.g:])
        s2 = s if known else s._replace(chats=s.chats + ((token, True),))
        if sum(is_open for _, is_open in s2.chats) > 1:
            raise Violation("ONE-CHAT: two chats are open at once")
        if "one_call_start" in self.mut:
            s2 = s2._replace(stream=s2.stream | {w.g})
        yield "StartChatContact", to(s2, w._replace(pc="map_contact"))
        if known and s.budget[TOKENLESS]:
            # The tokens are kept beside the contact map: who finds them joins by them, who does not cannot join.
            no_token = w._replace(pc="map_contact" if w.g in s.cmap else "stop_orphan")
            yield "StartChatContact: no participant token", to(spend(s2, TOKENLESS), no_token)
        if s.budget[QUOTA]:
            yield "StartChatContact: quota", to(spend(s, QUOTA), self.rest(w, "release"))

    def withdrawn(self, p: Entry) -> Entry:
        """The entry as it stood before the intent that is taken back."""
        if p.tries > 1 and "withdraw_forgets_doubt" not in self.mut:
            return p._replace(tries=p.tries - 1, timed=True)
        if p.part > 0 and "withdraw_all" not in self.mut:
            return p._replace(part=p.part - 1, receipt=True)
        return Entry(p.id, attempts=p.attempts)

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

    def take_sms(self, s: State, e: int, part: int) -> State:
        ev, sms = self.ev[e], (self.cause_of(e), part)
        if sms in s.sms:
            if s.sms.count(sms) > self.sc.lost - s.budget[LOST]:
                raise Violation("ONCE-SMS: a text went out twice though no receipt was lost")
        else:
            if part and (e, part - 1) not in s.given_up and (self.cause_of(e), part - 1) not in s.sms:
                raise Violation("ORDER: a part went out before the one before it")
            self.check_order(s, e)
        if s.st == "S" and s.gen == ev.chat:
            raise Violation("WAIT-START: an agent's message went out while its session was still starting")
        if self.sc.lost - s.budget[LOST] == 0 and e in s.done:
            raise Violation("ONCE-SMS: a text went out after it was recorded as done")
        return s._replace(sms=s.sms + (sms,), receipts=s.receipts | {(e, part)})

    def is_out(self, s: State, e: int) -> bool:
        """Whether every part of it went out, or was given up, which is told and counted."""
        return all((self.cause_of(e), part) in s.sms or (e, part) in s.given_up for part in range(self.ev[e].parts))

    def check_order(self, s: State, e: int) -> None:
        gone = {x for _, x in s.accepted} | s.dlq
        for b in range(e):
            if self.ev[b].lane == self.ev[e].lane and b not in gone and b not in s.done and not (self.ev[b].lane == "out" and self.is_out(s, b)):
                p = entry(s, b)
                if p and p.stage != "d" and b not in s.late:
                    raise Violation("ORDER: an effect overtook an earlier entry of its lane")
                if self.sc.hold and b in s.tried and not (p and p.stage == "d"):
                    raise Violation("STRICT-ORDER: an effect overtook an earlier event that came within the hold window")

    def check_ack(self, s: State, m: int) -> None:
        ev, e = self.ev[m], self.entry_of(m)
        happened = self.is_out(s, e) if ev.lane == "out" else any(x == e for _, x in s.accepted)
        waived = ev.kind == "end" and ev.chat < s.gen
        if e not in s.done or not (happened or m in s.dlq or waived):
            raise Violation("NO-LOSS: a message was deleted before its effect was recorded")
        if m in s.dlq and not ev.poison:
            raise Violation("NO-BLAME: a healthy message was dead-lettered")

    def check_state(self, s: State) -> None:
        if s.st == "E" and len(s.chats) >= s.gen and s.chats[s.gen - 1] in ((f"g{s.gen}", True), (f"g{s.gen}p", True)):
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
            elif q == "U" and self.may_emit(s, i):
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
        for e, part in s.receipts:
            rest = s.receipts - {(e, part)}
            p = entry(s, e)
            is_meant = p is not None and p.stage == "s" and (p.part == part or "receipt_any_part" in self.mut)
            marked = put(s, p._replace(receipt=True)) if is_meant else s
            yield f"receipt for {ev[e].name}.{part}", marked._replace(receipts=rest)
            if s.budget[LOST]:
                yield f"receipt for {ev[e].name}.{part} LOST", spend(s, LOST)._replace(receipts=rest)
        for p in s.pend:
            if p.stage == "s" and not p.receipt and not p.timed and (p.id, p.part) not in s.receipts:
                ws = tuple(w._replace(late=True) if w.pc == "send_text" and (w.e, w.part) == (p.id, p.part) else w for w in s.workers)
                yield f"resolve time of {ev[p.id].name} passes", put(s, p._replace(timed=True))._replace(workers=ws)

    def may_emit(self, s: State, i: int) -> bool:
        """Whether Connect says this now. The end has two messengers: the stream, and the bus that knows no stream."""
        ev = self.ev[i]
        if ev.same_as >= 0:
            return s.msgs[ev.same_as] != "U" or (ev.chat in s.stream and s.chats[ev.chat - 1][1])
        earlier = [b for b in range(i) if self.ev[b].lane == "out" and self.ev[b].chat == ev.chat]
        is_over = any(o.same_as == i and s.msgs[b] != "U" for b, o in enumerate(self.ev))
        is_live = ev.chat in s.stream and (s.chats[ev.chat - 1][1] or is_over)
        return is_live and all(s.msgs[b] != "U" for b in earlier)

    def successors(self, s: State) -> Iterator[tuple[str, State]]:
        for k in range(len(s.workers)):
            yield from self.step(s, k)
        yield from self.environment(s)

    def is_goal(self, s: State) -> bool:
        """Everything that came is done and deleted, nothing is pending, everybody rests."""
        return (not s.pend and (s.lo is None or s.lx) and all(q in ("D", "U") for q in s.msgs) and all(w.pc == "idle" for w in s.workers))
