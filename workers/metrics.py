"""Every metric that a worker keeps, in one typed list, and the registry that holds their values.

A new metric is a line here and nowhere else; `/metrics`, the docs and the alarms read this list.
Labels are stable words from small sets: a queue, an API, a reason. Never an id, never user data.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

PREFIX = "switchboard_"


class Kind(StrEnum):
    """What a metric does over time."""

    COUNTER = "counter"  # only grows
    GAUGE = "gauge"  # goes up and down
    HISTOGRAM = "histogram"  # counts observations by size


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the list. `buckets` are upper bounds in the metric's unit.

    `dimensions`: the sets of dimensions by which CloudWatch is told of it, the finest first; with
    none it is not told. Few, for each name with each value of its dimensions is billed there.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()
    dimensions: tuple[tuple[str, ...], ...] = ()

    @property
    def is_of_queue(self) -> bool:
        """Whether the runtime keeps it, for each queue; the others tell what handlers do."""
        return "queue" in self.labels

    @property
    def exposed_name(self) -> str:
        """Its name in `/metrics`: Prometheus wants a counter to end so."""
        return PREFIX + self.name + ("_total" if self.kind is Kind.COUNTER else "")


Dimensions = tuple[tuple[str, ...], ...]

BY_QUEUE: Dimensions = (("queue",), ())
"""Of each queue, and of all together."""
ALTOGETHER: Dimensions = ((),)


def _counter(
    name: str, labels: tuple[str, ...], meaning: str, dimensions: Dimensions = (), unit: str = "1"
) -> Metric:
    return Metric(name, Kind.COUNTER, unit, labels, meaning, dimensions=dimensions)


def _gauge(
    name: str, labels: tuple[str, ...], meaning: str, dimensions: Dimensions = (), unit: str = "1"
) -> Metric:
    return Metric(name, Kind.GAUGE, unit, labels, meaning, dimensions=dimensions)


def _seconds(
    name: str, labels: tuple[str, ...], meaning: str, buckets: tuple[float, ...]
) -> Metric:
    return Metric(name, Kind.HISTOGRAM, "seconds", labels, meaning, buckets)


# --- the runtime: one message's life -------------------------------------------------------------

RECEIVED = _counter(
    "received",
    ("queue",),
    "Deliveries taken from SQS. Equals the sum of outcomes and in_flight.",
    BY_QUEUE,
)
OUTCOMES = _counter(
    "outcomes",
    ("queue", "outcome", "reason"),
    "Deliveries that left our hands, by how and why. A message waiting long counts at each return.",
    BY_QUEUE,
)
IN_FLIGHT = _gauge("in_flight", ("queue",), "Deliveries in our hands now.")
AGE_SECONDS = _seconds(
    "age_seconds",
    ("queue",),
    "From being sent to SQS to being received by us.",
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 14400, 86400),
)
HANDLE_SECONDS = _seconds(
    "handle_seconds",
    ("queue", "event_class"),
    "From a handler's start to its outcome.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
BATCH_ITEMS = Metric(
    "batch_items",
    Kind.HISTOGRAM,
    "1",
    ("queue",),
    "Events that a batch handler was given at once.",
    (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
LEASE_EXTENSIONS = _counter("lease_extensions", ("queue",), "Visibility timeouts extended.")
LEASES_LOST = _counter(
    "leases_lost",
    ("queue", "reason"),
    "Deliveries fenced in our hands: refused, expired or at their hard maximum.",
)
POLLS = _counter(
    "polls", ("queue", "result"), "ReceiveMessage calls: full, part, empty or error.", BY_QUEUE
)
ATTEMPTS = _counter("attempts", ("queue",), "Failures counted against a message.", BY_QUEUE)
DEAD_LETTERS = _counter(
    "dead_letters", ("queue", "reason"), "Messages copied to the dead-letter queue.", BY_QUEUE
)
SCHEDULED = _counter(
    "scheduled",
    ("queue",),
    "Messages taken off their queue until a time past a visibility timeout.",
)
ACKNOWLEDGE_FAILURES = _counter(
    "acknowledge_failures",
    ("queue", "call", "code"),
    "Entries of a delete or visibility batch that SQS refused or that were given up.",
)
TASK_RESTARTS = _counter(
    "task_restarts", ("queue", "task"), "Pollers and other standing tasks that died and came back."
)
FLEET_WORKERS = _gauge("fleet_workers", (), "Live workers of the fleet, as this one counts them.")
FLEET_SHARE = _gauge("fleet_share", (), "This worker's part of every quota of the account.")
PAUSED = _gauge(
    "paused",
    ("queue", "reason"),
    "1 while the queue is not polled on purpose: breaker, operator or backpressure.",
    (("queue", "reason"), ("reason",)),
)
HELD_SECONDS = _counter(
    "held_seconds",
    ("queue",),
    "Time for which a downstream limit left slots empty.",
    unit="seconds",
)
UNPOLLED_SECONDS = _gauge(
    "unpolled_seconds",
    ("queue",),
    "Since a poll ended; 0 while the queue is paused, or every slot is taken.",
    BY_QUEUE,
    unit="seconds",
)
QUEUE_AGE_SECONDS = _gauge(
    "queue_age_seconds",
    ("queue",),
    "The longest from being sent to being received for the first time, within a minute or two.",
    BY_QUEUE,
    unit="seconds",
)

# Read from SQS and reckoned each minute, only where CloudWatch is told of metrics.

BACKLOG = _gauge(
    "backlog",
    ("queue",),
    "Messages that wait for us: 0 while the queue is paused or a downstream limit holds it.",
    (("queue",),),
)
BACKLOG_AGE_SECONDS = _gauge(
    "backlog_age_seconds",
    ("queue",),
    "queue_age_seconds while it is for us that they wait, else 0.",
    (("queue",),),
    unit="seconds",
)
WORKERS = _gauge(
    "workers", ("queue",), "1 from each worker that takes the queue, once a minute.", (("queue",),)
)

# --- what handlers do ----------------------------------------------------------------------------

EFFECTS = _counter(
    "effects",
    ("kind", "result"),
    "Effects on the world (chat_started, sms, note, ...), and how each went.",
)
API_CALLS = _counter("api_calls", ("api", "result"), "AWS API calls: ok or the error's code.")
THROTTLES = _counter("throttles", ("api",), "AWS API calls refused for rate.", ALTOGETHER)
SPEND_LIMIT_REFUSALS = _counter(
    "spend_limit_refusals",
    (),
    "Texts not sent, for now, because the month's spend limit is used up.",
    ALTOGETHER,
)
OPT_OUTS = _counter(
    "opt_outs",
    ("reason",),
    "People who began to want no texts or calls: by text, by call, or on a list of EUM's.",
    ALTOGETHER,
)
SMS_PARTS = _counter("sms_parts", ("brand",), "Message parts of the texts sent: what is billed.")
HOP_SECONDS = _seconds(
    "hop_seconds",
    ("lane",),
    "From an event's own time to its effect on the other side, the hold included.",
    (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 15, 60, 300, 900),
)
LATE_EVENTS = _counter(
    "late_events", ("lane",), "Events that came after their turn and were relayed all the same."
)
AUTOMATIC_TEXTS = _counter(
    "automatic_texts",
    ("kind", "result"),
    "Texts that no person wrote: sent, capped, suppressed (opted out), refused or uncertain.",
)
TEXTS_UNCERTAIN = _counter(
    "texts_uncertain",
    (),
    "Texts whose fate stayed in doubt: sent or lost, nobody can say. Counted as neither.",
    ALTOGETHER,
)
SUPPRESSED_SENDS = _counter(
    "suppressed_sends",
    ("message_class", "reason"),
    "Texts not sent to somebody who wants none: our gate knew, or EUM refused (refused_by_eum).",
)
ADDRESS_FACTS = _counter(
    "address_facts",
    ("channel", "kind", "result"),
    "What mail servers and carriers said of addresses: new, upgraded, repeated (another way, or a"
    " duplicate), outdated, or routine (good news of a number that nothing bad is known of).",
)
ADDRESS_SUPPRESSIONS = _counter(
    "address_suppressions",
    ("channel", "cause"),
    "Addresses that began to be left alone, by the cause.",
)
CALLS_ENDED = _counter(
    "calls_ended", ("brand", "result"), "Reminder calls, once it is known how each went."
)
REMINDERS_CLOSED = _counter(
    "reminders_closed",
    ("brand", "result"),
    "Reminders that are over, by how. One that is answered by text after that counts again.",
)
CALLS_HELD_BACK = _counter(
    "calls_held_back",
    ("reason",),
    "Times that a reminder's call or text was put off: quiet_hours, contact_cap, not_yet, in_air.",
)


PROFILE_EVENTS = _counter(
    "profile_events",
    ("result",),
    "Words on one person each: taken, repeated (nothing new), unknown (no profile has such a key)"
    " or several (more than one has).",
)
PROFILE_WRITES = _counter(
    "profile_writes",
    ("kind",),
    "Profile objects put. Requests per event: this and api_calls of SearchProfiles and"
    " CreateProfile, by profile_events.",
)
PROFILE_MERGED = Metric(
    "profile_merged",
    Kind.HISTOGRAM,
    "1",
    (),
    "Events that one writing of a person carried.",
    (1, 2, 5, 10, 20, 50, 100, 200),
)


def all_metrics() -> Iterator[Metric]:
    """The list, in the order in which it is written here."""
    return (value for value in globals().values() if isinstance(value, Metric))


@dataclass(slots=True)
class _Count:
    """A series of a counter."""

    value: float = 0.0


class _Spread:
    """A series of a histogram. `counts`: by bucket, the last for what is above all bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0


class _Family:
    """All series of a counter or a histogram, by the values of its labels; a Prometheus collector.

    The values are ours: prometheus_client's own take a lock for each step of a count and walk
    over a histogram's buckets, which was more of a message's cost than its lease and its lane.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._series: dict[tuple[str, ...], _Count | _Spread] = {}
        if not metric.labels:
            self.series({})  # It has but one, which is there from the start.

    def series(self, labels: Mapping[str, str]) -> _Count | _Spread:
        """The one with these labels.

        Raises:
            ValueError: they are not the metric's labels.
        """
        if labels.keys() != set(self._metric.labels):
            raise ValueError(f"{self._metric.name} has other labels")
        values = tuple(labels[name] for name in self._metric.labels)
        found = self._series.get(values)
        if found is None:
            is_count = self._metric.kind is Kind.COUNTER
            found = _Count() if is_count else _Spread(self._metric.buckets)
            self._series[values] = found
        return found

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """What Prometheus is told."""
        metric = self._metric
        named = (PREFIX + metric.name, metric.meaning)
        counts = CounterMetricFamily(*named, labels=metric.labels)
        spreads = HistogramMetricFamily(*named, labels=metric.labels)
        for values, series in self._series.items():
            if isinstance(series, _Count):
                counts.add_metric(values, series.value)
            else:
                bounds = [*map(floatToGoString, series.bounds), "+Inf"]
                buckets = list(zip(bounds, accumulate(series.counts), strict=True))
                spreads.add_metric(values, buckets, series.sum)
        yield counts if metric.kind is Kind.COUNTER else spreads


class Metrics:
    """The values of all metrics of one process (or of one test), in a registry of its own.

    Labels are given by name and all of them, as the metric lists them. Not for threads.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._families = {metric.name: self._family(metric) for metric in all_metrics()}
        self._series: dict[tuple[object, ...], _Count | _Spread] = {}

    def add(self, metric: Metric, amount: float = 1, /, **labels: str) -> None:
        """Count something."""
        series = self._series_of(metric, labels)
        if not isinstance(series, _Count):
            raise TypeError(f"{metric.name} is not a counter")
        series.value += amount

    def set(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Say how much there is now."""
        self._gauge(metric, labels).set(value)

    def read_from(self, metric: Metric, source: Callable[[], float], /, **labels: str) -> None:
        """Let a gauge ask `source` whenever it is read. `source` must be quick."""
        self._gauge(metric, labels).set_function(source)

    def observe(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Add one observation to a histogram."""
        series = self._series_of(metric, labels)
        if not isinstance(series, _Spread):
            raise TypeError(f"{metric.name} is not a histogram")
        series.counts[bisect_left(series.bounds, value)] += 1
        series.sum += value

    def forget(self, metric: Metric, /, **labels: str) -> None:
        """A gauge is not known any more: it is told of no longer, until it is set again."""
        family = self._families[metric.name]
        if isinstance(family, Gauge):
            with suppress(KeyError):
                family.remove(*(labels[name] for name in metric.labels))

    def series(self, metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
        """The values of a counter or a gauge, each with its labels."""
        suffix = "_total" if metric.kind is Kind.COUNTER else ""
        for family in self._families[metric.name].collect():
            for sample in family.samples:
                if sample.name == PREFIX + metric.name + suffix:
                    yield sample.labels, sample.value

    def total(self, metric: Metric, /, **labels: str) -> float:
        """The sum of a metric's values over all series that carry these labels.

        For a histogram the number of observations. For tests and receipts, not for hot paths.
        """
        suffix = {Kind.COUNTER: "_total", Kind.GAUGE: "", Kind.HISTOGRAM: "_count"}[metric.kind]
        wanted = PREFIX + metric.name + suffix
        return sum(
            sample.value
            for family in self._families[metric.name].collect()
            for sample in family.samples
            if sample.name == wanted and labels.items() <= sample.labels.items()
        )

    def render(self) -> bytes:
        """All values in Prometheus' text format."""
        return generate_latest(self.registry)

    def _family(self, metric: Metric) -> _Family | Gauge:
        if metric.kind is Kind.GAUGE:
            name = PREFIX + metric.name
            return Gauge(name, metric.meaning, metric.labels, registry=self.registry)
        family = _Family(metric)
        self.registry.register(family)
        return family

    def _gauge(self, metric: Metric, labels: dict[str, str]) -> Gauge:
        family = self._families[metric.name]
        if not isinstance(family, Gauge):
            raise TypeError(f"{metric.name} is not a gauge")
        return family.labels(**labels) if metric.labels else family

    def _series_of(self, metric: Metric, labels: dict[str, str]) -> _Count | _Spread:
        key = (metric.name, *labels.items())
        series = self._series.get(key)
        if series is None:
            family = self._families[metric.name]
            if isinstance(family, Gauge):
                raise TypeError(f"{metric.name} is a gauge")
            series = self._series[key] = family.series(labels)
        return series
