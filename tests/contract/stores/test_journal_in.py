"""W1, W2, W12, W13: how events get into the journal, once, and who then holds the session."""

from __future__ import annotations

import pytest

from tests.contract.stores.script import LEASE_MS, Bench, entry_of
from workers.errors import PermanentError
from workers.stores.protocols import Finish, Intent, Lane, NewEntry, Stage, Verdict
from workers.stores.steps import ENTRIES_MAX, PAGE_SIZE, RING_MAX


async def test_first_event_makes_the_session_and_holds_it(bench: Bench) -> None:
    look = await bench.append(bench.new("a1", body="hello 🙂"), "me")
    session = look.session
    assert look.verdict is Verdict.HOLDING
    assert (session.customer_number, session.our_number) == (
        bench.key.customer_number,
        bench.key.our_number,
    )
    assert (session.nonce, session.appends, session.pending) == ("me", 1, 1)
    assert session.lease_until_ms == bench.clock.now_ms() + LEASE_MS
    assert entry_of(session, "a1").payload == {"body": "hello 🙂"}
    assert not look.late


async def test_second_event_is_in_the_journal_though_the_lease_is_taken(bench: Bench) -> None:
    await bench.append("a1", "me")
    look = await bench.append("a2", "you")
    assert look.verdict is Verdict.TAKEN
    assert [e.id for e in look.session.entries] == ["a1", "a2"]
    assert (look.session.nonce, look.session.appends) == ("me", 2)


async def test_entries_are_ordered_by_event_time_then_id(bench: Bench) -> None:
    for new in (bench.new("b"), bench.new("z", ago_ms=5), bench.new("a")):
        await bench.append(new, "me")
    assert [e.id for e in (await bench.read()).entries] == ["z", "a", "b"]


async def test_done_event_is_not_appended_again(bench: Bench) -> None:
    await bench.done("a1", "me")
    look = await bench.append("a1", "you")
    assert (look.verdict, look.session.nonce, look.session.entries) == (Verdict.DONE, None, ())


async def test_own_write_repeated_by_the_sdk_is_still_ours(bench: Bench) -> None:
    await bench.append("a1", "me")
    look = await bench.append("a1", "me")
    assert (look.verdict, look.session.appends) == (Verdict.HOLDING, 1)


async def test_pending_event_that_comes_back_takes_a_free_lease(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    await bench.journal.release(held)
    look = await bench.append("a1", "you")
    assert (look.verdict, look.session.nonce) == (Verdict.HOLDING, "you")
    assert entry_of(look.session, "a1").takeovers == 0  # nobody vanished


async def test_pending_event_that_comes_back_waits_for_a_living_lease(bench: Bench) -> None:
    await bench.append("a1", "me")
    look = await bench.append("a1", "you")
    assert (look.verdict, look.session.nonce, look.session.appends) == (Verdict.TAKEN, "me", 1)


async def test_expired_lease_is_taken_over_and_counted(bench: Bench) -> None:
    await bench.append("a1", "me")
    bench.let_leases_run_out()
    look = await bench.append("a1", "you")
    assert (look.verdict, look.session.nonce) == (Verdict.HOLDING, "you")
    assert entry_of(look.session, "a1").takeovers == 1


async def test_lease_is_not_taken_within_the_clock_skew(bench: Bench) -> None:
    await bench.append("a1", "me")
    bench.clock.advance(LEASE_MS / 1000 + 1)
    assert (await bench.append("a1", "you")).verdict is Verdict.TAKEN


async def test_new_event_takes_over_and_counts_on_the_entry_that_was_worked(bench: Bench) -> None:
    await bench.append("a1", "me")
    bench.let_leases_run_out()
    look = await bench.append("a2", "you")
    assert look.verdict is Verdict.HOLDING
    takeovers = [entry_of(look.session, name).takeovers for name in ("a1", "a2")]
    assert takeovers == [1, 0]


async def test_takeover_counts_on_the_out_lane_unless_it_is_closed(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    await bench.append(bench.new("o1", lane=Lane.OUT), "x")
    bench.let_leases_run_out()
    second = (await bench.append("a1", "you")).session
    assert entry_of(second, "o1").takeovers == 1
    later = bench.clock.now_ms() + 10 * LEASE_MS
    await bench.journal.release(second, lane=Lane.OUT, not_before_ms=later)
    third = (await bench.append("a1", "third")).session
    assert third.nonce == "third"
    bench.let_leases_run_out()
    fourth = (await bench.append("o1", "fourth")).session
    assert entry_of(fourth, "a1").takeovers == 1
    assert held.sid == fourth.sid


async def test_acquire_works_from_a_look_older_than_the_entry(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    released = await bench.journal.release(held)
    assert released is not None
    late_look = await bench.append("a2", "x")
    await bench.journal.release(late_look.session)
    look = await bench.acquire(released, "a2", "you")
    assert (look.verdict, look.session.nonce) == (Verdict.HOLDING, "you")


async def test_acquire_of_what_is_neither_pending_nor_done_is_gone(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    released = await bench.journal.release(held)
    assert released is not None
    assert (await bench.acquire(released, "nobody", "you")).verdict is Verdict.GONE


async def test_two_who_see_one_expired_lease_do_not_both_get_it(bench: Bench) -> None:
    await bench.append("a1", "dead")
    bench.let_leases_run_out()
    seen = await bench.read()
    first = await bench.acquire(seen, "a1", "me")
    second = await bench.acquire(seen, "a1", "you")
    assert (first.verdict, second.verdict) == (Verdict.HOLDING, Verdict.TAKEN)
    assert second.session.nonce == "me"


async def test_event_for_a_session_that_never_was_is_gone(bench: Bench) -> None:
    now = bench.clock.now_ms()
    look = await bench.journal.append_known(
        bench.sid, bench.new("n1", lane=Lane.OUT), nonce="me", until_ms=now + 1, now_ms=now
    )
    assert (look.verdict, look.session.sid) == (Verdict.GONE, bench.sid)
    assert await bench.journal.read(bench.sid, consistent=True) is None


async def test_event_that_names_its_session_joins_it(bench: Bench) -> None:
    await bench.done("a1", "me")
    now = bench.clock.now_ms()
    look = await bench.journal.append_known(
        bench.sid, bench.new("n1", lane=Lane.OUT), nonce="me2", until_ms=now + 1, now_ms=now
    )
    assert look.verdict is Verdict.HOLDING
    assert look.session.customer_number == bench.key.customer_number


async def test_journal_takes_no_more_than_its_cap(bench: Bench) -> None:
    for index in range(ENTRIES_MAX):
        assert (await bench.append(f"e{index}", "me")).verdict is not Verdict.FULL
    look = await bench.append("one-more".replace("-", ""), "you")
    assert (look.verdict, look.session.pending) == (Verdict.FULL, ENTRIES_MAX)


async def test_journal_takes_no_more_bytes_than_its_cap_and_frees_them(bench: Bench) -> None:
    held = await bench.hold(bench.new("b1", body="x" * 40_000), "me")
    await bench.append(bench.new("b2", body="x" * 40_000), "you")
    assert (await bench.append("b3", "you")).verdict is Verdict.FULL
    await bench.finish(held, Finish(entry_of(held, "b1"), release=False))
    assert (await bench.append("b3", "you")).verdict is Verdict.TAKEN


async def test_entry_too_big_for_any_item_is_refused_for_good(bench: Bench) -> None:
    with pytest.raises(PermanentError, match="entry_too_big"):
        await bench.append(bench.new("b1", body="x" * 200_000), "me")


async def test_event_after_a_later_one_is_done_goes_in_and_counts_as_late(bench: Bench) -> None:
    await bench.done("a2", "me")
    late = await bench.append(bench.new("a1", ago_ms=800), "you")
    other_lane = await bench.append(bench.new("o1", lane=Lane.OUT, ago_ms=900), "x")
    assert (late.verdict, late.late, other_lane.late) == (Verdict.HOLDING, True, False)


async def test_lone_surrogates_survive_the_journal(bench: Bench) -> None:
    session = await bench.hold(bench.new("a1", body="\ud83d and \x00"), "me")
    assert entry_of(session, "a1").payload == {"body": "\ud83d and \x00"}


async def test_empty_payload_is_stored_and_read(bench: Bench) -> None:
    now = bench.clock.now_ms()
    session = await bench.hold(NewEntry("x1", Lane.OUT, "end", now, gen=3), "me")
    assert (entry_of(session, "x1").payload, entry_of(session, "x1").gen) == ({}, 3)


# --- dead entries: W11, W12 -----------------------------------------------------------------------


async def test_failure_is_counted_and_closes_its_lane(bench: Bench) -> None:
    held = await bench.hold("a1", "me")
    until = bench.clock.now_ms() + 2_000
    after = await bench.journal.record_failure(held, entry_of(held, "a1"), not_before_ms=until)
    entry = entry_of(after, "a1")
    assert (entry.failures, entry.stage, after.nonce) == (1, Stage.NEW, None)
    assert (after.not_before_in_ms, after.not_before_out_ms) == (until, 0)


async def test_dead_entry_loses_its_body_and_is_buried_by_its_own_message(bench: Bench) -> None:
    held = await bench.hold(bench.new("a1", body="a secret"), "me")
    entry = entry_of(held, "a1")
    dead = await bench.journal.record_failure(held, entry, not_before_ms=0, dead_reason="poison")
    assert (entry_of(dead, "a1").stage, entry_of(dead, "a1").reason) == (Stage.DEAD, "poison")
    assert entry_of(dead, "a1").payload == {}
    look = await bench.append("a1", "you")
    assert look.verdict is Verdict.DEAD
    await bench.journal.bury(bench.sid, "a1", entry.time_ms)
    await bench.journal.bury(bench.sid, "a1", entry.time_ms)
    session = await bench.read()
    assert (session.done, session.pending, session.entries) == (("a1",), 0, ())
    assert session.newest_done_ms == entry.time_ms
    assert (await bench.append("a1", "you")).verdict is Verdict.DONE


async def test_living_entry_is_not_buried(bench: Bench) -> None:
    await bench.append("a1", "me")
    await bench.journal.bury(bench.sid, "a1", 0)
    assert [e.id for e in (await bench.read()).entries] == ["a1"]


async def test_burial_beside_a_finish_never_lowers_the_newest_time(bench: Bench) -> None:
    """Else a page would claim to know all ids up to a time that is too early."""
    now = bench.clock.now_ms()
    held = await bench.hold(bench.new("a1", ago_ms=50), "me")
    await bench.append(bench.new("a2"), "x")
    second = await bench.read()
    dead = await bench.journal.record_failure(
        second, entry_of(second, "a2"), not_before_ms=0, dead_reason="poison"
    )
    held = (await bench.acquire(dead, "a1", "me2")).session
    await bench.journal.bury(bench.sid, "a2", now)
    after = await bench.finish(held, Finish(entry_of(held, "a1")))
    assert (after.newest_done_ms, set(after.done)) == (now, {"a1", "a2"})


# --- the ring and its pages: W13 ------------------------------------------------------------------


async def fill_ring(bench: Bench, count: int) -> None:
    for index in range(count):
        bench.clock.advance(0.001)
        await bench.done(f"r{index:03d}", f"n{index}")


async def test_long_ring_moves_its_oldest_ids_to_a_page(bench: Bench) -> None:
    await fill_ring(bench, RING_MAX)
    full = await bench.read()
    assert (len(full.done), full.paged_until_ms) == (RING_MAX, 0)
    after = await bench.done("last", "me")
    assert after.done == (*[f"r{i:03d}" for i in range(PAGE_SIZE, RING_MAX)], "last")
    assert after.paged_until_ms == full.newest_done_ms


async def test_paged_id_is_still_known_as_done(bench: Bench) -> None:
    await fill_ring(bench, RING_MAX + 1)
    ago_ms = RING_MAX + 1
    look = await bench.append(bench.new("r003", ago_ms=ago_ms), "me")
    assert look.verdict is Verdict.DONE
    released = await bench.read()
    assert (await bench.acquire(released, "r003", "me")).verdict is Verdict.DONE


async def test_late_event_older_than_the_pages_is_appended(bench: Bench) -> None:
    await fill_ring(bench, RING_MAX + 1)
    look = await bench.append(bench.new("unheard", ago_ms=5_000), "me")
    assert (look.verdict, look.late) == (Verdict.HOLDING, True)


async def test_growth_during_paging_is_noticed_by_the_finish(bench: Bench) -> None:
    await fill_ring(bench, RING_MAX)
    held = await bench.hold("a1", "me")
    await bench.append("a2", "you")
    after = await bench.finish(held, Finish(entry_of(held, "a1"), release=False))
    assert [e.id for e in after.entries] == ["a2"]
    assert len(after.done) == RING_MAX - PAGE_SIZE + 1


async def test_intent_survives_a_page(bench: Bench) -> None:
    await fill_ring(bench, RING_MAX)
    held = await bench.hold(bench.new("o1", lane=Lane.OUT), "me")
    now = bench.clock.now_ms()
    held = await bench.journal.intend(held, Intent("o1"), now_ms=now, until_ms=now + LEASE_MS)
    after = await bench.finish(held, Finish(entry_of(held, "o1")))
    assert (after.done[-1], after.entries, after.nonce) == ("o1", (), None)
