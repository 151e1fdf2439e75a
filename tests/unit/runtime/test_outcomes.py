"""What becomes of a message on its queue, for each outcome, through a whole consumer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.runtime.fleet import done, running
from workers.errors import Fenced, PermanentError, TransientError
from workers.metrics import ACKNOWLEDGE_FAILURES, ATTEMPTS, DEAD_LETTERS
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Job
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Outcome, Retry, Wait
from workers.testing import START


async def test_a_done_message_is_deleted() -> None:
    async with running() as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert fleet.outcomes(outcome="done") == 1
        assert len(fleet.dlq) == 0


async def test_a_done_message_that_comes_again_is_deleted_again() -> None:
    copies: list[str] = []

    def once(message_id: str) -> bool:
        copies.append(message_id)
        return len(copies) == 1

    def knob(queue: MemoryQueue) -> None:
        queue.knobs.deliver_twice = once

    async with running(before_start=knob) as fleet:
        fleet.queue.put("hello")
        await fleet.clock.sleep(1)
        assert fleet.outcomes(outcome="done") == 2
        assert len(fleet.queue) == 0


async def test_a_discarded_message_is_counted_by_its_reason_and_deleted() -> None:
    async with running(plan=lambda _: Discard("unknown_type")) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert fleet.outcomes(outcome="discarded", reason="unknown_type") == 1


async def test_a_retry_is_hidden_for_its_own_time_and_handled_again() -> None:
    seen: list[float] = []

    async def handle(delivery: Delivery) -> Outcome:
        seen.append(asyncio.get_running_loop().time())
        return Done() if len(seen) == 2 else Retry("not_yet", after_s=40)

    async with running(handle) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert seen[1] - seen[0] == pytest.approx(40, abs=0.1)
        assert fleet.metrics.total(ATTEMPTS) == 1


async def test_after_the_last_attempt_it_is_dead_lettered_with_its_reason() -> None:
    tries: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        tries.append(delivery.message_id)
        raise TransientError("connection_reset")

    async with running(handle, attempts=3) as fleet:
        fleet.queue.put("hello", {"kept": "as it was"})
        await fleet.until_empty()
        assert len(tries) == 3
        [copy] = fleet.dlq.messages
        assert copy.body == "hello"
        values = {name: attribute.value for name, attribute in copy.attributes.items()}
        assert values["reason"] == "connection_reset"
        assert values["error_type"] == "TransientError"
        assert values["source_queue"] == "work"
        assert values["receive_count"] == "3"
        assert values["event_id"] == "event-hello"
        assert values["kept"] == "as it was"
        assert fleet.outcomes(outcome="retried") == 2
        assert fleet.outcomes(outcome="dead_lettered", reason="connection_reset") == 1


async def test_a_wait_holds_no_slot() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        return Wait("taken", after_s=600) if delivery.body == "waits" else Done()

    async with running(handle, slots=1) as fleet:
        waiting = fleet.queue.put("waits")
        fleet.queue.put("goes")
        await fleet.clock.sleep(2)
        assert [message.body for message in fleet.queue.messages] == ["waits"]
        assert fleet.queue.hidden_s(waiting) > 500


async def test_without_schedules_a_deferred_message_is_hidden_again_and_again() -> None:
    until = START + timedelta(hours=13)
    left_h: list[float] = []

    async def handle(delivery: Delivery) -> Outcome:
        now = fleet.clock.now()
        left_h.append((until - now).total_seconds() / 3600)
        return Defer(until, "quiet_hours") if now < until else Done()

    async with running(handle) as fleet:
        fleet.queue.put("later")
        await fleet.clock.sleep(13 * 3600 + 10)
        assert len(fleet.queue) == 0
    assert left_h == pytest.approx([13, 1, 0], abs=0.001)


async def test_a_bug_is_tried_again_and_then_dead_lettered_with_type_and_place() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        raise KeyError("+14255550100")

    async with running(handle, attempts=2) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        [copy] = fleet.dlq.messages
        values = {name: str(attribute.value) for name, attribute in copy.attributes.items()}
        assert values["reason"] == "bug"
        assert values["error_type"] == "KeyError"
        assert "test_outcomes:handle:" in values["place"]
        assert "4255550100" not in str(values)


async def test_a_dispatcher_that_raises_is_a_bug_and_polling_goes_on() -> None:
    def plan(delivery: Delivery) -> Job:
        if delivery.body == "bad":
            raise ValueError("x")
        return Job(None, "test_event", "TEST", "e", done)

    async with running(plan=plan, attempts=2) as fleet:
        fleet.queue.put("bad")
        fleet.queue.put("good")
        await fleet.until_empty()
        assert [copy.body for copy in fleet.dlq.messages] == ["bad"]
        assert fleet.outcomes(outcome="done") == 1


async def test_a_cancellation_that_nobody_asked_for_is_a_bug_and_frees_its_lane() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        if delivery.body == "bad":
            raise asyncio.CancelledError
        return Done()

    async with running(handle, attempts=1) as fleet:
        fleet.queue.put("bad", {"key": "k"})
        fleet.queue.put("good", {"key": "k"})
        await fleet.until_empty()
        assert [copy.body for copy in fleet.dlq.messages] == ["bad"]


async def test_a_permanent_error_is_dead_lettered_at_once() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        raise PermanentError("bad_number")

    async with running(handle) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert fleet.metrics.total(DEAD_LETTERS, reason="bad_number") == 1
        assert fleet.metrics.total(ATTEMPTS) == 0


async def test_a_fenced_message_is_not_acknowledged() -> None:
    calls = 0

    async def handle(delivery: Delivery) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Fenced("taken over")
        return Done()

    async with running(handle) as fleet:
        message_id = fleet.queue.put("hello")
        await fleet.clock.sleep(1)
        assert fleet.outcomes(outcome="abandoned", reason="fenced") == 1
        assert fleet.queue.calls["change_visibility"] == 0
        assert fleet.queue.hidden_s(message_id) == pytest.approx(29, abs=0.5)
        await fleet.until_empty()
        assert calls == 2


async def test_what_is_too_old_is_dead_lettered_unhandled() -> None:
    handled: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        handled.append(delivery.body)
        return Wait("not_its_turn", after_s=50)

    async with running(handle, max_age_s=120, dead_letters_in_a_row=1) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert len(handled) == 3  # at 0, 50 and 100 s
        assert fleet.metrics.total(DEAD_LETTERS, reason="too_old") == 1
        assert await fleet.shared.breaker.find_pause("work") is None, "age is no bad deploy"


async def test_the_copy_is_sent_before_the_delete_and_what_belongs_between_runs_between() -> None:
    order: list[str] = []

    async def note(call: str) -> None:
        order.append(call)

    async def between() -> None:
        order.append("between")

    async with running(plan=lambda _: DeadLetter("bad", before_delete=between)) as fleet:
        fleet.dlq.knobs.before = note
        fleet.queue.knobs.before = note
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert [call for call in order if call != "receive"] == ["send", "between", "delete"]


async def test_when_the_copy_fails_the_message_stays_and_comes_again() -> None:
    sends = 0

    async def fail_first(call: str) -> None:
        nonlocal sends
        sends += 1
        if sends == 1:
            raise TransientError("sqs_failed")

    async with running(plan=lambda _: DeadLetter("bad")) as fleet:
        fleet.dlq.knobs.before = fail_first
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert len(fleet.dlq) == 1
        assert fleet.outcomes(outcome="waited", reason="dead_letter_failed") == 1


async def test_a_copy_that_sqs_refuses_in_a_200_answer_is_no_copy() -> None:
    refusals = 0

    def refuse_once(call: str, subject: str) -> str | None:
        nonlocal refusals
        refusals += 1
        return "InternalError" if refusals == 1 else None

    async with running(plan=lambda _: DeadLetter("bad")) as fleet:
        fleet.dlq.knobs.refuse = refuse_once
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert len(fleet.dlq) == 1
        assert fleet.outcomes(outcome="waited", reason="dead_letter_failed") == 1


async def test_when_the_attempt_cannot_be_counted_the_message_waits() -> None:
    class Broken:
        async def count_failure(self, *_: object, **__: object) -> int:
            raise TransientError("store_down")

        async def record_dead_letter(self, *_: object, **__: object) -> None: ...

    async def handle(delivery: Delivery) -> Outcome:
        return Done() if delivery.receive_count == 4 else Retry("not_yet")

    async with running(handle, failures=Broken(), attempts=1) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert fleet.outcomes(outcome="waited", reason="attempt_not_counted") == 3
        assert len(fleet.dlq) == 0


async def test_too_many_dead_letters_in_a_row_pause_the_queue_and_lose_nothing() -> None:
    healed = False

    def plan(_: Delivery) -> Job | DeadLetter:
        return Job(None, "test_event", "TEST", "e", done) if healed else DeadLetter("bad_deploy")

    def fill(queue: MemoryQueue) -> None:
        for number in range(100):
            queue.put(str(number))

    async with running(plan=plan, before_start=fill, dead_letters_in_a_row=5) as fleet:
        await fleet.clock.sleep(600)
        assert len(fleet.dlq) == 5
        assert len(fleet.queue) == 95
        assert fleet.consumer.pulse.describe()["state"] == "paused"
        assert fleet.consumer.pulse.describe()["by"] == "breaker"
        assert fleet.consumer.pulse.is_alive
        polls = fleet.queue.calls["receive"]
        await fleet.clock.sleep(600)
        assert fleet.queue.calls["receive"] == polls, "polled while paused"
        healed = True
        await fleet.shared.breaker.resume("work")
        await fleet.until_empty()
        assert len(fleet.dlq) == 5


async def test_a_success_between_ends_a_run_of_dead_letters() -> None:
    def plan(delivery: Delivery) -> Job | DeadLetter:
        good = int(delivery.body) % 3 == 0
        return Job(None, "test_event", "TEST", "e", done) if good else DeadLetter("bad_input")

    async with running(plan=plan, dead_letters_in_a_row=3) as fleet:
        for number in range(60):
            fleet.queue.put(str(number))
            await fleet.clock.sleep(0.1)
        await fleet.until_empty()
        assert len(fleet.dlq) == 40


async def test_a_delete_that_sqs_refuses_is_tried_again() -> None:
    refused: list[str] = []

    def refuse_twice(call: str, message_id: str) -> str | None:
        if call == "delete" and len(refused) < 2:
            refused.append(message_id)
            return "InternalError"
        return None

    async with running() as fleet:
        fleet.queue.knobs.refuse = refuse_twice
        fleet.queue.put("hello")
        await fleet.clock.sleep(5)
        assert len(fleet.queue) == 0
        assert fleet.outcomes() == 1, "deleted by another try, not by another delivery"


async def test_a_delete_refused_for_good_is_counted_and_given_up() -> None:
    async with running() as fleet:
        fleet.queue.knobs.refuse = lambda call, _: "InternalError" if call == "delete" else None
        fleet.queue.put("hello")
        await fleet.clock.sleep(20)
        assert fleet.queue.calls["delete"] == 4
        assert fleet.metrics.total(ACKNOWLEDGE_FAILURES, call="delete", code="InternalError") == 1


async def test_the_last_delete_of_a_burst_waits_for_no_other() -> None:
    """The first one's delete lingers for more to come; with the last one gone there is no more."""
    ended_at: list[float] = []
    deleted_at: list[float] = []

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(float(delivery.body))
        ended_at.append(fleet.clock.monotonic())
        return Done()

    async def note(call: str) -> None:
        if call == "delete":
            deleted_at.append(fleet.clock.monotonic())

    async with running(handle) as fleet:
        fleet.queue.knobs.before = note
        fleet.queue.put("1.000")
        fleet.queue.put("1.005")
        await fleet.until_empty()
    assert len(deleted_at) == 1
    assert deleted_at[0] - ended_at[-1] < 0.002
