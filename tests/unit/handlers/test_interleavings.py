"""Whatever the interleaving: every text once and in order, one chat at a time, nothing lost.

`RELAY_SEEDS=500` plays that many seeds of each kind, `RELAY_SEEDS=17:18` the seventeenth alone: a
seed plays the same every time.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.handlers.interleaving import Chances, Conversation, Fleet, play
from workers.handlers.chat_relay.entries import entry_id

UNCERTAIN = "[Delivery of your last message could not be confirmed]"
HOLD_MS = 500
SEEDS_IN_CI = "3"

KINDS: dict[str, tuple[Chances, dict[str, Any]]] = {
    "calm": (Chances(kills=0, refused=0, answer_lost=0, stalled=0), {}),
    "killed": (Chances(), {}),
    "killed_and_sent_again": (Chances(kills=8), {"in_doubt": "resend"}),
    "receipts_lost": (Chances(kills=8, receipt_lost=0.5), {}),
    "receipts_lost_and_sent_again": (
        Chances(kills=8, receipt_lost=0.5),
        {"in_doubt": "resend"},
    ),
}


def seeds() -> range:
    first, _, last = os.environ.get("RELAY_SEEDS", SEEDS_IN_CI).rpartition(":")
    return range(int(first or 0), int(last))


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_once_and_in_order(kind: str, seed: int) -> None:
    chances, brand = KINDS[kind]
    fleet, talk = play(seed, chances, **brand)
    assert fleet.dead_letters == []
    assert_one_chat_at_a_time(talk)
    assert_the_agent_read_everything_once(fleet, talk)
    assert_the_customer_got_everything_once(fleet, talk)
    if kind == "calm":
        assert not any(UNCERTAIN in chat.said for chat in talk.chats)
        assert fleet.world.meter.effects["agent_concluded", "uncertain"] == 0


def test_a_seed_plays_the_same_again() -> None:
    chances = Chances(kills=8)
    first, _ = play(3, chances)
    second, _ = play(3, chances)
    assert first.trace == second.trace
    assert len(first.trace) > 200
    assert sum("killed" in line for line in first.trace) >= 4


# --- what must hold ------------------------------------------------------------------------------


def assert_one_chat_at_a_time(talk: Conversation) -> None:
    """Each of the two ended before the next began: their texts tell."""
    assert len(talk.chats) == 2
    assert all(chat.is_ended for chat in talk.chats)


def assert_the_agent_read_everything_once(fleet: Fleet, talk: Conversation) -> None:
    read = [text for chat in talk.chats for text in chat.said if not text.startswith("[")]
    assert sorted(read) == sorted(body for _, _, body in talk.said)
    of_body = {body: (at, entry_id("text", event_id)) for at, event_id, body in talk.said}
    assert_in_order(fleet, [of_body[body] for body in read])


def assert_the_customer_got_everything_once(fleet: Fleet, talk: Conversation) -> None:
    """Each part once. One that is missing was told to the agent as uncertain.

    Twice only where the brand sends again and the carrier lost the receipt.
    """
    sent = [
        tuple(sent.text.context["sb"].split("."))
        for sent in fleet.world.carrier.sent
        if sent.text.destination_number == talk.number and "m" in sent.text.context
    ]
    times = Counter((entry, int(part)) for _, entry, part in sent)
    for _, message_id, body in talk.written:
        entry = entry_id("chat", message_id)
        for part in range(2 if "word" in body else 1):
            copies = times.pop((entry, part), 0)
            if copies == 0:
                assert was_told(fleet, entry), (message_id, part)
            if copies > 1:
                assert fleet.brand.in_doubt == "resend"
                assert any(f".{entry}.{part}" in lost for lost in fleet.lost_receipts)
    assert not times
    firsts = list(dict.fromkeys(entry for _, entry, _ in sent))
    at_ms = {entry_id("chat", message_id): at for at, message_id, _ in talk.written}
    assert_in_order(fleet, [(at_ms[entry], entry) for entry in firsts])


def was_told(fleet: Fleet, entry: str) -> bool:
    """Whether the agent read that this one is uncertain."""
    return any(token.endswith(f".{entry}.note") for token in fleet.world.centre.accepted("say"))


def assert_in_order(fleet: Fleet, relayed: Sequence[tuple[int, str]]) -> None:
    """An earlier event comes later only if it was journalled when the later one might go."""
    entered, journalled = fleet.entered_ms, fleet.journalled_at_ms
    for position, (at_ms, entry) in enumerate(relayed):
        for later_ms, later in relayed[:position]:
            if at_ms < later_ms:
                behind_ms = journalled[entry] - entered[later]
                assert behind_ms >= HOLD_MS, (entry, at_ms, later_ms, behind_ms)
