"""What the soak's report says of ledgers that are not as they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.judge import Line, Said, Way
from demo.queues import Buried
from demo.soak.memory import slope
from demo.soak.report import Inputs, compare

LINE = Line("+12065550191", "+12062000001")
CHAT = "chat-1"
SAID = [
    Said(LINE, Way.TO_AGENT, "t1-1 hello", at="1"),
    Said(LINE, Way.TO_AGENT, "t1-2 again", at="2"),
    Said(LINE, Way.TO_CUSTOMER, "a1-1 yes", at="3"),
]
BAD = "no json at all"


def start() -> dict[str, Any]:
    attributes = {
        "sb_our_number": LINE.our_number,
        "sb_customer_number": LINE.customer_number,
    }
    return request("StartChatContact", {"Attributes": attributes}, ContactId=CHAT)


def in_chat(content: str) -> dict[str, Any]:
    return item(role="CUSTOMER", type="MESSAGE", content=content, receipt=None)


def receipt(message_id: str) -> dict[str, Any]:
    said = {"MessageId": message_id}
    return item(role=None, type="MESSAGEMETADATA", content=None, receipt=said)


def text(body: str) -> dict[str, Any]:
    numbers = {
        "OriginationIdentity": LINE.our_number,
        "DestinationPhoneNumber": LINE.customer_number,
    }
    return request("SendTextMessage", {**numbers, "MessageBody": body})


def request(name: str, params: dict[str, Any], **result: str) -> dict[str, Any]:
    return {"kind": "request", "name": name, "at": "1", "params": params, "result": result}


def item(**params: Any) -> dict[str, Any]:
    params |= {"id": "i1", "initial_contact_id": CHAT, "at": "1"}
    return {"kind": "fact", "name": "chat_item", "at": "1", "params": params, "result": {}}


FIRST, SECOND, REPLY, RECEIPT = (
    in_chat("t1-1 hello"),
    in_chat("t1-2 again"),
    text("a1-1 yes"),
    receipt("m1"),
)
LETTER = Buried("inbound-sms", BAD, "undecodable_not_json")


@pytest.mark.parametrize(
    ("entries", "buried", "finding"),
    [
        pytest.param([FIRST, SECOND, REPLY, RECEIPT], [LETTER], {}, id="all_well"),
        pytest.param([FIRST, REPLY, RECEIPT], [LETTER], {"lost": 1}, id="a_text_is_missing"),
        pytest.param(
            [FIRST, SECOND, SECOND, REPLY, RECEIPT], [LETTER], {"twice": 1}, id="a_text_came_twice"
        ),
        pytest.param(
            [SECOND, FIRST, REPLY, RECEIPT], [LETTER], {"out_of_order": 1}, id="overtaken"
        ),
        pytest.param([FIRST, SECOND, REPLY], [LETTER], {"lost": 1}, id="no_receipt"),
        pytest.param(
            [FIRST, SECOND, REPLY, RECEIPT, RECEIPT], [LETTER], {"twice": 1}, id="two_receipts"
        ),
        pytest.param(
            [FIRST, SECOND, REPLY, RECEIPT], [], {"lost": 1, "dead_lettered": 0}, id="not_buried"
        ),
        pytest.param(
            [FIRST, SECOND, REPLY, RECEIPT],
            [Buried("inbound-sms", BAD, "")],
            {"lost": 1, "dead_lettered": 0},
            id="buried_without_a_reason",
        ),
        pytest.param(
            [FIRST, SECOND, REPLY, RECEIPT],
            [LETTER, Buried("inbound-sms", "a good text", "bug")],
            {"others": 1},
            id="a_good_one_buried",
        ),
        pytest.param(
            [FIRST, SECOND, REPLY, RECEIPT, start() | {"result": {"ContactId": "chat-2"}}],
            [LETTER],
            {"others": 1},
            id="two_chats",
        ),
        pytest.param(
            [FIRST, SECOND, REPLY, RECEIPT, in_chat("who said that")],
            [LETTER],
            {"others": 1},
            id="what_nobody_said",
        ),
    ],
)
def test_a_ledger_is_compared_with_what_was_said(
    entries: list[dict[str, Any]],
    buried: list[Buried],
    finding: dict[str, int],
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text("".join(json.dumps(entry) + "\n" for entry in [start(), *entries]))
    inputs = Inputs(said=SAID, replies=["m1"], bad=[BAD], conversations=1)
    assert inputs.events == 5
    found = compare(inputs, ledger, buried)
    wanted = {
        "lost": 0,
        "twice": 0,
        "out_of_order": 0,
        "dead_lettered": 1,
        "others": 0,
        **finding,
    }
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert found.is_clean is (not set(finding))
    if found.is_clean:
        assert found.once == inputs.events


def test_memory_that_grows_with_the_events_shows_in_the_slope() -> None:
    assert slope([(0, 100.0), (1_000, 101.0), (2_000, 102.0)]) == pytest.approx(0.001)
    assert slope([(0, 100.0), (1_000, 100.0)]) == 0
    assert slope([(5, 100.0)]) == 0
