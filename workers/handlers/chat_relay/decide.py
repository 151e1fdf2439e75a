"""What the holder of a session does next: the whole rule of a conversation, as a pure function.

`plan(view)` looks at the journal, the brand and the time, and names one step. It knows nothing of
clients or stores, so tables of cases test it. The lanes are looked at in the order out, in: an
agent waits for nothing but the pace of texts, so the customer hears first.

    session      head of its lane             step
    any          opt-out word, anywhere       OptOut (jumps the lane: nothing may be sent after it)
    none, ended  a text that may start a chat ClaimChat
    starting     a text                       OpenChat
    open         a text                       Say, after the hold
    any          agent's message, own notice  SendText, part by part, after the hold and the pace
    any          an intent without its record AwaitReceipt, then the next part, again, or give up
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from workers.brands import Brand
from workers.handlers.chat_relay.entries import Kind
from workers.handlers.chat_relay.steps import (
    Answer,
    AwaitReceipt,
    ClaimChat,
    Conclude,
    GiveUp,
    Hold,
    OpenChat,
    OptIn,
    OptOut,
    Rest,
    Say,
    SendText,
    Step,
)
from workers.handlers.chat_relay.wording import late_prefix, own_text, parts_of
from workers.sms_text import clean_for_chat, split_for_chat
from workers.stores.protocols import ChatState, Entry, Lane, Session, Stage
from workers.words import Meaning, matches_keyword, read_words

HOUR_MS = 3_600_000
RECEIPT_LOOK_MS = 10_000  # how long a lane in doubt sleeps before it is looked at again
STARTING_LOOK_MS = 1_000  # how long an agent's message waits for a chat that is being set up
QUICK_ANSWER_MS = 2_000  # an answer to our own text this soon is a machine's
QUICK_ANSWERS_MAX = 3
SENDS_MAX = 4  # of one part, where the brand would rather repeat it than leave it in doubt
TAKEOVERS_MAX = 8  # an entry whose workers keep dying kills them
QUICK_ENDS_MAX = 2  # chats that close at once on the same text: the flow is closed, stop opening


@dataclass(frozen=True, slots=True)
class View:
    """All that a decision may know.

    `plain`: entries that read like a return, from people found not to be opted out: "yes" is
    then an answer like any other. `seen_ms`: when the session was asked for; what was journalled
    since is not in it. None: now.
    """

    session: Session
    brand: Brand
    now_ms: int
    hold_in_ms: int = 0
    hold_out_ms: int = 0
    plain: frozenset[str] = frozenset()
    seen_ms: int | None = None


def plan(view: View) -> Step:
    """The next step of the holder. Total: every state of the journal has one."""
    urgent = _waiting_opt_out(view)
    if urgent:
        return OptOut(urgent)
    sleeps: list[int] = []
    hold: Hold | None = None
    for lane in (Lane.OUT, Lane.IN):
        step = _plan_lane(view, lane)
        match step:
            case None:
                continue
            case Rest(until_ms):
                sleeps.append(until_ms)
            case Hold():
                hold = step if hold is None or step.until_ms < hold.until_ms else hold
            case _:
                return step
    return hold or Rest(min(sleeps, default=0))


def head(session: Session, lane: Lane) -> Entry | None:
    """The oldest entry of a lane that is not given up; ties by id."""
    waiting = [e for e in session.entries if e.lane is lane and e.stage is not Stage.DEAD]
    return min(waiting, key=lambda e: (e.time_ms, e.id), default=None)


def may_speak(session: Session, brand: Brand, now_ms: int) -> bool:
    """Whether an automatic text is allowed: no short codes, no machines, few an hour."""
    marks = session.marks
    if not session.customer_number.startswith("+") or marks.get("quick_n", 0) >= QUICK_ANSWERS_MAX:
        return False
    in_window = now_ms - marks.get("auto_from", 0) < HOUR_MS
    return not in_window or marks.get("auto_n", 0) < brand.limits.automatic_texts_per_hour


def window(marks: Mapping[str, int], name: str, now_ms: int) -> dict[str, int]:
    """Count one more in the hour that `<name>_from` opened, or open a new one."""
    opened, count = marks.get(f"{name}_from", 0), marks.get(f"{name}_n", 0)
    if now_ms - opened >= HOUR_MS:
        opened, count = now_ms, 0
    return {f"{name}_from": opened, f"{name}_n": count + 1}


def _plan_lane(view: View, lane: Lane) -> Step | None:
    session = view.session
    entry = head(session, lane)
    if entry is None:
        return None
    not_before = session.not_before_in_ms if lane is Lane.IN else session.not_before_out_ms
    if not_before > view.now_ms:
        return Rest(not_before)
    if entry.takeovers >= TAKEOVERS_MAX:
        return GiveUp(entry, "kills_its_worker")
    return _plan_in(view, entry) if lane is Lane.IN else _plan_out(view, entry)


def _held_until_ms(entry: Entry, hold_ms: int) -> int:
    """Until when an earlier event may still come.

    Counted from when this one was journalled, not from its own time: what delays all deliveries
    alike, such as a busy worker or a backlog after an outage, then takes nothing from the window.
    """
    return max(entry.time_ms, entry.entered_ms) + hold_ms


# --- customer -> chat -----------------------------------------------------------------------------


def _waiting_opt_out(view: View) -> Entry | None:
    """An opt-out counts the moment it is known, whatever blocks its lane.

    It does not jump an earlier request to come back: the last word of the two must win.
    """
    texts = sorted(
        (e for e in view.session.entries if e.kind == Kind.TEXT and e.stage is not Stage.DEAD),
        key=lambda e: (e.time_ms, e.id),
    )
    for entry in texts:
        meaning = read_words(view.brand.words, entry.payload["body"])
        if meaning is Meaning.OPT_IN:
            return None
        if meaning is Meaning.OPT_OUT:
            return entry
    return None


def _plan_in(view: View, entry: Entry) -> Step:
    session, brand, now = view.session, view.brand, view.now_ms
    meaning = read_words(brand.words, entry.payload["body"])
    opens = session.state in (ChatState.NONE, ChatState.ENDED)
    starts = meaning in (Meaning.PLAIN, Meaning.DOUBTFUL) or entry.id in view.plain
    if not (opens and starts) and session.state is not ChatState.STARTING:
        held = _held_until_ms(entry, view.hold_in_ms)
        if (now if view.seen_ms is None else view.seen_ms) < held:
            return Hold(Lane.IN, held)
    match meaning:
        case Meaning.OPT_IN if entry.id not in view.plain:
            return OptIn(entry)
        case Meaning.HELP if opens:
            return Answer(entry, "help")
        case _:
            pass
    match session.state:
        case ChatState.NONE | ChatState.ENDED:
            return _plan_start(view, entry, meaning)
        case ChatState.STARTING:
            return OpenChat(entry)
        case ChatState.OPEN:
            return _plan_say(view, entry, meaning)
        case _:
            assert_never(session.state)


def _plan_start(view: View, entry: Entry, meaning: Meaning) -> Step:
    session, brand, now, marks = view.session, view.brand, view.now_ms, view.session.marks
    if now - entry.time_ms > brand.limits.to_agent_max_age_s * 1000:
        return GiveUp(entry, "too_old")
    if marks.get("quick_end_n", 0) >= QUICK_ENDS_MAX and now - marks.get("ended_at", 0) < HOUR_MS:
        return GiveUp(entry, "chat_closed_at_once")
    # What may be an opt-out needs a person to read it, not an answer that asks for a keyword.
    is_asked_for = meaning is Meaning.DOUBTFUL or matches_keyword(
        brand.start, entry.payload["body"]
    )
    if not is_asked_for:
        return Answer(entry, "no_match") if brand.texts.no_match else Conclude(entry, "no_match")
    if (
        now - marks.get("start_from", 0) < HOUR_MS
        and marks.get("start_n", 0) >= brand.limits.chat_starts_per_number_per_hour
    ):
        if marks.get("refused_from", 0) == marks.get("start_from", 0):
            return Conclude(entry, "start_refused")
        return Answer(entry, "refused", {"refused_from": marks.get("start_from", 0)})
    return ClaimChat(entry, window(session.marks, "start", now))


def _plan_say(view: View, entry: Entry, meaning: Meaning) -> Step:
    brand, age_ms = view.brand, view.now_ms - entry.time_ms
    prefix = ""
    if age_ms > brand.limits.to_agent_max_age_s * 1000:
        prefix = late_prefix(brand, age_ms)
    if meaning is Meaning.DOUBTFUL:
        prefix += brand.texts.note_doubtful
    body = clean_for_chat(prefix + entry.payload["body"])
    messages = split_for_chat(body) if body.strip() else ()
    since_ours_ms = entry.time_ms - view.session.marks.get("auto_at", -HOUR_MS)
    is_quick = 0 <= since_ours_ms < QUICK_ANSWER_MS
    marks = {
        "la": view.now_ms,
        "quick_end_n": 0,
        "quick_n": view.session.marks.get("quick_n", 0) + 1 if is_quick else 0,
    }
    if not messages:
        return Conclude(entry, "empty", marks=marks)
    return Say(entry, messages, "help" if meaning is Meaning.HELP else None, marks)


# --- chat -> customer -----------------------------------------------------------------------------


def _plan_out(view: View, entry: Entry) -> Step:
    session, now = view.session, view.now_ms
    if entry.kind == Kind.END and entry.gen < session.gen:
        return Conclude(entry, "older_chat")
    if session.state is ChatState.STARTING and entry.gen == session.gen and _waits(entry):
        return Rest(now + STARTING_LOOK_MS)
    if entry.stage is Stage.SENDING:
        return _plan_doubt(view, entry)
    if _is_too_old(view, entry):
        return _expire(view, entry)
    held = _held_until_ms(entry, view.hold_out_ms)
    if now < held:
        return Hold(Lane.OUT, held)
    return _send_part(view, entry, 0)


def _is_too_old(view: View, entry: Entry) -> bool:
    """Nobody is texted at 3 a.m. because an outage ended: neither our words nor an agent's."""
    return view.now_ms - entry.time_ms > view.brand.limits.to_customer_max_age_s * 1000


def _expire(view: View, entry: Entry) -> Conclude:
    note = view.brand.texts.note_expired if entry.kind == Kind.AGENT else ""
    return Conclude(entry, "too_old", tell_agent=note, ended_gen=ended_gen(entry))


def _waits(entry: Entry) -> bool:
    """Own notices (we are busy) may go out while the chat is being set up; the rest may not."""
    return entry.kind != Kind.NOTICE


def _plan_doubt(view: View, entry: Entry) -> Step:
    """An intent stands there and its holder is gone: did the text go out?"""
    brand, now = view.brand, view.now_ms
    if entry.receipt:
        return _after_part(view, entry)
    until = entry.intent_at_ms + brand.receipt_wait_s * 1000
    if now < until:
        return AwaitReceipt(entry, min(until, now + RECEIPT_LOOK_MS))
    if brand.in_doubt == "resend" and entry.tries < SENDS_MAX and not _is_too_old(view, entry):
        return _send_part(view, entry, entry.part, tries=entry.tries + 1)
    return _after_part(view, entry, uncertain=True)


def _after_part(view: View, entry: Entry, *, uncertain: bool = False) -> Step:
    note = view.brand.texts.note_uncertain if uncertain and entry.kind == Kind.AGENT else ""
    following = entry.part + 1
    if following < len(parts_of(entry, view.brand, view.session)):
        if not _is_too_old(view, entry):
            return _send_part(view, entry, following, tell_agent=note, after_doubt=uncertain)
        if not uncertain:
            return _expire(view, entry)
    reason = "uncertain" if uncertain else "sent_by_receipt"
    return Conclude(entry, reason, tell_agent=note, ended_gen=ended_gen(entry))


def _send_part(
    view: View,
    entry: Entry,
    part: int,
    *,
    tries: int = 1,
    tell_agent: str = "",
    after_doubt: bool = False,
) -> Step:
    session, brand, now = view.session, view.brand, view.now_ms
    parts = parts_of(entry, brand, session)
    automatic = entry.kind != Kind.AGENT
    confirms = own_text(entry, brand, session).confirms_opt_out if automatic else False
    if not parts:
        return Conclude(entry, "no_text", ended_gen=ended_gen(entry))
    if automatic and not confirms and not may_speak(session, brand, now):
        return Conclude(entry, "automatic_texts_capped", ended_gen=ended_gen(entry))
    if now < session.next_send_ms:
        return Hold(Lane.OUT, session.next_send_ms)  # one text a second to one recipient
    marks: dict[str, int] = {"la": now}
    if automatic:
        marks = {"auto_at": now, **window(session.marks, "auto", now)}
    chosen = parts[part]
    return SendText(
        entry,
        part,
        len(parts),
        body=chosen if isinstance(chosen, str) else "",
        file=None if isinstance(chosen, str) else chosen,
        automatic=automatic,
        passes_gate=automatic and own_text(entry, brand, session).passes_gate,
        tries=tries,
        tell_agent=tell_agent,
        after_doubt=after_doubt,
        marks=marks,
    )


def ended_gen(entry: Entry) -> int | None:
    """The generation that this entry closes once it is done."""
    return entry.gen if entry.kind == Kind.END else None
