from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contact_centre.sockets import (
    Socket,
    Sockets,
    answer_frame,
    item_frame,
    read_frame,
    subscribes,
)
from tests.unit.simulator.contact_centre.factories import a_chat, say

SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'


class Heard:
    """A socket's sending half that keeps what was sent, or is closing."""

    def __init__(self, *, is_closing: bool = False) -> None:
        self.texts: list[str] = []
        self._is_closing = is_closing

    async def send_str(self, data: str) -> None:
        if self._is_closing:
            raise ConnectionResetError
        self.texts.append(data)

    async def close(self, *, code: int) -> None:
        self.texts.append(f"closed {code}")


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(
            SUBSCRIBE,
            {"topic": "aws/subscribe", "content": {"status": "success", "topics": ["aws/chat"]}},
            id="subscribe",
        ),
        pytest.param(
            SUBSCRIBE + ")",
            {"topic": "aws/subscribe", "content": {"status": "success", "topics": ["aws/chat"]}},
            id="the_ios_sdks_stray_bracket",
        ),
        pytest.param(
            '{"topic":"aws/subscribe","content":{"topics":["aws/else"]}}',
            {"topic": "aws/subscribe", "content": {"status": "failure", "topics": ["aws/else"]}},
            id="unknown_topic_to_subscribe",
        ),
        pytest.param(
            '{"topic":"aws/subscribe"}',
            {"topic": "aws/subscribe", "content": {"status": "failure", "topics": []}},
            id="nothing_to_subscribe",
        ),
        pytest.param('{"topic":"aws/heartbeat"}', {"topic": "aws/heartbeat"}, id="heartbeat"),
        pytest.param(
            '{"topic":"aws/ping"}',
            {"topic": "aws/ping", "statusCode": 200, "statusContent": "OK"},
            id="ping",
        ),
        pytest.param(
            '{"topic":"aws/none"}',
            {"message": "Forbidden", "connectionId": "s", "requestId": "r"},
            id="unknown_route",
        ),
        pytest.param(
            "no json",
            {"message": "Forbidden", "connectionId": "s", "requestId": "r"},
            id="no_json",
        ),
    ],
)
def test_answers_to_frames(sent: str, answered: dict[str, Any]) -> None:
    assert answer_frame(read_frame(sent), "s", "r") == answered


@given(st.text() | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_a_frame_or_none(text: str) -> None:
    frame = read_frame(text)
    assert answer_frame(frame, "s", "r")
    assert not subscribes(frame)


def test_content_of_an_items_frame_is_a_string_of_json() -> None:
    item = say(a_chat(), "m", "na\u00efve \U0001f600")
    frame = item_frame(item)
    assert frame["topic"] == "aws/chat"
    assert json.loads(frame["content"]) == item.as_wire()


async def test_every_subscribed_socket_of_the_participant_hears_and_a_closing_one_harms_none() -> (
    None
):
    sockets, first, second, silent = Sockets(), Heard(), Heard(), Heard()
    for name, owner, sink, is_subscribed in (
        ("0", "p", Heard(is_closing=True), True),
        ("1", "p", first, True),
        ("2", "p", second, True),
        ("3", "p", silent, False),
        ("4", "other", silent, True),
    ):
        sockets.add(Socket(name, owner, sink, is_subscribed))
    await sockets.send("p", say(a_chat(), "m"))
    assert len(first.texts) == len(second.texts) == 1
    assert silent.texts == []
    assert sockets.count("p") == 4


async def test_cutting_closes_the_sockets_of_one_participant_as_going_away() -> None:
    sockets, cut, kept = Sockets(), Heard(), Heard()
    sockets.add(Socket("1", "p", cut))
    sockets.add(Socket("2", "other", kept))
    assert await sockets.cut("p") == 1
    assert (cut.texts, kept.texts) == (["closed 1001"], [])
