"""Sending a text when nobody knows whether it went out, or everybody that it did not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from tests.fakes.carrier import Sent
from tests.fakes.wire import Faults
from tests.unit.handlers.relay import Relay, brand_with, only, written
from workers.errors import (
    AccountProblem,
    InDoubt,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TransientError,
)
from workers.runtime.outcome import Done, Wait
from workers.stores.expressions import Item, Set, Update
from workers.stores.protocols import Stage
from workers.stores.tables import Key

T = TypeVar("T")
LONG = "word " * 400  # Two texts.
TIMEOUT = InDoubt("SendTextMessage", "timeout")
UNCERTAIN = "[Delivery of your last message could not be confirmed]"
RESEND = brand_with(in_doubt="resend")


async def resend_chat() -> Relay:
    relay = Relay(RESEND)
    await relay.text("first")
    return relay


# --- in doubt -------------------------------------------------------------------------------------


@pytest.mark.parametrize("went_out", [True, False])
async def test_a_send_without_an_answer_is_not_repeated_and_the_agent_is_told(
    chatting: Relay, went_out: bool
) -> None:
    if went_out:
        chatting.faults.lose_answer("texting.send", TIMEOUT)
    else:
        chatting.faults.refuse("texting.send", TIMEOUT)
    message = written(chatting)
    assert isinstance(await chatting.streamed(message), Wait)
    assert only(await chatting.session()).stage is Stage.SENDING
    for _ in range(14):
        await chatting.sleep(9)
        await chatting.streamed(message)
    assert await chatting.streamed(message) == Done()
    assert len(chatting.carrier.sent) == int(went_out)
    assert chatting.centre.only_chat.said[1:] == [UNCERTAIN]
    assert chatting.meter.effects["agent_concluded", "uncertain"] == 1


async def test_a_receipt_is_waited_for_before_a_doubt_is_given_up(chatting: Relay) -> None:
    chatting.faults.refuse("texting.send", TIMEOUT)
    message = written(chatting)
    await chatting.streamed(message)
    await chatting.sleep(chatting.brand.receipt_wait_s - 2)
    assert isinstance(await chatting.streamed(message), Wait)
    assert chatting.centre.only_chat.said == ["first"]


async def test_a_brand_may_send_again_three_times_and_no_more() -> None:
    relay = await resend_chat()
    relay.faults.refuse("texting.send", *[TIMEOUT] * 5)
    message = written(relay)
    for _ in range(70):
        await relay.streamed(message)
        await relay.sleep(9)
    assert relay.carrier.sent == []
    assert relay.faults.calls.count("texting.send") == 4
    assert relay.centre.only_chat.said[1:] == [UNCERTAIN]


async def test_what_is_sent_again_is_out_once_when_the_first_was_not() -> None:
    relay = await resend_chat()
    relay.faults.refuse("texting.send", TIMEOUT)
    message = written(relay)
    for _ in range(20):
        await relay.streamed(message)
        await relay.sleep(9)
    assert relay.carrier.bodies == ["Good day"]
    assert relay.centre.only_chat.said == ["first"]


async def test_a_doubtful_part_is_told_of_and_the_next_part_still_goes(chatting: Relay) -> None:
    chatting.faults.refuse("texting.send", TIMEOUT)
    message = written(chatting, LONG)
    for _ in range(20):
        await chatting.streamed(message)
        await chatting.sleep(9)
    assert [sent.text.context["sb"][-2:] for sent in chatting.carrier.sent] == [".1"]
    assert chatting.centre.only_chat.said[1:] == [UNCERTAIN]


async def test_the_lane_behind_a_doubt_waits(chatting: Relay) -> None:
    chatting.faults.refuse("texting.send", TIMEOUT)
    await chatting.streamed(written(chatting, "one"))
    await chatting.sleep(15)
    assert isinstance(await chatting.streamed(written(chatting, "two")), Wait)
    assert chatting.carrier.sent == []


async def test_the_customers_lane_does_not_wait_for_a_doubt(chatting: Relay) -> None:
    chatting.faults.refuse("texting.send", TIMEOUT)
    await chatting.streamed(written(chatting, "one"))
    assert await chatting.text("second") == Done()
    assert chatting.centre.only_chat.said == ["first", "second"]


# --- surely not sent ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "result", "least_s"),
    [
        pytest.param(Throttled("throttled"), "throttled", 1, id="throttled"),
        pytest.param(Throttled("throttled", after_s=9), "throttled", 9, id="throttled_and_told"),
        pytest.param(QuotaFull("monthly_spend_limit"), "spend_limit", 60, id="month_spent"),
        pytest.param(TransientError("connect_timeout"), "not_sent", 2, id="no_connection"),
        pytest.param(AccountProblem("access_denied"), "account_problem", 60, id="for_a_person"),
    ],
)
async def test_a_send_that_surely_did_not_happen_is_nobodys_doubt(
    chatting: Relay, error: SwitchboardError, result: str, least_s: float
) -> None:
    chatting.faults.refuse("texting.send", error)
    message = written(chatting)
    outcome = await chatting.streamed(message)
    assert isinstance(outcome, Wait)
    session = await chatting.session()
    assert (only(session).stage, only(session).failures) == (Stage.NEW, 0)
    wait_s = (session.not_before_out_ms - chatting.clock.now_ms()) / 1000
    assert wait_s == pytest.approx(least_s, abs=0.01)
    assert chatting.meter.effects["sms", result] == 1
    await chatting.sleep(least_s + 1)
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.bodies == ["Good day"]
    assert chatting.centre.only_chat.said == ["first"]


async def test_a_throttled_table_leaves_no_intent_of_a_text_that_was_not_sent(
    chatting: Relay,
) -> None:
    """Found by simulation, seed 1611: it was waited on for its receipt, and then given up."""

    async def the_table_is_busy() -> None:
        chatting.faults.refuse("table.update", *(Throttled("dynamodb_throttled") for _ in range(3)))

    chatting.faults.meanwhile("texting.send", the_table_is_busy)
    chatting.faults.refuse("texting.send", Throttled("throttled"))
    message = written(chatting)
    assert isinstance(await chatting.streamed(message), Wait)
    assert only(await chatting.session()).stage is Stage.NEW
    await chatting.sleep(2)
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.bodies == ["Good day"]


async def test_a_throttled_table_learns_all_the_same_that_a_text_went_out() -> None:
    """Found by simulation, seed 1730: its receipt was lost too, and it was sent again."""
    relay = Relay(brand_with(in_doubt="resend", receipt_wait_s=25))
    await relay.text("first")

    async def the_table_is_busy() -> None:
        relay.faults.refuse("table.update", *(Throttled("dynamodb_throttled") for _ in range(4)))

    relay.faults.meanwhile("texting.send", the_table_is_busy)
    message = written(relay)
    assert await relay.streamed(message) == Done()
    await relay.sleep(60)
    assert await relay.streamed(message) == Done()
    assert relay.carrier.bodies == ["Good day"]


async def test_a_spent_month_pauses_and_then_everything_goes_out_in_order(chatting: Relay) -> None:
    chatting.carrier.is_spent = True
    one = written(chatting, "one")
    await chatting.sleep(1)
    two = written(chatting, "two")
    for _ in range(5):
        assert isinstance(await chatting.streamed(one), Wait)
        assert isinstance(await chatting.streamed(two), Wait)
        await chatting.sleep(61)
    chatting.carrier.is_spent = False
    await chatting.sleep(61)
    await chatting.streamed(two)
    assert await chatting.streamed(one) == Done()
    assert chatting.carrier.bodies == ["one", "two"]


async def test_our_own_rate_limit_writes_no_intent(chatting: Relay) -> None:
    chatting.faults.refuse("texting.admit", Throttled("own_rate_limit", after_s=2))
    await chatting.streamed(written(chatting))
    entry = only(await chatting.session())
    assert (entry.stage, entry.intent_at_ms) == (Stage.NEW, 0)


async def test_a_refused_later_part_leaves_the_earlier_one_known_to_be_out(
    chatting: Relay,
) -> None:
    def throttle(sent: Sent) -> None:
        chatting.faults.refuse("texting.send", Throttled("throttled"))

    async def the_next_is_throttled() -> None:
        # Planned while the first part is accepted; so it meets the second.
        chatting.carrier.receipt = throttle

    chatting.faults.meanwhile("texting.send", the_next_is_throttled)
    message = written(chatting, LONG)
    assert isinstance(await chatting.streamed(message), Wait)
    chatting.carrier.receipt = None
    await chatting.sleep(10)
    assert await chatting.streamed(message) == Done()
    parts = [sent.text.context["sb"].rsplit(".", 1)[1] for sent in chatting.carrier.sent]
    assert parts == ["0", "1"]
    assert chatting.centre.only_chat.said == ["first"]


@pytest.mark.parametrize(("pause_s", "goes_out"), [(4.9, True), (5.1, False)])
async def test_a_worker_paused_after_its_intent_does_not_send_any_more(
    chatting: Relay, pause_s: float, goes_out: bool
) -> None:
    """Rule 1: from the intent to the socket at most 5 s, or others may have concluded on it."""
    write = chatting.world.sessions.update

    async def slow(key: Key, update: Update) -> Item:
        item = await write(key, update)
        if "sending_at" not in paused and any(
            isinstance(action, Set) and action.path[-1] == "ia" for action in update.actions
        ):
            paused["sending_at"] = chatting.clock.monotonic()
            await chatting.sleep(pause_s)
        return item

    paused: dict[str, float] = {}
    chatting.world.sessions.update = slow  # type: ignore[method-assign] # a store that is slow
    message = written(chatting)
    outcome = await chatting.streamed(message)
    assert paused
    assert (outcome == Done()) is goes_out
    assert len(chatting.carrier.sent) == int(goes_out)
    if not goes_out:
        assert only(await chatting.session()).stage is Stage.NEW  # Surely not sent: no doubt.
        await chatting.sleep(5)
        assert await chatting.streamed(message) == Done()
    assert chatting.carrier.bodies == ["Good day"]


# --- the lease ------------------------------------------------------------------------------------


async def test_a_sender_whose_lease_was_taken_still_tells_the_truth(chatting: Relay) -> None:
    """W9, late truth: the text went out, the record is another's, and knows it."""
    message = written(chatting)
    other = chatting.world.worker("b", Faults())

    async def paused_for_long() -> None:
        await chatting.stand_still(35)
        assert isinstance(await other.stream.handle(message, chatting.world.delivery()), Wait)

    chatting.faults.meanwhile("texting.send", paused_for_long)
    assert isinstance(await chatting.streamed(message), Wait)
    assert only(await chatting.session()).receipt == "text-1"
    await chatting.sleep(15)
    assert await other.stream.handle(message, chatting.world.delivery()) == Done()
    assert chatting.carrier.bodies == ["Good day"]
    assert chatting.centre.only_chat.said == ["first"]


async def test_the_late_truth_is_about_the_part_that_went_out(chatting: Relay) -> None:
    message = written(chatting, LONG)
    other = chatting.world.worker("b", Faults())

    async def paused_for_long() -> None:
        await chatting.stand_still(35)
        await other.stream.handle(message, chatting.world.delivery())

    def the_first_is_out(sent: Sent) -> None:
        chatting.carrier.receipt = None
        chatting.faults.meanwhile("texting.send", paused_for_long)

    chatting.carrier.receipt = the_first_is_out
    await chatting.streamed(message)
    entry = only(await chatting.session())
    assert (entry.part, entry.receipt) == (1, "text-2")
    await chatting.sleep(15)
    assert await other.stream.handle(message, chatting.world.delivery()) == Done()
    assert len(chatting.carrier.sent) == 2


async def test_an_intent_under_a_lost_lease_sends_nothing(chatting: Relay) -> None:
    message = written(chatting)
    other = chatting.world.worker("b", Faults())

    async def paused_for_long() -> None:
        await chatting.stand_still(35)
        await other.stream.handle(message, chatting.world.delivery())

    chatting.faults.meanwhile("texting.admit", paused_for_long)
    assert await chatting.streamed(message) == Done()  # For the other has sent it.
    assert chatting.carrier.bodies == ["Good day"]


# --- the intent's own answer ----------------------------------------------------------------------


class RepeatsAnUpdate(Faults):
    """Once: the SDK, left without an answer, writes again what was written, and more besides."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.is_armed = False
        self._meanwhile = meanwhile

    async def carry(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        """Carry it, twice when armed."""
        answer_of_the_first = await super().carry(call, accept)
        if not self.is_armed or call != "table.update":
            return answer_of_the_first
        self.is_armed = False
        await self._meanwhile()
        return await accept()


async def test_a_text_whose_intent_got_no_answer_is_in_nobodys_doubt(chatting: Relay) -> None:
    """Found by simulation, seed 1032: it was waited for, and given up unsent."""
    message = written(chatting)

    async def the_intents_answer_is_lost() -> None:
        chatting.faults.lose_answer("table.update", TransientError("connection_cut"))

    chatting.faults.meanwhile("texting.admit", the_intents_answer_is_lost)
    assert isinstance(await chatting.streamed(message), Wait)
    assert chatting.carrier.sent == []
    assert only(await chatting.session()).stage is Stage.NEW
    await chatting.sleep(3)
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.bodies == ["Good day"]


async def test_an_intent_that_was_not_written_leaves_no_lease_behind(chatting: Relay) -> None:
    message = written(chatting)

    async def the_table_is_away() -> None:
        chatting.faults.refuse("table.update", TransientError("connection_cut"))

    chatting.faults.meanwhile("texting.admit", the_table_is_away)
    assert isinstance(await chatting.streamed(message), Wait)
    session = await chatting.session()
    assert (session.nonce, only(session).stage) == (None, Stage.NEW)


async def test_our_own_intent_found_by_its_repetition_is_in_nobodys_doubt(chatting: Relay) -> None:
    """Found by simulation, seed 1032: the repetition is refused, for the journal has grown."""
    first = written(chatting, "one")
    await chatting.sleep(0.01)
    second = written(chatting, "two")
    other = chatting.world.worker("b", Faults())

    async def another_is_entered() -> None:
        await other.stream.handle(second, chatting.world.delivery())

    wire = RepeatsAnUpdate(another_is_entered)
    worker = chatting.world.worker("c", wire)

    async def the_next_write_is_repeated() -> None:
        wire.is_armed = True

    wire.meanwhile("texting.admit", the_next_write_is_repeated)
    assert isinstance(await worker.stream.handle(first, chatting.world.delivery()), Wait)
    assert chatting.carrier.sent == []
    assert {entry.stage for entry in (await chatting.session()).entries} == {Stage.NEW}
    await chatting.sleep(1)
    assert await chatting.streamed(first) == Done()
    assert await chatting.streamed(second) == Done()
    assert chatting.carrier.bodies == ["one", "two"]
