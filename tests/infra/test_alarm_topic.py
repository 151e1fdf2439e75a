"""Who tells of alarms and of the budget may publish to the encrypted topic, and use its key.

Without both the alarm goes off, and nobody hears of it. The topic is of modules/watch, and its key
of modules/messaging: each is looked at in a plan where its policy is whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.infra.plans import Plan, resources
from tests.infra.policies import allowing, is_only_of, sources, statements

pytestmark = pytest.mark.timeout(300)  # The first test waits for a plan.

ACCOUNT = "111122223333"


def tellers(plan: Plan, region: str) -> Iterator[tuple[str, str]]:
    """Everything in a plan that publishes to the topic: the principal, and the ARN of what for."""
    for alarm in resources(plan, "aws_cloudwatch_metric_alarm").values():
        name = alarm["alarm_name"]
        yield "cloudwatch.amazonaws.com", f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"
    for budget in resources(plan, "aws_budgets_budget").values():
        yield "budgets.amazonaws.com", f"arn:aws:budgets::{ACCOUNT}:budget/{budget['name']}"


def test_all_that_tells_of_something_may_publish(fleet_plan: Plan) -> None:
    policy = topic_policy(fleet_plan)
    told = list(tellers(fleet_plan, "eu-west-1"))
    assert {principal for principal, _ in told} == {
        "cloudwatch.amazonaws.com",
        "budgets.amazonaws.com",
    }
    for principal, source in told:
        conditions = list(allowing(policy, principal, "sns:Publish"))
        assert any(is_only_of(one, ACCOUNT, source) for one in conditions), source


def test_nothing_else_may_publish(fleet_plan: Plan) -> None:
    for statement in statements(topic_policy(fleet_plan)):
        assert is_only_of(statement["Condition"], ACCOUNT)
        assert sources(statement["Condition"])


def test_all_that_tells_of_something_may_use_the_key(complete_plan: Plan) -> None:
    (key,) = resources(complete_plan, "aws_kms_key").values()
    told = list(tellers(complete_plan, "us-east-1"))
    assert len({principal for principal, _ in told}) == 2
    for principal, source in told:
        for action in ("kms:Decrypt", "kms:GenerateDataKey*"):
            conditions = list(allowing(key["policy"], principal, action))
            assert any(is_only_of(one, ACCOUNT, source) for one in conditions), (source, action)
            assert all(sources(one) for one in conditions)


def topic_policy(plan: Plan) -> str:
    (topic,) = resources(plan, "aws_sns_topic").values()
    return str(topic["policy"])
