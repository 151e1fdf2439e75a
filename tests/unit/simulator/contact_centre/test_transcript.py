from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contact_centre.items import ChatItem
from simulator.contact_centre.transcript import BadPageRequestError, PageRequest, read_page
from simulator.ledger import iso
from tests.unit.simulator.contact_centre.factories import a_chat, say


def items(count: int) -> list[ChatItem]:
    chat = a_chat()
    return [say(chat, str(place)) for place in range(count)]


def ids(found: list[ChatItem]) -> str:
    return "".join(item.id for item in found)


def page(count: int, **asked: Any) -> str:
    return ids(read_page(items(count), PageRequest(bearer="b", **asked)).items)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # Without a position: backward from the end, newest first.
        pytest.param({}, "987", id="default"),
        pytest.param({"is_ascending": True}, "789", id="order_only_turns_the_page"),
        pytest.param({"position": {}, "is_ascending": True}, "789", id="empty_position_is_none"),
        pytest.param({"direction": "FORWARD"}, "210", id="forward_starts_at_the_oldest"),
        # With a position: forward from it, the item itself first.
        pytest.param({"position": {"Id": "4"}}, "654", id="by_id_forward"),
        pytest.param(
            {"position": {"Id": "4"}, "direction": "BACKWARD"}, "432", id="by_id_backward"
        ),
        pytest.param({"position": {"MostRecent": 2}}, "98", id="most_recent"),
        pytest.param({"position": {"MostRecent": 99}}, "210", id="more_than_there_are"),
        pytest.param({"max_results": 0}, "9876543210", id="zero_means_the_default_of_ten"),
    ],
)
def test_which_items_are_on_a_page(asked: dict[str, Any], expected: str) -> None:
    assert page(10, **{"max_results": 3} | asked) == expected


def test_position_by_time_takes_the_item_of_that_moment_either_way() -> None:
    found = items(10)
    position = {"AbsoluteTime": iso(found[4].at)}
    forward = read_page(found, PageRequest("b", 3, position=position, is_ascending=True))
    backward = read_page(found, PageRequest("b", 3, "BACKWARD", position=position))
    assert (ids(forward.items), ids(backward.items)) == ("456", "432")


@given(count=st.integers(0, 40), size=st.integers(1, 15), forward=st.booleans())
def test_pages_together_are_the_whole_transcript(count: int, size: int, forward: bool) -> None:
    found, token, seen = items(count), None, []
    while token != "":
        request = PageRequest("b", size, "FORWARD" if forward else "BACKWARD", next_token=token)
        one = read_page(found, request)
        seen += sorted(one.items, key=lambda item: item.at, reverse=not forward)
        token = one.next_token
    assert seen == (found if forward else found[::-1])


def test_items_that_come_meanwhile_shift_no_page() -> None:
    chat = a_chat()
    found = [say(chat, str(place)) for place in range(6)]
    first = read_page(found, PageRequest("b", 3))
    found.append(say(chat, "new"))
    second = read_page(found, PageRequest("b", 3, next_token=first.next_token))
    assert ids(first.items) + ids(second.items) == "543210"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"position": {"Id": "none"}}, id="unknown_item"),
        pytest.param({"position": {"Id": "1", "MostRecent": 3}}, id="two_positions"),
        pytest.param({"position": {"AbsoluteTime": "soon"}}, id="no_time"),
        pytest.param({"position": {"AbsoluteTime": "2026-11-20T12:00:00"}}, id="no_zone"),
        pytest.param({"next_token": "made-up"}, id="foreign_token"),
    ],
)
def test_bad_positions_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(BadPageRequestError):
        page(3, **asked)


def test_page_token_dies_with_its_connection() -> None:
    found = items(6)
    token = read_page(found, PageRequest("old", 3)).next_token
    with pytest.raises(BadPageRequestError):
        read_page(found, PageRequest("new", 3, next_token=token))
