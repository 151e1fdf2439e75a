"""The lines that CloudWatch makes metrics of."""

from __future__ import annotations

import json
from typing import Any

from workers.embedded import EmbeddedMetrics
from workers.metrics import (
    ATTEMPTS,
    BACKLOG,
    DEAD_LETTERS,
    OUTCOMES,
    PAUSED,
    THROTTLES,
    Metrics,
    all_metrics,
)

NOW_MS = 1_772_452_830_000


def told(lines: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    """The documents by the values of their dimensions."""
    documents = [json.loads(line) for line in lines]
    return {tuple(d[name] for name in ("queue", "reason") if name in d): d for d in documents}


def test_what_nobody_counted_is_told_of_with_nought() -> None:
    found = told(EmbeddedMetrics(Metrics(), "Switchboard", ["a", "b"]).lines(NOW_MS))
    assert set(found) == {("a",), ("b",), ()}
    assert found["a",][ATTEMPTS.name] == 0
    assert found[()][THROTTLES.name] == 0


def test_counters_are_told_as_what_came_since_the_lines_before() -> None:
    metrics = Metrics()
    embedded = EmbeddedMetrics(metrics, "Switchboard", ["a"])
    metrics.add(DEAD_LETTERS, 2, queue="a", reason="undecodable")
    metrics.add(DEAD_LETTERS, queue="a", reason="too_old")
    assert told(embedded.lines(NOW_MS))["a",]["dead_letters"] == 3
    metrics.add(DEAD_LETTERS, queue="a", reason="too_old")
    assert told(embedded.lines(NOW_MS))["a",]["dead_letters"] == 1
    assert told(embedded.lines(NOW_MS))["a",]["dead_letters"] == 0


def test_gauges_are_told_as_they_are_and_forgotten_ones_not() -> None:
    metrics = Metrics()
    embedded = EmbeddedMetrics(metrics, "Switchboard", ["a"])
    metrics.set(BACKLOG, 7, queue="a")
    assert told(embedded.lines(NOW_MS))["a",]["backlog"] == 7
    assert told(embedded.lines(NOW_MS))["a",]["backlog"] == 7
    assert "backlog" not in told(embedded.lines(NOW_MS, with_gauges=False))["a",]
    metrics.forget(BACKLOG, queue="a")
    metrics.forget(BACKLOG, queue="a")
    assert "backlog" not in told(embedded.lines(NOW_MS))["a",]


def test_a_line_has_the_form_that_cloudwatch_reads() -> None:
    metrics = Metrics()
    metrics.add(OUTCOMES, queue="a", outcome="done", reason="none")
    metrics.set(PAUSED, 1, queue="a", reason="breaker")
    for document in told(
        EmbeddedMetrics(metrics, "Switchboard/prod", ["a"]).lines(NOW_MS)
    ).values():
        meta = document["_aws"]
        assert meta["Timestamp"] == NOW_MS
        named = set()
        for directive in meta["CloudWatchMetrics"]:
            assert directive["Namespace"] == "Switchboard/prod"
            for dimensions in directive["Dimensions"]:
                assert all(isinstance(document[name], str) for name in dimensions)
            for metric in directive["Metrics"]:
                assert metric["Unit"] in {"Count", "Seconds"}
                named.add(metric["Name"])
        # Each target is a number at the root, told of once; nothing else stands there.
        values = {k: v for k, v in document.items() if k not in {"_aws", "queue", "reason"}}
        assert set(values) == named
        assert all(isinstance(value, int | float) for value in values.values())
    paused = told(EmbeddedMetrics(metrics, "S", ["a"]).lines(NOW_MS))["a", "breaker"]
    assert paused["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["queue", "reason"], ["reason"]]


def test_dimensions_are_queue_and_reason_only_and_coarser_ones_are_parts_of_the_finest() -> None:
    for metric in all_metrics():
        for dimensions in metric.dimensions:
            assert set(dimensions) <= {"queue", "reason"} & set(metric.labels), metric.name
            assert set(dimensions) <= set(metric.dimensions[0]), metric.name
        assert not metric.buckets or not metric.dimensions, metric.name
