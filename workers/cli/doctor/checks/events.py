"""EventBridge and its Scheduler: what brings events and ticks to the queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from schemas.topology import Schedule
from workers.cli.doctor.check import Catalogue, Problem
from workers.cli.doctor.site import Site, document
from workers.cli.one_shot import is_not_found

CATALOGUE: Final = Catalogue()


@CATALOGUE.add(
    looks_at="the EventBridge rules of infra/topology.json: there, enabled, sending to the queue",
    remedy="run `terraform apply`, or enable the rule",
    asks=("events:ListRuleNamesByTarget", "events:DescribeRule"),
    after=("queues",),
)
def event_rules(site: Site) -> Iterator[Problem]:
    """Without them no contact event, no mail event and no receipt arrives."""
    events = site.aws.client("events")
    fed = {rule.queue for rule in site.topology.rules} & site.queue_urls.keys()
    for queue in sorted(fed):
        arn = site.queue(site.queue_urls[queue])["QueueArn"]
        found = [events.describe_rule(Name=name) for name in site.rules_to(arn)]
        for rule in site.topology.rules:
            if rule.queue == queue:
                yield from _rule_problems(rule.name, rule.pattern, queue, found)


def _rule_problems(
    name: str, pattern: dict[str, Any], queue: str, found: list[dict[str, Any]]
) -> Iterator[Problem]:
    fitting = [one for one in found if _brings(document(one.get("EventPattern")), pattern)]
    if not fitting:
        yield Problem(name, f"no rule of this pattern sends to {queue}")
    elif not any(one.get("State") == "ENABLED" for one in fitting):
        yield Problem(name, f"the rule {fitting[0]['Name']} is disabled")


def _brings(pattern: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether it is the same pattern, whatever a deployment adds to it, such as its account."""
    return all(pattern.get(key) == value for key, value in wanted.items())


@CATALOGUE.add(
    looks_at="the recurring ticks of infra/topology.json in EventBridge Scheduler",
    remedy="run `terraform apply`, or enable the schedule",
    asks=("scheduler:GetSchedule", "scheduler:GetScheduleGroup"),
    after=("queues",),
)
def schedules(site: Site) -> Iterator[Problem]:
    """The group holds deferred messages too: without it nothing can be put off."""
    group = site.settings.schedule_group
    if _asked(lambda: site.aws.client("scheduler").get_schedule_group(Name=group)) is None:
        yield Problem(group, "there is no such schedule group")
        return
    for schedule in site.topology.schedules:
        url = site.queue_urls.get(schedule.queue)
        says = "" if url is None else _tick_problem(site, schedule, site.queue(url)["QueueArn"])
        if says:
            yield Problem(schedule.name, says)


def _tick_problem(site: Site, schedule: Schedule, queue_arn: str) -> str:
    client, group = site.aws.client("scheduler"), site.settings.schedule_group
    found = _asked(lambda: client.get_schedule(GroupName=group, Name=schedule.name))
    if found is None:
        return "there is no such schedule in the group"
    if found["State"] != "ENABLED":
        return "the schedule is disabled"
    if found["Target"]["Arn"] != queue_arn:
        return f"the schedule does not send to {schedule.queue}"
    return ""


def _asked(call: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """The answer; None when what is asked for is not there."""
    try:
        return call()
    except ClientError as refusal:
        if is_not_found(refusal):
            return None
        raise
