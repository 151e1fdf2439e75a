"""Every event of tests/events: what it is, what orders it, when it was, and its id.

`tests/events/expected.csv` has a row for each result. A row changes when the page that its event
names says so, not when the decoder does.
"""

from __future__ import annotations

import csv
from datetime import datetime

import pytest

from schemas.decode import decode_document
from schemas.decoded import Decoded, Notice, Undecodable
from schemas.event_class import EventClass
from tests import events

with (events.HERE / "expected.csv").open(encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table))
DECODED = sorted({row["event"] for row in ROWS})

NOTICES = {
    "ses/setup_text": ("ses_topic_validated", EventClass.SES_EVENT, "setup"),
    "ses/setup_identity": (
        "ses_topic_subscribed",
        EventClass.SES_EVENT,
        "AmazonSnsSubscriptionSucceeded",
    ),
    "sns/subscription_confirmation": ("sns_subscription_confirmation", None, None),
}

REFUSED = {
    "connect/agent_event": "connect_agent_event_unused",
    "pipes/kpl_aggregated": "kpl_aggregated_record",
    "pipes/quotes_stripped": "quotes_stripped_by_pipe_template",
    "unknown/connect_cases": "unrecognised_shape",
    "unknown/ec2_state_change": "unrecognised_shape",
    "unknown/s3_object_created": "unrecognised_shape",
}


def test_every_event_file_is_expected_to_be_something() -> None:
    assert sorted([*DECODED, *NOTICES, *REFUSED]) == events.names()


def test_there_is_an_event_of_every_class() -> None:
    assert {row["class"] for row in ROWS} == set(EventClass)


@pytest.mark.parametrize("name", DECODED)
def test_an_event_is_told_by_its_shape(name: str) -> None:
    results = decode_document(events.load(name))
    expected = [row for row in ROWS if row["event"] == name]
    assert len(results) == len(expected)
    for result, row in zip(results, expected, strict=True):
        assert isinstance(result, Decoded)
        assert (result.event_class, result.event_type) == (row["class"], row["type"])
        assert result.envelope == tuple(row["envelope"].split())
        assert result.keys == tuple(row["keys"].split())
        assert result.time == (datetime.fromisoformat(row["time"]) if row["time"] else None)
        assert result.time is None or result.time.tzname() == "UTC"
        assert result.event_id == row["id"]


@pytest.mark.parametrize("name", NOTICES)
def test_set_up_chatter_is_a_notice(name: str) -> None:
    (result,) = decode_document(events.load(name))
    assert isinstance(result, Notice)
    assert (result.reason, result.event_class, result.event_type) == NOTICES[name]
    assert result.envelope == ("sns",)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_none_of_ours_has_a_reason(name: str) -> None:
    (result,) = decode_document(events.load(name))
    assert isinstance(result, Undecodable)
    assert result.reason == REFUSED[name]
