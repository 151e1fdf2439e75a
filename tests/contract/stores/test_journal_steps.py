"""W3 to W11: what the holder writes, and how a worker that lost the session is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.contract.stores.script import LEASE_MS, Bench, entry_of
from workers.stores.journal import TableJournal
from workers.stores.protocols import (
    ChatState,
    ChatTokens,
    ContactRef,
    Finish,
    Grown,
    Intent,
    Lane,
    LeaseLost,
    Session,
    Stage,
    Verdict,
)
from workers.testing import FakeClock

TOKENS = ChatTokens(
    "participant-secret", "connection-secret", datetime(2026, 3, 3, tzinfo=UTC), "p"
)


async def intend(bench: Bench, held: Session, intent: Intent) -> Session:
    now = bench.clock.now_ms()
    return await bench.journal.intend(held, intent, now_ms=now, until_ms=now + LEASE_MS)


async def take_over(bench: Bench, entry_id: str, nonce: str = "successor") -> Session:
    bench.let_leases_run_out()
    look = await bench.append(entry_id, nonce)
    assert look.verdict is Verdict.HOLDING
    return look.session


# --- the chat -------------------------------------------------------------------------------------


async def test_claim_pins_a_generation_counted_from_the_time(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    claimed = await bench.claim(held, source="c-0")
    begun_s = bench.clock.now_ms() // 1000
    assert (claimed.state, claimed.gen) == (ChatState.STARTING, begun_s + 1)
    assert (claimed.source_contact_id, claimed.contact_id) == ("c-0", None)
    assert (await bench.journal.drop_source(claimed)).source_contact_id is None


async def test_claim_repeated_by_the_sdk_pins_no_second_generation(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    first = await bench.claim(held)
    second = await bench.claim(held)
    assert (second.state, second.gen) == (ChatState.STARTING, first.gen)


async def test_chat_opens_ends_and_the_next_one_has_the_next_generation(bench: Bench) -> None:
    opened = await bench.open("a1", "me")
    assert (opened.state, opened.contact_id) == (ChatState.OPEN, "c-1")
    ended = await bench.journal.chat_over(opened, gen=opened.gen)
    assert ended.state is ChatState.ENDED
    again = await bench.claim(ended)
    assert (again.state, again.gen) == (ChatState.STARTING, opened.gen + 1)


async def test_end_of_an_older_chat_does_not_close_the_newer(bench: Bench) -> None:
    opened = await bench.open("a1", "me")
    assert (await bench.journal.chat_over(opened, gen=opened.gen - 1)).state is ChatState.OPEN
    await bench.append(bench.new("x1", lane=Lane.OUT, gen=opened.gen - 1), "x")
    held = await bench.read()
    stale = Finish(entry_of(held, "x1"), ended_gen=opened.gen - 1, release=False)
    assert (await bench.finish(held, stale)).state is ChatState.OPEN


async def test_chat_ended_closes_its_chat_with_the_finish(bench: Bench) -> None:
    opened = await bench.open("a1", "me")
    await bench.append(bench.new("x1", lane=Lane.OUT, gen=opened.gen), "x")
    held = await bench.read()
    after = await bench.finish(held, Finish(entry_of(held, "x1"), ended_gen=held.gen))
    assert (after.state, after.nonce) == (ChatState.ENDED, None)


@pytest.mark.parametrize("step", ["claim", "open", "drop_source", "over", "intend", "fail"])
async def test_fenced_worker_is_refused(bench: Bench, step: str) -> None:
    held = await bench.hold("a1", "zombie")
    held = await bench.claim(held) if step in ("open", "drop_source") else held
    await take_over(bench, "a1")
    now = bench.clock.now_ms()
    calls = {
        "claim": lambda: bench.claim(held),
        "open": lambda: bench.journal.open_chat(held, contact_id="c-2", until_ms=now),
        "drop_source": lambda: bench.journal.drop_source(held),
        "over": lambda: bench.journal.chat_over(held, gen=held.gen),
        "intend": lambda: intend(bench, held, Intent("a1")),
        "fail": lambda: bench.journal.record_failure(held, entry_of(held, "a1"), not_before_ms=0),
    }
    before = await bench.read()
    with pytest.raises(LeaseLost) as lost:
        await calls[step]()
    assert lost.value.session is not None
    assert lost.value.session.nonce == "successor"
    assert await bench.read() == before


async def test_lease_is_renewed_and_nothing_else_changes(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    until_ms = held.lease_until_ms + 7_000
    assert await bench.journal.renew(held, until_ms=until_ms)
    assert await bench.read() == replace(held, lease_until_ms=until_ms)


async def test_lease_that_was_given_back_is_not_renewed(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    free = await bench.journal.release(held)
    assert not await bench.journal.renew(held, until_ms=held.lease_until_ms + 7_000)
    assert await bench.read() == free


async def test_fenced_worker_releases_withdraws_and_renews_nothing(bench: Bench) -> None:
    held = await intend(bench, await bench.hold("a1", "zombie"), Intent("a1"))
    before = await take_over(bench, "a1")
    assert not await bench.journal.renew(held, until_ms=held.lease_until_ms + 60_000)
    assert await bench.journal.release(held) is None
    assert await bench.journal.withdraw(held, "a1", lane=Lane.IN, not_before_ms=1) is None
    assert await bench.read() == before


async def test_fenced_finish_tells_whether_it_is_done_all_the_same(bench: Bench) -> None:
    held = await bench.hold("a1", "zombie")
    successor = await take_over(bench, "a1")
    with pytest.raises(LeaseLost) as open_still:
        await bench.finish(held, Finish(entry_of(held, "a1"), release=False))
    assert open_still.value.session is not None
    assert "a1" not in open_still.value.session.done
    await bench.append("a2", "x")
    held_on = await bench.finish(successor, Finish(entry_of(successor, "a1"), release=False))
    with pytest.raises(LeaseLost) as done:
        await bench.finish(held, Finish(entry_of(held, "a1")))
    assert done.value.session is not None
    assert "a1" in done.value.session.done
    assert held_on.nonce == "successor"


# --- texts out ------------------------------------------------------------------------------------


async def test_intent_is_refused_when_the_journal_grew(bench: Bench) -> None:
    held = await bench.hold(bench.new("o2", lane=Lane.OUT), "me")
    await bench.append(bench.new("o1", lane=Lane.OUT, ago_ms=100), "you")
    with pytest.raises(Grown) as grown:
        await intend(bench, held, Intent("o2"))
    assert [e.id for e in grown.value.session.entries] == ["o1", "o2"]
    after = await intend(bench, grown.value.session, Intent("o1"))
    entry = entry_of(after, "o1")
    assert (entry.stage, entry.part, entry.tries) == (Stage.SENDING, 0, 1)
    assert entry.intent_at_ms == bench.clock.now_ms()


async def test_marks_ride_on_the_intent(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    now = bench.clock.now_ms()
    after = await bench.journal.intend(
        held, Intent("a1"), now_ms=now, until_ms=now, marks={"auto_at": now}
    )
    assert after.marks == {"auto_at": now}
    await bench.journal.mark(bench.sid, {"la": 7})
    assert (await bench.read()).marks == {"auto_at": now, "la": 7}


async def test_marks_of_a_session_that_is_gone_make_no_item(bench: Bench) -> None:
    await bench.journal.mark(bench.sid, {"la": 7})
    assert await bench.journal.read(bench.sid, consistent=True) is None


async def test_withdrawn_first_part_is_new_again(bench: Bench) -> None:
    held = await intend(bench, await bench.hold("o1", "me"), Intent("o1"))
    after = await bench.journal.withdraw(held, "o1", lane=Lane.OUT, not_before_ms=99)
    assert after is not None
    assert (entry_of(after, "o1").stage, after.nonce) == (Stage.NEW, None)
    assert (after.not_before_out_ms, after.not_before_in_ms) == (99, 0)


async def test_withdrawn_later_part_keeps_the_truth_about_the_one_before(bench: Bench) -> None:
    held = await intend(bench, await bench.hold("o1", "me"), Intent("o1", part=0))
    held = await intend(bench, held, Intent("o1", part=1))
    after = await bench.journal.withdraw(held, "o1", lane=Lane.OUT, not_before_ms=99)
    assert after is not None
    entry = entry_of(after, "o1")
    assert (entry.stage, entry.part, entry.receipt is not None) == (Stage.SENDING, 0, True)


async def test_withdrawn_second_try_leaves_the_first_in_doubt(bench: Bench) -> None:
    held = await intend(bench, await bench.hold("o1", "me"), Intent("o1", tries=2))
    after = await bench.journal.withdraw(held, "o1", lane=Lane.OUT, not_before_ms=99)
    assert after is not None
    entry = entry_of(after, "o1")
    assert (entry.stage, entry.tries, entry.receipt, entry.intent_at_ms) == (
        Stage.SENDING,
        1,
        None,
        0,
    )


async def test_receipt_is_noted_only_for_the_part_in_doubt(bench: Bench) -> None:
    held = await intend(bench, await bench.hold("o1", "me"), Intent("o1", part=1))
    note = bench.journal.note_receipt
    assert not await note(bench.sid, "o1", 0, "m-0")
    assert await note(bench.sid, "o1", 1, "m-1")
    assert not await note(bench.sid, "o1", 1, "m-1")
    assert entry_of(await bench.read(), "o1").receipt == "m-1"
    following = await intend(bench, held, Intent("o1", part=2))
    assert entry_of(following, "o1").receipt is None


async def test_receipt_of_what_is_done_or_unknown_changes_nothing(bench: Bench) -> None:
    assert not await bench.journal.note_receipt(bench.sid, "o1", 0, "m")
    await bench.done("o1", "me")
    before = await bench.read()
    assert not await bench.journal.note_receipt(bench.sid, "o1", 0, "m")
    assert not await bench.journal.note_receipt(bench.sid, "other", 0, "m")
    assert await bench.read() == before


# --- done -----------------------------------------------------------------------------------------


async def test_finish_records_the_id_drops_the_body_and_releases(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    entry = entry_of(held, "a1")
    after = await bench.finish(held, Finish(entry, next_send_ms=5, marks={"la": 1}))
    assert (after.done, after.entries, after.pending, after.nonce) == (("a1",), (), 0, None)
    assert (after.next_send_ms, after.marks) == (5, {"la": 1})
    assert after.newest_in_ms == after.newest_done_ms == entry.time_ms
    assert after.newest_out_ms == 0


async def test_finish_repeated_by_the_sdk_is_done_once(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    finish = Finish(entry_of(held, "a1"))
    first = await bench.finish(held, finish)
    assert await bench.finish(held, finish) == first
    assert first.pending == 0


async def test_release_with_the_finish_is_refused_when_the_journal_grew(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    await bench.append("a2", "you")
    with pytest.raises(Grown) as grown:
        await bench.finish(held, Finish(entry_of(held, "a1")))
    seen = grown.value.session
    assert [e.id for e in seen.entries] == ["a1", "a2"]
    after = await bench.finish(seen, Finish(entry_of(seen, "a1"), release=False))
    assert ([e.id for e in after.entries], after.nonce) == (["a2"], "me")


async def test_finish_goes_on_with_the_next_intent_in_the_same_write(bench: Bench) -> None:
    await bench.append("o1", "me")
    held = (await bench.append("o2", "me")).session
    after = await bench.finish(held, Finish(entry_of(held, "o1"), then=Intent("o2")))
    assert (after.done, after.nonce) == (("o1",), "me")
    assert entry_of(after, "o2").stage is Stage.SENDING


async def test_release_closes_one_lane(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    after = await bench.journal.release(held, lane=Lane.IN, not_before_ms=77, marks={"busy": 1})
    assert after is not None
    assert (after.nonce, after.not_before_in_ms, after.not_before_out_ms) == (None, 77, 0)
    assert after.marks == {"busy": 1}


# --- beside the session ---------------------------------------------------------------------------


async def test_contact_is_known_to_every_worker(
    bench: Bench, journal: TableJournal, other_journal: TableJournal
) -> None:
    contact = f"contact-{bench.sid}"
    assert await journal.contact(contact) is None
    await journal.record_contact(contact, ContactRef(bench.sid, 4))
    assert await other_journal.contact(contact) == ContactRef(bench.sid, 4)
    assert await journal.contact(contact) == ContactRef(bench.sid, 4)


async def test_tokens_are_known_to_every_worker_and_the_newest_wins(
    bench: Bench, journal: TableJournal, other_journal: TableJournal
) -> None:
    assert await journal.tokens(bench.sid, 4) is None
    await journal.record_tokens(bench.sid, 4, TOKENS)
    assert await other_journal.tokens(bench.sid, 4) == TOKENS
    renewed = ChatTokens("participant-secret", "renewed", TOKENS.connection_expires_at, "p")
    await journal.record_tokens(bench.sid, 4, renewed)
    assert await journal.tokens(bench.sid, 4) == renewed
    assert await journal.tokens(bench.sid, 5) is None


async def test_chat_starts_are_capped_by_scope_and_minute(
    bench: Bench, journal: TableJournal, clock: FakeClock
) -> None:
    scope = f"brand-{bench.sid}"
    counted = [await journal.count_start(scope, now_ms=clock.now_ms(), limit=2) for _ in range(3)]
    assert counted == [True, True, False]
    assert await journal.count_start(f"{scope}-other", now_ms=clock.now_ms(), limit=2)
    clock.advance(60)
    assert await journal.count_start(scope, now_ms=clock.now_ms(), limit=2)
