"""The rule of a conversation, as a table: what is known, what is done next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from workers.brands import Brand, Limits, StartRule, Texts
from workers.handlers.chat_relay.decide import HOUR_MS, View, plan
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
)
from workers.stores.protocols import ChatState, Entry, Lane, Session, Stage

NOW = 1_790_000_000_000
S = 1000
BRAND = Brand(
    name="Clinic", numbers=("+12065550190",), configuration_set="c", contact_flow_id="flow"
)


def text(body: str = "hello", *, age_ms: int = 10 * S, entry_id: str = "t1", **keys: Any) -> Entry:
    return Entry(entry_id, Lane.IN, Kind.TEXT, NOW - age_ms, 0, {"body": body}, **keys)


def agent(
    body: str = "Good day", *, age_ms: int = 10 * S, entry_id: str = "a1", gen: int = 7, **keys: Any
) -> Entry:
    payload: Mapping[str, Any] = {"m": "m-1", "body": body}
    return Entry(entry_id, Lane.OUT, Kind.AGENT, NOW - age_ms, gen, payload, **keys)


def notice(kind: str, *, entry_id: str = "n1") -> Entry:
    return Entry(entry_id, Lane.OUT, Kind.NOTICE, NOW - S, 7, {"notice": kind})


def end(gen: int = 7) -> Entry:
    return Entry("x1", Lane.OUT, Kind.END, NOW - S, gen, {})


def session(*entries: Entry, state: ChatState = ChatState.OPEN, **keys: Any) -> Session:
    return Session(
        sid="s" * 26,
        customer_number=keys.pop("customer_number", "+12065550100"),
        our_number="+12065550190",
        state=state,
        gen=7,
        entries=entries,
        pending=len(entries),
        nonce="me",
        **keys,
    )


def view(found: Session, brand: Brand = BRAND, **keys: Any) -> View:
    return View(found, brand, NOW, **keys)


NONE, STARTING, OPEN, ENDED = (
    ChatState.NONE,
    ChatState.STARTING,
    ChatState.OPEN,
    ChatState.ENDED,
)
KEYWORD = BRAND.model_copy(update={"start": StartRule(on="keyword", keywords=("chat",))})
KEYWORD_ANSWER = KEYWORD.model_copy(update={"texts": Texts(no_match="Text CHAT to talk to us.")})


@pytest.mark.parametrize(
    ("found", "brand", "expected"),
    [
        pytest.param(session(), BRAND, Rest(0), id="nothing_pending"),
        pytest.param(session(text(), state=NONE), BRAND, ClaimChat, id="first_text_claims_a_chat"),
        pytest.param(session(text(), state=ENDED), BRAND, ClaimChat, id="text_after_the_end"),
        pytest.param(session(text(), state=STARTING), BRAND, OpenChat, id="text_while_starting"),
        pytest.param(session(text()), BRAND, Say, id="text_into_the_open_chat"),
        pytest.param(session(text(), state=NONE), KEYWORD, Conclude, id="no_keyword_no_answer"),
        pytest.param(session(text(), state=NONE), KEYWORD_ANSWER, Answer, id="no_keyword"),
        pytest.param(session(text("CHAT"), state=NONE), KEYWORD, ClaimChat, id="keyword_starts"),
        pytest.param(
            session(text("take me off your list"), state=ENDED),
            KEYWORD_ANSWER,
            ClaimChat,
            id="a_doubtful_opt_out_starts_a_chat_without_a_keyword",
        ),
        pytest.param(session(text("STOP")), BRAND, OptOut, id="opt_out"),
        pytest.param(session(text("START")), BRAND, OptIn, id="return"),
        pytest.param(session(text("HELP"), state=NONE), BRAND, Answer, id="help_opens_no_chat"),
        pytest.param(session(agent()), BRAND, SendText, id="agent_message_is_texted"),
        pytest.param(
            session(agent(), state=STARTING), BRAND, Rest(NOW + S), id="agent_waits_for_the_chat"
        ),
        pytest.param(
            session(agent(gen=6), state=STARTING), BRAND, SendText, id="trailing_message_is_sent"
        ),
        pytest.param(session(agent(), text()), BRAND, SendText, id="out_lane_goes_first"),
        pytest.param(session(end(6)), BRAND, Conclude, id="end_of_an_older_chat_says_nothing"),
        pytest.param(session(end(7)), BRAND, SendText, id="end_is_told_to_the_customer"),
        pytest.param(session(notice("help")), BRAND, SendText, id="own_notice"),
        pytest.param(
            session(notice("busy"), state=STARTING), BRAND, SendText, id="busy_while_starting"
        ),
        pytest.param(
            session(text(takeovers=8)), BRAND, GiveUp, id="an_entry_whose_workers_keep_dying"
        ),
        pytest.param(
            session(text(stage=Stage.DEAD), text("two", entry_id="t2")),
            BRAND,
            Say,
            id="dead_entry_is_passed_over",
        ),
        pytest.param(
            session(text(), not_before_in_ms=NOW + 9), BRAND, Rest(NOW + 9), id="closed_in_lane"
        ),
        pytest.param(
            session(text(), agent(), not_before_in_ms=NOW + 9),
            BRAND,
            SendText,
            id="a_closed_lane_does_not_close_the_other",
        ),
        pytest.param(
            session(text("hi"), text("stop", entry_id="t2"), not_before_in_ms=NOW + 9),
            BRAND,
            OptOut,
            id="opt_out_jumps_a_closed_lane",
        ),
        pytest.param(
            session(
                text("start", age_ms=2 * S),
                text("stop", age_ms=S, entry_id="t2"),
                not_before_in_ms=NOW + 9,
            ),
            BRAND,
            Rest(NOW + 9),
            id="opt_out_does_not_jump_an_earlier_return",
        ),
    ],
)
def test_next_step(found: Session, brand: Brand, expected: Any) -> None:
    step = plan(view(found, brand))
    if isinstance(expected, type):
        assert isinstance(step, expected)
    else:
        assert step == expected


def test_texts_go_in_the_order_of_their_time_and_then_of_their_id() -> None:
    late, early = text("late", age_ms=S, entry_id="t0"), text("early", age_ms=2 * S)
    step = plan(view(session(late, early)))
    assert isinstance(step, Say)
    assert step.messages == ("early",)


def test_a_young_text_is_held_for_an_earlier_one() -> None:
    step = plan(view(session(text(age_ms=100)), hold_in_ms=500))
    assert step == Hold(Lane.IN, NOW + 400)


def test_a_session_seen_before_the_window_ended_is_looked_at_again() -> None:
    found = session(text(age_ms=600))
    assert plan(view(found, hold_in_ms=500, seen_ms=NOW - 200)) == Hold(Lane.IN, NOW - 100)
    assert isinstance(plan(view(found, hold_in_ms=500, seen_ms=NOW - 100)), Say)


@pytest.mark.parametrize(
    ("entered_ms", "step"),
    [
        pytest.param(NOW - 600, Say, id="held since it came"),
        pytest.param(NOW - 100, Hold, id="came just now: what was said before may come with it"),
    ],
)
@pytest.mark.parametrize("age_ms", [610, 1_000, 5 * S])
def test_what_comes_late_is_held_from_when_it_came(
    age_ms: int, entered_ms: int, step: type
) -> None:
    """Found by simulation, seed 1079: after an outage the younger of two texts went first."""
    old = text(age_ms=age_ms, entered_ms=entered_ms)
    assert isinstance(plan(view(session(old), hold_in_ms=500)), step)


def test_a_text_that_its_clock_puts_ahead_of_ours_is_held_from_its_own_time() -> None:
    ahead = text(age_ms=-100, entered_ms=NOW)
    assert plan(view(session(ahead), hold_in_ms=500)) == Hold(Lane.IN, NOW + 600)


def test_the_first_text_of_a_chat_is_not_held() -> None:
    step = plan(view(session(text(age_ms=100), state=NONE), hold_in_ms=500))
    assert isinstance(step, ClaimChat)


def test_while_one_lane_holds_the_other_goes_on() -> None:
    step = plan(view(session(agent(age_ms=100), text()), hold_in_ms=0, hold_out_ms=500))
    assert isinstance(step, Say)


def test_one_text_a_second_to_one_recipient() -> None:
    step = plan(view(session(agent(), next_send_ms=NOW + 700)))
    assert step == Hold(Lane.OUT, NOW + 700)


def test_a_text_too_old_for_the_customer_becomes_a_note() -> None:
    step = plan(view(session(agent(age_ms=16 * 60 * S))))
    assert isinstance(step, Conclude)
    assert step.reason == "too_old"
    assert step.tell_agent == BRAND.texts.note_expired


@pytest.mark.parametrize("entry", [notice("busy"), notice("help"), end()], ids=lambda e: e.kind)
def test_nobody_is_texted_at_three_because_an_outage_ended(entry: Entry) -> None:
    old = replace(entry, time_ms=NOW - 16 * 60 * S)
    step = plan(view(session(old)))
    assert isinstance(step, Conclude)
    assert (step.reason, step.tell_agent) == ("too_old", "")
    assert step.ended_gen == (7 if entry.kind == Kind.END else None)


def test_the_rest_of_a_text_that_grew_too_old_is_not_sent_and_the_agent_is_told() -> None:
    old = doubtful(receipt="mid", body="word " * 700, age_ms=16 * 60 * S)
    step = plan(view(session(old)))
    assert isinstance(step, Conclude)
    assert (step.reason, step.tell_agent) == ("too_old", BRAND.texts.note_expired)


def test_what_grew_too_old_is_not_sent_again() -> None:
    brand = BRAND.model_copy(update={"in_doubt": "resend"})
    old = doubtful(intent_at_ms=NOW - 121 * S, age_ms=16 * 60 * S)
    step = plan(view(session(old), brand))
    assert isinstance(step, Conclude)
    assert step.reason == "uncertain"


def test_a_text_too_old_for_a_new_chat_is_given_up() -> None:
    step = plan(view(session(text(age_ms=25 * HOUR_MS), state=NONE)))
    assert step == GiveUp(session(text(age_ms=25 * HOUR_MS)).entries[0], "too_old")


def test_an_old_text_in_an_open_chat_says_how_old_it_is() -> None:
    step = plan(view(session(text("hi", age_ms=25 * HOUR_MS))))
    assert isinstance(step, Say)
    assert step.messages == ("[Sent 25 h ago] hi",)


def test_a_doubtful_opt_out_goes_to_the_agent_with_a_flag() -> None:
    step = plan(view(session(text("stop by at 2 tomorrow"))))
    assert isinstance(step, Say)
    assert step.messages == (BRAND.texts.note_doubtful + "stop by at 2 tomorrow",)


def test_a_doubtful_opt_out_keeps_its_flag_when_it_comes_late() -> None:
    step = plan(view(session(text("no more texts", age_ms=25 * HOUR_MS))))
    assert isinstance(step, Say)
    assert step.messages == (f"[Sent 25 h ago] {BRAND.texts.note_doubtful}no more texts",)


def test_help_in_an_open_chat_is_answered_and_shown() -> None:
    step = plan(view(session(text("HELP"))))
    assert isinstance(step, Say)
    assert step.notice == "help"


def test_yes_from_somebody_who_never_left_is_an_answer() -> None:
    step = plan(view(session(text("YES")), plain=frozenset({"t1"})))
    assert isinstance(step, Say)


# --- an intent without its record -----------------------------------------------------------------


def doubtful(**keys: Any) -> Entry:
    return agent(stage=Stage.SENDING, tries=1, **{"intent_at_ms": NOW - 60 * S, **keys})


def test_a_send_in_doubt_waits_for_its_receipt() -> None:
    step = plan(view(session(doubtful())))
    assert isinstance(step, AwaitReceipt)
    assert step.until_ms == NOW + 10 * S


def test_a_receipt_settles_the_doubt() -> None:
    step = plan(view(session(doubtful(receipt="mid"))))
    assert isinstance(step, Conclude)
    assert (step.reason, step.tell_agent) == ("sent_by_receipt", "")


def test_without_a_receipt_in_time_the_agent_is_told() -> None:
    step = plan(view(session(doubtful(intent_at_ms=NOW - 121 * S))))
    assert isinstance(step, Conclude)
    assert (step.reason, step.tell_agent) == ("uncertain", BRAND.texts.note_uncertain)


def test_a_brand_may_send_again_up_to_three_times() -> None:
    brand = BRAND.model_copy(update={"in_doubt": "resend"})
    first = plan(view(session(doubtful(intent_at_ms=NOW - 121 * S)), brand))
    assert isinstance(first, SendText)
    assert (first.part, first.tries) == (0, 2)
    again = doubtful(intent_at_ms=NOW - 121 * S)
    assert isinstance(plan(view(session(replace(again, tries=4)), brand)), Conclude)


def test_after_a_part_that_went_out_comes_the_next() -> None:
    long = "word " * 700
    step = plan(view(session(doubtful(receipt="mid", body=long))))
    assert isinstance(step, SendText)
    assert (step.part, step.of) == (1, 3)


# --- caps: no loop, no flood ----------------------------------------------------------------------


def auto_marks(count: int, since_ms: int = 10 * S) -> dict[str, int]:
    return {"auto_from": NOW - since_ms, "auto_n": count}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"marks": auto_marks(2)}, SendText, id="third_of_the_hour"),
        pytest.param({"marks": auto_marks(3)}, Conclude, id="fourth_of_the_hour"),
        pytest.param({"marks": auto_marks(3, HOUR_MS)}, SendText, id="a_new_hour"),
        pytest.param({"marks": {"quick_n": 3}}, Conclude, id="a_machine_that_answers_at_once"),
        pytest.param({"customer_number": "72345"}, Conclude, id="a_short_code"),
    ],
)
def test_automatic_texts_are_capped(keys: dict[str, Any], expected: type) -> None:
    assert isinstance(plan(view(session(notice("help"), **keys))), expected)


def test_an_opt_out_is_confirmed_whatever_the_cap() -> None:
    step = plan(view(session(notice("opt_out_confirmed"), marks=auto_marks(9))))
    assert isinstance(step, SendText)
    assert step.passes_gate


def test_an_agents_message_is_not_capped() -> None:
    assert isinstance(plan(view(session(agent(), marks=auto_marks(9)))), SendText)


def test_the_end_of_a_chat_is_recorded_even_when_nothing_may_be_said() -> None:
    step = plan(view(session(end(), marks=auto_marks(3))))
    assert isinstance(step, Conclude)
    assert step.ended_gen == 7


def test_chat_starts_are_capped_per_number_and_refused_once() -> None:
    brand = BRAND.model_copy(update={"limits": Limits(chat_starts_per_number_per_hour=2)})
    marks = {"start_from": NOW - S, "start_n": 2}
    told = plan(view(session(text(), state=ENDED, marks=marks), brand))
    assert isinstance(told, Answer)
    assert told.notice == "refused"
    again = session(text(), state=ENDED, marks={**marks, **told.marks})
    assert isinstance(plan(view(again, brand)), Conclude)


def test_quick_answers_to_our_own_texts_are_counted() -> None:
    quick = session(text(age_ms=S), marks={"auto_at": NOW - 2 * S, "quick_n": 1})
    slow = session(text(age_ms=S), marks={"auto_at": NOW - 9 * S, "quick_n": 1})
    for found, expected in ((quick, 2), (slow, 0)):
        step = plan(view(found))
        assert isinstance(step, Say)
        assert step.marks["quick_n"] == expected


def test_a_flow_that_closes_every_chat_at_once_gets_no_third() -> None:
    found = session(text(), state=ENDED, marks={"quick_end_n": 2, "ended_at": NOW - S})
    step = plan(view(found))
    assert isinstance(step, GiveUp)
    assert step.reason == "chat_closed_at_once"


def test_an_idle_chat_that_we_closed_ends_with_its_own_words() -> None:
    step = plan(view(session(end(), marks={"closing_gen": 7})))
    assert isinstance(step, SendText)
    assert "quiet" in step.body
