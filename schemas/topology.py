"""The shape of `infra/topology.json`: queues, topics, rules, tables, buckets, and schedules.

The file is the one place that names them. Terraform, local provisioning and the tests read it,
so what could be contradictory in it is refused here. Names are logical: a deployment puts its own
prefix before each. It holds no account id, no region, no secret.

What is left out, and why:

- EventBridge's `aws.sms-voice` receipts on the queue of the conversations' own. They repeat what
  the configuration set's event destination sends to SNS, but without number and `context`: no
  conversation could be settled by one. Their final ones go where addresses are watched.
- FIFO queues. SNS and the carriers number nothing, so a FIFO queue would only keep the order in
  which things happened to arrive; a conversation's order is made by its journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.types import JsonValue

MAX_RETENTION_S = 1_209_600
"""Fourteen days, the longest that SQS keeps a message (SQS quotas, "Message retention")."""

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""Scheduler writes the time of a tick here, as 2026-11-26T06:00:00Z (user guide, "Adding context
attributes")."""
MIN_RATE: Final = timedelta(minutes=5)
"""Ticks that come more often than a claim on one may last would wait for each other."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
HandlerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
RetentionSeconds = Annotated[int, Field(ge=60, le=MAX_RETENTION_S)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DeadLetterQueue(_Strict):
    """Where a queue's hopeless messages wait for a person, `<queue>-dlq`."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}-dlq$")]
    retention_s: RetentionSeconds


class Queue(_Strict):
    """One SQS standard queue, made only because the handler it names exists.

    `max_receive_count` is the net under the worker, not its retry policy: a receive is no attempt
    (a wait for a lease, a throttle, a drain each cost one), so it is set far above any wait.
    """

    name: Name
    handler: HandlerName
    visibility_timeout_s: Annotated[int, Field(ge=10, le=43_200)]
    retention_s: RetentionSeconds
    receive_wait_s: Annotated[int, Field(ge=1, le=20)]
    max_receive_count: Annotated[int, Field(ge=100, le=1000)]
    dlq: DeadLetterQueue

    @model_validator(mode="after")
    def _dlq_is_its_own_and_outlasts_the_queue(self) -> Self:
        if self.dlq.name != f"{self.name}-dlq":
            raise ValueError(f"queue {self.name}: its dead-letter queue must be {self.name}-dlq")
        # A redriven message keeps the age it had, so an equal retention would drop it on arrival;
        # only the longest that SQS has is let through.
        if self.dlq.retention_s <= self.retention_s and self.dlq.retention_s != MAX_RETENTION_S:
            raise ValueError(f"queue {self.name}: its dead-letter queue must keep longer than it")
        return self


class Service(_Strict):
    """Queues that the same processes take: scaled, rolled out and permitted together.

    A process takes no queue but its service's (`switchboard worker --queues`), and may send to all.
    """

    name: Name
    queues: Annotated[tuple[Name, ...], Field(min_length=1)]


class Topic(_Strict):
    """One SNS standard topic that an AWS service publishes to."""

    name: Name
    publisher: Literal[
        "sms-voice.amazonaws.com", "connect.amazonaws.com", "ses.amazonaws.com"
    ]  # The principal that the topic's policy lets in.


class Subscription(_Strict):
    """A topic's messages into a queue, inside the SNS envelope.

    Raw delivery is never on. An inbound text's body holds no time of its own: the envelope's
    `Timestamp` is the only one there is, and texts are put in order by it. A chat message's
    visibility to the customer stands in the envelope's `MessageAttributes`.
    """

    topic: Name
    queue: Name
    raw_delivery: Literal[False]


class Rule(_Strict):
    """An EventBridge rule on the default bus with one target queue, the event passed on whole."""

    name: Name
    queue: Name
    pattern: Annotated[dict[str, JsonValue], Field(min_length=1)]

    @model_validator(mode="after")
    def _pattern_names_its_source(self) -> Self:
        if not self.pattern.get("source"):
            raise ValueError(f"rule {self.name}: a pattern without a source takes the whole bus")
        return self


class Table(_Strict):
    """One DynamoDB table, billed on demand; both keys are strings, the TTL is in epoch seconds."""

    name: Name
    partition_key: AttributeName
    sort_key: AttributeName | None
    ttl_attribute: AttributeName

    @model_validator(mode="after")
    def _attributes_differ(self) -> Self:
        names = [self.partition_key, self.sort_key, self.ttl_attribute]
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: keys and TTL need attributes of their own")
        return self


class Bucket(_Strict):
    """One private S3 bucket, objects deleted after `expire_after_days`."""

    name: Name
    expire_after_days: Annotated[int, Field(ge=1, le=365)]


class Deferral(_Strict):
    """Where messages wait that are deferred past what a queue can hold.

    Scheduler keeps them in `schedule_group` and becomes `role` to send them back to their queues;
    what is too big for a schedule lies in `bucket`.
    """

    schedule_group: Name
    role: Name
    bucket: Name


class Schedule(_Strict):
    """A rate schedule of EventBridge Scheduler: a command on a queue, again and again.

    It stands in the group of deferral and uses its role. `input` names the occasion by Scheduler's
    attribute, so that a tick that comes twice is known for one. No rate is of one hour or day: for
    that AWS's pages do not agree on how the unit is written.
    """

    name: Name
    rate: Annotated[
        str, StringConstraints(pattern=r"^rate\(([2-9]|[1-9][0-9]{1,2}) (minutes|hours|days)\)$")
    ]
    queue: Name
    input: Annotated[dict[str, JsonValue], Field(min_length=1)]

    @property
    def every(self) -> timedelta:
        """The rate, as a time."""
        count, unit = self.rate.removeprefix("rate(").removesuffix(")").split(" ")
        return timedelta(**{unit: int(count)})

    @model_validator(mode="after")
    def _ticks_are_told_apart_and_seldom(self) -> Self:
        if SCHEDULED_TIME not in self.input.values():
            raise ValueError(f"schedule {self.name}: no value of its input is {SCHEDULED_TIME}")
        if self.every < MIN_RATE:
            raise ValueError(f"schedule {self.name}: more often than every five minutes")
        return self


class Topology(_Strict):
    """The whole of `infra/topology.json`, its cross references checked."""

    version: Literal[1]
    queues: Annotated[tuple[Queue, ...], Field(min_length=1)]
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    topics: tuple[Topic, ...]
    subscriptions: tuple[Subscription, ...]
    rules: tuple[Rule, ...]
    tables: tuple[Table, ...]
    buckets: tuple[Bucket, ...]
    deferral: Deferral
    schedules: tuple[Schedule, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        _refuse_repeats("queue", [q.name for q in self.queues] + [q.dlq.name for q in self.queues])
        _refuse_repeats("topic", (topic.name for topic in self.topics))
        _refuse_repeats("subscription", (f"{s.topic} to {s.queue}" for s in self.subscriptions))
        _refuse_repeats("rule", (rule.name for rule in self.rules))
        _refuse_repeats("table", (table.name for table in self.tables))
        _refuse_repeats("bucket", (bucket.name for bucket in self.buckets))
        _refuse_repeats("schedule", (schedule.name for schedule in self.schedules))
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        queues = {queue.name for queue in self.queues}
        topics = {topic.name for topic in self.topics}
        _refuse_unknown("subscription to queue", {s.queue for s in self.subscriptions} - queues)
        _refuse_unknown("subscription of topic", {s.topic for s in self.subscriptions} - topics)
        _refuse_unknown("rule to queue", {rule.queue for rule in self.rules} - queues)
        _refuse_unknown("schedule to queue", {s.queue for s in self.schedules} - queues)
        _refuse_unknown("bucket", {self.deferral.bucket} - {bucket.name for bucket in self.buckets})
        silent = topics - {s.topic for s in self.subscriptions}
        if silent:
            raise ValueError(f"topics that nobody reads: {', '.join(sorted(silent))}")
        return self

    @model_validator(mode="after")
    def _each_queue_is_taken_by_one_service(self) -> Self:
        _refuse_repeats("service", (service.name for service in self.services))
        taken = [queue for service in self.services for queue in service.queues]
        _refuse_repeats("queue in services", taken)
        queues = {queue.name for queue in self.queues}
        _refuse_unknown("queue of a service", set(taken) - queues)
        idle = queues - set(taken)
        if idle:
            raise ValueError(f"queues that no service takes: {', '.join(sorted(idle))}")
        return self

    def queue(self, name: str) -> Queue:
        """The queue of that logical name.

        Raises:
            KeyError: no queue is called so.
        """
        for queue in self.queues:
            if queue.name == name:
                return queue
        raise KeyError(name)


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"{what} named twice: {', '.join(repeated)}")


def _refuse_unknown(what: str, names: set[str]) -> None:
    if names:
        raise ValueError(f"{what} that does not exist: {', '.join(sorted(names))}")
