"""How a step ends in the journal: done, given back, withdrawn, asked for."""

from __future__ import annotations

import pytest

from tests.unit.handlers.relay import KEY, Relay, only
from workers.handlers.chat_relay.entries import text_entry
from workers.handlers.chat_relay.recording import Recorder
from workers.stores.protocols import (
    Entry,
    Finish,
    Intent,
    Lane,
    LeaseLost,
    NewEntry,
    Session,
    Stage,
)


@pytest.fixture
def recorder(relay: Relay) -> Recorder:
    return Recorder(relay.worker.deps)


def text(relay: Relay, name: str) -> NewEntry:
    return text_entry(name, "hello", relay.clock.now(), relay.clock.now_ms())


def entry_of(session: Session, new: NewEntry) -> Entry:
    return next(e for e in session.entries if e.id == new.id)


async def stolen(relay: Relay, session: Session) -> None:
    """The lease ran out, and another worker took it."""
    now = relay.clock.now_ms() + relay.worker.deps.config.session_lease_ms + 3_000
    await relay.journal.acquire(
        session, only(session).id, nonce="thief", until_ms=now + 30_000, now_ms=now
    )


async def test_the_last_finish_gives_the_lease_back_in_the_same_write(
    relay: Relay, recorder: Recorder
) -> None:
    new = text(relay, "a")
    held = await relay.held(new)
    relay.faults.calls.clear()
    after = await recorder.finish(held, Finish(only(held)))
    assert relay.faults.calls == ["table.update"]
    assert (after.nonce, after.done, after.entries) == (None, (new.id,), ())


async def test_a_finish_with_more_to_do_keeps_the_lease_and_renews_it(
    relay: Relay, recorder: Recorder
) -> None:
    one, two = text(relay, "a"), text(relay, "b")
    held = await relay.held(one, two)
    await relay.sleep(10)
    after = await recorder.finish(held, Finish(entry_of(held, one)))
    assert (after.nonce, only(after).id) == ("me", two.id)
    assert after.lease_until_ms == relay.clock.now_ms() + relay.worker.deps.config.session_lease_ms


async def test_a_finish_that_finds_the_journal_grown_records_and_goes_on(
    relay: Relay, recorder: Recorder
) -> None:
    """Given back, the entry that just came would have nobody to work it but its own message."""
    one, two = text(relay, "a"), text(relay, "b")
    held = await relay.held(one)
    now = relay.clock.now_ms()
    await relay.journal.append(KEY, two, nonce="other", until_ms=now + 1, now_ms=now)
    after = await recorder.finish(held, Finish(entry_of(held, one)))
    assert (after.nonce, after.done, only(after).id) == ("me", (one.id,), two.id)


async def test_a_finish_under_a_lost_lease_is_refused(relay: Relay, recorder: Recorder) -> None:
    held = await relay.held(text(relay, "a"))
    await stolen(relay, held)
    with pytest.raises(LeaseLost):
        await recorder.finish(held, Finish(only(held)))
    assert (await relay.session()).done == ()


async def test_giving_back_closes_a_lane_until_a_time(relay: Relay, recorder: Recorder) -> None:
    held = await relay.held(text(relay, "a"))
    after = await recorder.give_back(held, Lane.IN, 99, {"busy_at": 7})
    assert (after.nonce, after.not_before_in_ms, after.not_before_out_ms) == (None, 99, 0)
    assert after.marks == {"busy_at": 7}
    assert len((await relay.session()).entries) == 1


async def test_giving_back_a_lost_lease_leaves_the_new_holder_alone(
    relay: Relay, recorder: Recorder
) -> None:
    held = await relay.held(text(relay, "a"))
    await stolen(relay, held)
    assert (await recorder.give_back(held)).nonce is None
    assert (await relay.session()).nonce == "thief"


async def test_a_withdrawn_send_leaves_its_entry_new_and_its_lane_waiting(
    relay: Relay, recorder: Recorder
) -> None:
    held = await relay.held(text(relay, "a"))
    now = relay.clock.now_ms()
    intent = Intent(only(held).id)
    held = await relay.journal.intend(held, intent, now_ms=now, until_ms=now + 30_000)
    assert only(held).stage is Stage.SENDING
    after = await recorder.withdraw(held, only(held), 2_000)
    assert (only(after).stage, after.nonce) == (Stage.NEW, None)
    assert after.not_before_in_ms == relay.clock.now_ms() + 2_000


async def test_withdrawing_under_a_lost_lease_leaves_the_new_holder_alone(
    relay: Relay, recorder: Recorder
) -> None:
    held = await relay.held(text(relay, "a"))
    await stolen(relay, held)
    assert (await recorder.withdraw(held, only(held), 2_000)).nonce is None
    assert (await relay.session()).nonce == "thief"


async def test_asking_twice_for_one_cause_is_asking_once(relay: Relay, recorder: Recorder) -> None:
    held = await relay.held(text(relay, "a"))
    for cause in ("one", "one", "two"):
        await recorder.ask(held, "help", cause)
    await recorder.ask(held, "busy", "one")
    ids = [notice.id for notice in relay.commands.notices]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
