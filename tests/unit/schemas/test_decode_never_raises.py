"""Decoding gives results and nothing else, for whatever comes."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded, Notice, Result, Undecodable
from schemas.event_class import EventClass
from tests import events

ALL = {name: events.load(name) for name in events.names()}
WORDS = sorted(
    {
        key
        for document in ALL.values()
        if isinstance(document, dict)
        for key in (*document, *document.get("detail", {}))
    }
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["TEXT_DELIVERED", "Bounce", "_SMS.SUCCESS", "aws.ses", "Notification", "{}"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=20,
)


def sound(results: tuple[Result, ...]) -> None:
    assert results
    for result in results:
        match result:
            case Decoded():
                assert result.event_class in EventClass
                assert result.event_type != ""
                assert all(result.keys)
                assert result.time is None or result.time.tzname() == "UTC"
            case Notice() | Undecodable():
                assert result.reason
                assert result.reason.replace("_", "").isalnum()


@given(DOCUMENTS)
def test_any_document_gives_results(document: object) -> None:
    sound(decode_document(document))


@given(st.text() | DOCUMENTS.map(json.dumps), st.dictionaries(st.text(), st.text(), max_size=3))
def test_any_body_gives_results(body: str, attributes: dict[str, str]) -> None:
    sound(decode_body(body, attributes))


@given(st.sampled_from(sorted(ALL)), st.data())
def test_a_real_event_with_one_thing_replaced_gives_results(name: str, data: st.DataObject) -> None:
    document = json.loads(json.dumps(ALL[name]))
    places = list(_places(document))
    if not places:
        return
    parent, key = data.draw(st.sampled_from(places))
    parent[key] = data.draw(DOCUMENTS)
    sound(decode_document(document))


def _places(document: Any) -> Any:
    children = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in list(children):
        yield document, key
        yield from _places(value)


def test_bodies_of_real_events_with_bytes_changed_give_results() -> None:
    chance = random.Random(20261120)  # noqa: S311 - a fixed seed, not a secret
    bodies = [json.dumps(document) for document in ALL.values()]
    spice = ["{", "}", "[", "]", '"', "\\", ":", ",", "\x00", "\\ud800", "é", "1e999", "null", "-"]
    for _ in range(3000):
        body = chance.choice(bodies)
        for _ in range(chance.randint(1, 4)):
            at, length = chance.randrange(len(body)), chance.choice([0, 1, 1, 8, 200])
            body = body[:at] + chance.choice([*spice, ""]) + body[at + length :]
        sound(decode_body(body))
