from __future__ import annotations

from typing import Any

import pytest

from simulator.event_pattern import UnknownMatcherError, matches

EVENT: dict[str, Any] = {
    "source": "aws.connect",
    "detail-type": "Amazon Connect Contact Event",
    "resources": ["arn:one", "arn:two"],
    "detail": {
        "eventType": "DISCONNECTED",
        "channel": "CHAT",
        "attempt": 3,
        "ok": True,
        "none": None,
        "tags": [{"key": "a"}, {"key": "b"}],
    },
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param({}, True, id="an_empty_pattern_takes_all"),
        pytest.param({"source": ["aws.connect"]}, True, id="exact"),
        pytest.param({"source": ["aws.ses", "aws.connect"]}, True, id="any_of_a_list"),
        pytest.param({"source": ["aws.ses"]}, False, id="exact_other"),
        pytest.param(
            {"source": ["aws.connect"], "detail": {"channel": ["VOICE"]}}, False, id="all"
        ),
        pytest.param({"resources": ["arn:two"]}, True, id="a_list_in_the_event_fits_by_one"),
        pytest.param({"detail": {"attempt": [3]}}, True, id="number"),
        pytest.param({"detail": {"attempt": [3.0]}}, True, id="number_as_float"),
        pytest.param({"detail": {"attempt": ["3"]}}, False, id="number_is_no_text"),
        pytest.param({"detail": {"ok": [True]}}, True, id="true"),
        pytest.param({"detail": {"ok": [1]}}, False, id="true_is_not_one"),
        pytest.param({"detail": {"none": [None]}}, True, id="null"),
        pytest.param({"detail": {"absent": [None]}}, False, id="absent_is_not_null"),
        pytest.param({"source": [{"prefix": "aws."}]}, True, id="prefix"),
        pytest.param({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True, id="prefix_i"),
        pytest.param({"source": [{"suffix": "connect"}]}, True, id="suffix"),
        pytest.param({"source": [{"suffix": {"equals-ignore-case": "NECT"}}]}, True, id="suffix_i"),
        pytest.param({"source": [{"suffix": "ses"}]}, False, id="suffix_other"),
        pytest.param({"source": [{"equals-ignore-case": "AWS.Connect"}]}, True, id="ignore_case"),
        pytest.param({"source": [{"wildcard": "aws.*ect"}]}, True, id="wildcard"),
        pytest.param({"source": [{"wildcard": "aws.*x*"}]}, False, id="wildcard_other"),
        pytest.param({"source": [{"wildcard": r"aws.\*"}]}, False, id="wildcard_escaped_star"),
        pytest.param({"source": [{"anything-but": "aws.ses"}]}, True, id="but_one"),
        pytest.param({"source": [{"anything-but": ["x", "aws.connect"]}]}, False, id="but_list"),
        pytest.param({"source": [{"anything-but": {"prefix": "aws"}}]}, False, id="but_prefix"),
        pytest.param(
            {"source": [{"anything-but": {"suffix": ["ses", "sns"]}}]}, True, id="but_suffixes"
        ),
        pytest.param({"absent": [{"anything-but": "x"}]}, False, id="but_needs_the_field"),
        pytest.param({"detail": {"absent": [{"exists": False}]}}, True, id="exists_not"),
        pytest.param({"detail": {"channel": [{"exists": True}]}}, True, id="exists"),
        pytest.param({"detail": {"channel": [{"exists": False}]}}, False, id="exists_but_does"),
        pytest.param({"absent": {"deep": [{"exists": False}]}}, True, id="exists_not_deeper"),
        pytest.param({"detail": {"attempt": [{"numeric": [">", 2]}]}}, True, id="numeric"),
        pytest.param(
            {"detail": {"attempt": [{"numeric": [">=", 1, "<", 3]}]}}, False, id="numeric_range"
        ),
        pytest.param({"detail": {"channel": [{"numeric": ["=", 1]}]}}, False, id="numeric_of_text"),
        pytest.param({"detail": {"tags": {"key": ["b"]}}}, True, id="list_of_objects"),
        pytest.param({"$or": [{"source": ["x"]}, {"source": ["aws.connect"]}]}, True, id="or"),
        pytest.param({"$or": [{"source": ["x"]}, {"source": ["y"]}]}, False, id="or_neither"),
        pytest.param(
            {"detail": {"$or": [{"channel": ["CHAT"]}, {"attempt": [9]}]}}, True, id="or_deeper"
        ),
    ],
)
def test_a_pattern_takes_what_eventbridge_would(pattern: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, EVENT) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": "aws.connect"},
        {"source": [{"prefixes": "aws"}]},
        {"source": [{"prefix": "a", "suffix": "b"}]},
        {"source": [{"prefix": {"lower": "a"}}]},
        {"detail": {"attempt": [{"numeric": ["~", 2]}]}},
        {"detail": {"attempt": [{"numeric": [">"]}]}},
    ],
)
def test_a_pattern_that_eventbridge_would_refuse_is_refused(pattern: dict[str, Any]) -> None:
    with pytest.raises(UnknownMatcherError):
        matches(pattern, EVENT)
