"""Facts may come twice, late and in any order: what is written equals a plain recount of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workers.addresses import Channel
from workers.config import ObjectKind, PersonKey, ProfileRules
from workers.handlers.profile_updates.decide import MESSAGES_MAX, decide
from workers.handlers.profile_updates.facts import Change, OfferWord, PersonFact, Touch
from workers.handlers.profile_updates.objects import documents
from workers.stores.person_records import AddressWord, PathStep, PersonState, ReminderWord, Stage

NOW_MS = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
RULES = ProfileRules(domain="clinic")

times = st.integers(0, 200).map(lambda hours: NOW_MS - hours * HOUR_MS)
touches = st.builds(
    Touch,
    channel=st.sampled_from([Channel.EMAIL, Channel.SMS]),
    stage=st.sampled_from(list(Stage)),
    message_id=st.sampled_from(["m1", "m2", "m3"]),
    at_ms=times,
)
offers = st.builds(
    OfferWord,
    name=st.sampled_from(["Spring", "Summer"]),
    word=st.sampled_from(["offered", "viewed", "denied"]),
    at_ms=times,
)
steps = st.builds(
    PathStep,
    kind=st.sampled_from(["campaign", "journey"]),
    id=st.sampled_from(["a", "b"]),
    at_ms=times,
    activity=st.sampled_from(["", "first", "second"]),
    status=st.sampled_from(["", "SUCCESS"]),
)
addresses = st.builds(
    AddressWord,
    channel=st.just(Channel.EMAIL),
    address=st.sampled_from(["a@example.com", "b@example.com"]),
    revision=st.integers(1, 4),
    state=st.sampled_from(["ok", "invalid"]),
    since_ms=times,
)
reminders = st.builds(
    ReminderWord,
    id=st.sampled_from(["r1", "r2"]),
    at_ms=times,
    result=st.sampled_from(["busy", "confirmed"]),
)
facts = st.builds(
    PersonFact,
    keys=st.sampled_from([{PersonKey.EMAIL: "a@example.com"}, {PersonKey.PHONE: "+12065550100"}]),
    at_ms=times,
    changes=st.tuples(st.one_of(touches, offers, steps, addresses, reminders)),
)


def changes_of(given_facts: Sequence[PersonFact]) -> list[Change]:
    return [change for fact in given_facts for change in fact.changes]


@given(st.data(), st.lists(facts, min_size=1, max_size=14))
def test_order_and_duplicates_change_nothing(
    data: st.DataObject, given_facts: list[PersonFact]
) -> None:
    repeated = given_facts + data.draw(st.lists(st.sampled_from(given_facts), max_size=6))
    shuffled = data.draw(st.permutations(repeated))
    assert decide(PersonState(), shuffled) == decide(PersonState(), given_facts)


@given(st.lists(facts, max_size=14))
def test_counts_are_those_of_a_plain_recount(given_facts: list[PersonFact]) -> None:
    reached: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    last: dict[str, int] = {}
    for change in changes_of(given_facts):
        if isinstance(change, Touch):
            reached[change.channel, change.stage].add(change.message_id)
            last[change.channel] = max(last.get(change.channel, 0), change.at_ms)
    written = documents(decide(PersonState(), given_facts), RULES, NOW_MS)[ObjectKind.ENGAGEMENT]
    assert set(written) == set(last)
    for channel, document in written.items():
        for stage in Stage:
            counted = reached[channel, stage]
            if stage is Stage.REPLIED:  # Others are a conversation's.
                counted = counted & reached[channel, Stage.SENT]
            assert document[stage] == len(counted)
        assert document["last_at"] == iso(last[channel])


@given(st.lists(facts, max_size=14))
def test_an_offer_is_what_its_newest_word_says(given_facts: list[PersonFact]) -> None:
    words: defaultdict[str, list[OfferWord]] = defaultdict(list)
    for change in changes_of(given_facts):
        if isinstance(change, OfferWord):
            words[change.name].append(change)
    written = documents(decide(PersonState(), given_facts), RULES, NOW_MS)[ObjectKind.OFFERS]
    shown = {offer["name"]: offer.get("viewed") for offer in written.get("all", [])}
    assert shown == {name: recounted(said) for name, said in words.items()}


def recounted(said: Sequence[OfferWord]) -> str | None:
    """Viewed if it was since it was last offered and denied; denied; or its window is over."""
    newest: dict[str, int] = {}
    for word in said:
        newest[word.word] = max(newest.get(word.word, 0), word.at_ms)
    offered, denied = newest.get("offered", 0), newest.get("denied", 0)
    if newest.get("viewed", 0) >= max(offered, denied, 1):
        return "true"
    if denied >= max(offered, 1):
        return "false"
    return "false" if offered and offered + RULES.offer_window_h * HOUR_MS <= NOW_MS else None


@given(st.lists(facts, max_size=14))
def test_of_each_path_the_newest_step_is_written(given_facts: list[PersonFact]) -> None:
    newest: dict[tuple[str, str], int] = {}
    for change in changes_of(given_facts):
        if isinstance(change, PathStep):
            path = (change.kind, change.id)
            newest[path] = max(newest.get(path, 0), change.at_ms)
    written: Any = documents(decide(PersonState(), given_facts), RULES, NOW_MS)[ObjectKind.PATHS]
    shown = {(step["kind"], step["id"]): step["at"] for step in written.get("all", [])}
    assert shown == {path: iso(at_ms) for path, at_ms in newest.items()}


def test_more_messages_than_are_kept_still_are_counted_and_none_of_them_twice() -> None:
    sent = [opened(n) for n in range(MESSAGES_MAX + 30)]
    state = decide(PersonState(), sent)
    again = decide(state, sent[:30])
    written = documents(again, RULES, NOW_MS)[ObjectKind.ENGAGEMENT]["email"]
    assert written["opened"] == MESSAGES_MAX + 30
    assert len(again.channels[Channel.EMAIL].messages) == MESSAGES_MAX


def test_a_score_halves_with_each_half_life() -> None:
    half_life_ms = RULES.half_life_days * 24 * HOUR_MS
    old = fact_of(Touch(Channel.EMAIL, Stage.CLICKED, "m1", NOW_MS - 2 * half_life_ms))
    new = fact_of(Touch(Channel.EMAIL, Stage.OPENED, "m2", NOW_MS))
    written = documents(decide(PersonState(), [old, new]), RULES, NOW_MS)[ObjectKind.ENGAGEMENT]
    assert written["email"]["score"] == 1.75  # 3 / 4 + 1


def opened(n: int) -> PersonFact:
    return fact_of(Touch(Channel.EMAIL, Stage.OPENED, f"m{n}", NOW_MS - (500 - n) * HOUR_MS))


def fact_of(change: Change) -> PersonFact:
    return PersonFact({PersonKey.EMAIL: "a@example.com"}, NOW_MS, (change,))


def iso(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
