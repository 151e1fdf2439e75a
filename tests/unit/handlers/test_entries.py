"""From events to journal entries: whose clock says when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workers.handlers.chat_relay.entries import CLOCK_ERROR_MS, agent_entry, text_entry
from workers.stores.protocols import ContactRef

SENT_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SENT_MS = int(SENT_AT.timestamp() * 1000)


def test_two_texts_keep_their_order_on_a_worker_whose_clock_is_behind() -> None:
    """Found by simulation, seed 23: cut down to the worker's own time, the second went first."""
    behind_ms = SENT_MS - 1_500
    first = text_entry("1", "first", SENT_AT, SENT_MS)
    second = text_entry("2", "second", SENT_AT + timedelta(milliseconds=300), behind_ms)
    assert (first.time_ms, second.time_ms) == (SENT_MS, SENT_MS + 300)


def test_an_agents_message_keeps_its_time_on_a_worker_whose_clock_is_behind() -> None:
    entry = agent_entry(ContactRef("sid", 1), "m", SENT_AT, SENT_MS - 1_500, body="hello")
    assert entry.time_ms == SENT_MS


def test_a_time_far_ahead_is_not_believed() -> None:
    """Else one event of a broken producer would hold its lane until then."""
    entry = text_entry("1", "from the future", SENT_AT + timedelta(days=365), SENT_MS)
    assert entry.time_ms == SENT_MS + CLOCK_ERROR_MS
