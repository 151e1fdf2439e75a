"""Metrics as log lines that CloudWatch makes metrics of: its embedded metric format.

What alarms and scaling read comes from the same list as `/metrics`: those metrics of it that have
`dimensions`. Format: CloudWatch user guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workers.metrics import Dimensions, Kind, Metric, Metrics, all_metrics

UNITS: Final = {"1": "Count", "seconds": "Seconds"}

Values = dict[tuple[str, ...], float]
"""By the values of the finest dimensions."""


class EmbeddedMetrics:
    """Turns a process's metrics into lines: counters as what was added since the lines before.

    `queues` are those that the process takes. Their counters, and those without dimensions, are
    told of with 0 too: an alarm must tell nothing happening from nobody there.
    """

    def __init__(self, metrics: Metrics, namespace: str, queues: Sequence[str]) -> None:
        self._metrics = metrics
        self._namespace = namespace
        self._queues = tuple(queues)
        self._told: dict[str, Values] = {}

    def lines(self, now_ms: int, *, with_gauges: bool = True) -> list[str]:
        """One JSON object for each combination of dimensions' values, without line ends."""
        documents: dict[tuple[tuple[str, str], ...], dict[Metric, float]] = {}
        for metric in all_metrics():
            if not metric.dimensions or (metric.kind is Kind.GAUGE and not with_gauges):
                continue
            finest = metric.dimensions[0]
            for values, value in self._values(metric).items():
                documents.setdefault(tuple(zip(finest, values, strict=True)), {})[metric] = value
        return [self._line(now_ms, dict(place), told) for place, told in documents.items()]

    def _values(self, metric: Metric) -> Values:
        now = self._now(metric)
        if metric.kind is Kind.GAUGE:
            return now
        before = self._told.get(metric.name, {})
        self._told[metric.name] = now
        return {place: value - before.get(place, 0.0) for place, value in now.items()}

    def _now(self, metric: Metric) -> Values:
        finest = metric.dimensions[0]
        summed: Values = {}
        if metric.kind is Kind.COUNTER:
            summed = dict.fromkeys(_places(finest, self._queues), 0.0)
        for labels, value in self._metrics.series(metric):
            place = tuple(labels[name] for name in finest)
            summed[place] = summed.get(place, 0.0) + value
        return summed

    def _line(self, now_ms: int, place: Mapping[str, str], told: Mapping[Metric, float]) -> str:
        alike: dict[Dimensions, list[Metric]] = {}
        for metric in told:
            alike.setdefault(metric.dimensions, []).append(metric)
        document: dict[str, Any] = {
            "_aws": {
                "Timestamp": now_ms,
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._namespace,
                        "Dimensions": [list(one) for one in dimensions],
                        "Metrics": [{"Name": m.name, "Unit": UNITS[m.unit]} for m in metrics],
                    }
                    for dimensions, metrics in alike.items()
                ],
            },
            **place,
            **{metric.name: round(value, 3) for metric, value in told.items()},
        }
        return json.dumps(document, separators=(",", ":"))


def _places(finest: Sequence[str], queues: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The values that are known beforehand; those of reasons are not."""
    if not finest:
        yield ()
    elif finest == ("queue",):
        yield from ((queue,) for queue in queues)
