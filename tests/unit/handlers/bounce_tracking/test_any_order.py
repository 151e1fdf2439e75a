"""Facts may come twice, by two ways, late and in any order: the record is the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from workers.addresses import Channel
from workers.brands import MessageClass
from workers.config import BounceRules
from workers.handlers.bounce_tracking.decide import decide
from workers.handlers.bounce_tracking.facts import Fact
from workers.handlers.bounce_tracking.standing import standing
from workers.stores.address_records import RANK, AddressRecord, Kind

NOW_MS = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
RULES = BounceRules()

facts = st.builds(
    Fact,
    channel=st.just(Channel.SMS),
    address=st.just("+12065550100"),
    message_id=st.sampled_from(["m1", "m2", "m3", "m4", "m5"]),
    kind=st.sampled_from(list(Kind)),
    at_ms=st.integers(0, 30).map(lambda days: NOW_MS - days * DAY_MS),
    words=st.sampled_from(["", "A", "B"]),
    message_class=st.sampled_from([None, *MessageClass]),
    scope=st.sampled_from([None, "List"]),
)


def taken_in(order: Sequence[Fact]) -> AddressRecord | None:
    record: AddressRecord | None = None
    for fact in order:
        decision = decide(record, fact, RULES, now_ms=NOW_MS)
        if decision.record is not None:
            record = replace(decision.record, revision=0)
    return record


@given(st.data(), st.lists(facts, min_size=1, max_size=12))
def test_order_and_duplicates_change_nothing(data: st.DataObject, given_facts: list[Fact]) -> None:
    repeated = given_facts + data.draw(st.lists(st.sampled_from(given_facts), max_size=6))
    shuffled = data.draw(st.permutations(repeated))
    assert taken_in(shuffled) == taken_in(given_facts)


@given(st.lists(facts, min_size=1, max_size=12))
def test_no_message_ever_falls_back_to_a_lesser_word(given_facts: list[Fact]) -> None:
    record: AddressRecord | None = None
    ranks: dict[str, int] = {}
    for fact in given_facts:
        decision = decide(record, fact, RULES, now_ms=NOW_MS)
        record = decision.record or record
        for evidence in record.evidence if record else ():
            assert RANK[evidence.kind] >= ranks.get(evidence.id, -1)
            ranks[evidence.id] = RANK[evidence.kind]


@given(st.lists(facts, max_size=12))
def test_each_message_counts_once_for_each_of_its_two_matters(given_facts: list[Fact]) -> None:
    record = taken_in(given_facts)
    assert sum(record.counts.values() if record else ()) == len(record.evidence if record else ())


@given(st.lists(facts, max_size=12), st.sampled_from(list(MessageClass)))
def test_a_later_rule_judges_the_same_evidence(
    given_facts: list[Fact], message_class: MessageClass
) -> None:
    """A record holds no verdict: stricter rules never let through what milder ones hold back."""
    record = taken_in(given_facts)
    strict = RULES.model_copy(update={"soft_count": 1})
    if standing(record, RULES, NOW_MS).against(message_class, "List"):
        assert standing(record, strict, NOW_MS).against(message_class, "List")
