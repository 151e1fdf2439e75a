"""One thing of a deployment broken, each by a function of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from infra.local.endpoints import ACCOUNT_ID
from tests.contract.cli.deployment import (
    Deployment,
    put_key_policy,
)

OTHER_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:somebody-elses"
Break = Callable[[Deployment], None]


def forged_credentials(d: Deployment) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        d.delenv(name)


def clock_ahead(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_TIME_ORIGIN", "2026-01-01T00:00:00Z")
    d.setenv("SWITCHBOARD_TIME_OFFSET_S", "400")


def clock_slow(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_TIME_ORIGIN", "2026-01-01T00:00:00Z")
    d.setenv("SWITCHBOARD_TIME_OFFSET_S", "-120")


def without_permission(d: Deployment) -> None:
    d.allow([one for one in d.needed_actions() if one != "sms-voice:SendTextMessage"])


def stop_contact_refused(d: Deployment) -> None:
    d.account.refuse("connect", "StopContact", "AccessDeniedException")


def queue_gone(d: Deployment) -> None:
    d.client("sqs").delete_queue(QueueUrl=d.made.queue_urls["reminders"])


def queue_attribute(
    name: str, value: str, queue: str = "inbound-sms", *, dlq: bool = False
) -> Break:
    def change(d: Deployment) -> None:
        urls = d.made.dlq_urls if dlq else d.made.queue_urls
        d.client("sqs").set_queue_attributes(QueueUrl=urls[queue], Attributes={name: value})

    return change


def dead_letters_elsewhere(d: Deployment) -> None:
    arn = d.made.queue_arns["chat-stream"]
    redrive = json.dumps({"deadLetterTargetArn": f"{arn}-dlq", "maxReceiveCount": 1000})
    queue_attribute("RedrivePolicy", redrive)(d)


def few_receives(d: Deployment) -> None:
    arn = d.made.queue_arns["inbound-sms"]
    redrive = json.dumps({"deadLetterTargetArn": f"{arn}-dlq", "maxReceiveCount": 5})
    queue_attribute("RedrivePolicy", redrive)(d)


def queue_policy_of_another_topic(d: Deployment) -> None:
    arn = d.made.queue_arns["inbound-sms"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": OTHER_TOPIC}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue_attribute("Policy", policy)(d)


def queue_policy_without_rules(d: Deployment) -> None:
    queue_attribute("Policy", "", "contact-events")(d)


def rule_disabled(d: Deployment) -> None:
    d.client("events").disable_rule(Name=f"{d.made.prefix}connect-contact-events")


def rule_of_another_pattern(d: Deployment) -> None:
    pattern = json.dumps({"source": ["aws.connect"], "detail-type": ["Something else"]})
    d.client("events").put_rule(
        Name=f"{d.made.prefix}connect-call-events", EventPattern=pattern, State="ENABLED"
    )


def tick_disabled(d: Deployment) -> None:
    client = d.client("scheduler")
    found = client.get_schedule(GroupName=d.made.schedule_group, Name="call-sweep")
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{name: found[name] for name in kept}, State="DISABLED")


def group_of_another_name(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_SCHEDULE_GROUP", "nobodys")


def topic_of_another_region(d: Deployment) -> None:
    arn = d.made.topic_arns["chat-stream"].replace("us-east-1", "eu-west-1")
    d.setenv("SWITCHBOARD_CHAT_STREAM_TOPIC_ARN", arn)


def topic_closed(topic: str) -> Break:
    def change(d: Deployment) -> None:
        arn = d.made.topic_arns[topic]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        d.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=policy
        )

    return change


def subscription_of(d: Deployment, topic: str) -> str:
    listed = d.client("sns").list_subscriptions_by_topic(TopicArn=d.made.topic_arns[topic])
    return str(listed["Subscriptions"][0]["SubscriptionArn"])


def unsubscribed(d: Deployment) -> None:
    d.client("sns").unsubscribe(SubscriptionArn=subscription_of(d, "chat-stream"))


def raw_delivery(d: Deployment) -> None:
    d.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription_of(d, "inbound-sms"),
        AttributeName="RawMessageDelivery",
        AttributeValue="true",
    )


def table_gone(d: Deployment) -> None:
    d.client("dynamodb").delete_table(TableName=d.made.tables["profiles"])


def table_of_other_keys(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_SESSIONS_TABLE", d.made.tables["profiles"])


def ttl_off(d: Deployment) -> None:
    d.client("dynamodb").update_time_to_live(
        TableName=d.made.tables["calls"],
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "exp"},
    )


def bucket_gone(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_MEDIA_BUCKET", "nobodys-bucket")


def key_disabled(d: Deployment) -> None:
    d.client("kms").disable_key(KeyId=d.ground.kms_key)


def another_instance(d: Deployment) -> None:
    d.instance()["id"] = "10ca1000-0000-4000-8000-00000000dead"


def instance_failed(d: Deployment) -> None:
    d.instance()["status"] = "CREATION_FAILED"


def flow(number: int, **changes: Any) -> Break:
    def change(d: Deployment) -> None:
        d.instance()["flows"][number] |= changes

    return change


def storage_without(kind: str) -> Break:
    return lambda d: d.instance()["storage"].pop(kind)


def number(**changes: Any) -> Break:
    return lambda d: d.number().update(changes)


def registration_in_review(d: Deployment) -> None:
    d.world["sms_voice"]["registrations"][0]["status"] = "REVIEWING"


def both_managed(d: Deployment) -> None:
    d.number()["self_managed_opt_outs"] = False
    d.brands = d.brands.replace(
        'opt_out_list = "service"', 'opt_out_list = "service"\nopt_out_mode = "managed"'
    )


def brand_managed(d: Deployment) -> None:
    both_managed(d)
    d.number()["self_managed_opt_outs"] = True


def destination(**changes: Any) -> Break:
    def change(d: Deployment) -> None:
        d.world["sms_voice"]["configuration_sets"][0]["event_destinations"][0] |= changes

    return change


def set_of_another_name(d: Deployment) -> None:
    d.world["sms_voice"]["configuration_sets"][0]["name"] = "nobodys"


def knobs(section: str, **values: Any) -> Break:
    return lambda d: d.account.set_knobs(**{section: values})


def first_spend_limit(d: Deployment) -> None:
    del d.world["sms_voice"]["spend_limits"]


def no_suppressions(d: Deployment) -> None:
    d.world["ses"]["suppressed_reasons"] = ["COMPLAINT"]


def domain_gone(d: Deployment) -> None:
    d.world["customer_profiles"]["domains"][0]["name"] = "nobodys"


def object_type_gone(d: Deployment) -> None:
    del d.world["customer_profiles"]["domains"][0]["object_types"]["switchboard-paths"]


def key_closed_to_rules(d: Deployment) -> None:
    put_key_policy(d.client("kms"), d.ground.kms_key, ["sns.amazonaws.com"])


def no_sender_id(d: Deployment) -> None:
    del d.world["sms_voice"]["sender_ids"]


def unknown_pool(d: Deployment) -> None:
    d.brands = d.brands.replace('sender_ids = ["ACME"]', 'pools = ["pool-9"]')


def unknown_identity(d: Deployment) -> None:
    identity = 'sender_ids = ["ACME"]\norigination_identity = "pool-9"\npools = ["pool-9"]'
    d.brands = d.brands.replace('sender_ids = ["ACME"]', identity)


def mail_destination(**changes: Any) -> Break:
    def change(d: Deployment) -> None:
        d.world["ses"]["configuration_sets"][0]["event_destinations"][0] |= changes

    return change


def mail_set_gone(d: Deployment) -> None:
    d.world["ses"]["configuration_sets"][0]["name"] = "nobodys"


def quota(name: str, value: float) -> Break:
    def change(d: Deployment) -> None:
        d.world["service_quotas"] = {"connect": {name: value}}

    return change
