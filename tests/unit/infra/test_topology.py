"""The rules over `infra/topology.json`, one planted contradiction each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from infra.topology import TOPOLOGY_PATH, load_topology
from schemas.topology import Topology


def test_shipped_file_keeps_all_rules() -> None:
    topology = load_topology()
    assert {queue.name for queue in topology.queues} >= {"inbound-sms", "chat-stream"}


def test_queue_is_found_by_name() -> None:
    topology = load_topology()
    assert topology.queue("chat-stream").handler == "chat_stream"
    with pytest.raises(KeyError):
        topology.queue("nobody")


def _rename_dlq(file: dict[str, Any]) -> None:
    file["queues"][0]["dlq"]["name"] = "other-dlq"


def _let_dlq_forget_first(file: dict[str, Any]) -> None:
    file["queues"][0]["dlq"]["retention_s"] = file["queues"][0]["retention_s"]


def _repeat_queue(file: dict[str, Any]) -> None:
    file["queues"].append(file["queues"][0])


def _leave_queue_untaken(file: dict[str, Any]) -> None:
    file["services"][0]["queues"].pop()


def _take_queue_twice(file: dict[str, Any]) -> None:
    file["services"][1]["queues"].append(file["services"][0]["queues"][0])


def _take_unknown_queue(file: dict[str, Any]) -> None:
    file["services"][0]["queues"].append("nobody")


def _repeat_service(file: dict[str, Any]) -> None:
    file["services"][1]["name"] = file["services"][0]["name"]


def _subscribe_unknown_queue(file: dict[str, Any]) -> None:
    file["subscriptions"][0]["queue"] = "nobody"


def _subscribe_unknown_topic(file: dict[str, Any]) -> None:
    file["subscriptions"].append(
        {"topic": "x-topic", "queue": "chat-stream", "raw_delivery": False}
    )


def _leave_topic_unread(file: dict[str, Any]) -> None:
    file["subscriptions"].pop()


def _deliver_raw(file: dict[str, Any]) -> None:
    file["subscriptions"][0]["raw_delivery"] = True


def _aim_rule_at_nothing(file: dict[str, Any]) -> None:
    file["rules"][0]["queue"] = "nobody"


def _take_the_whole_bus(file: dict[str, Any]) -> None:
    del file["rules"][0]["pattern"]["source"]


def _make_redrive_a_retry_policy(file: dict[str, Any]) -> None:
    file["queues"][0]["max_receive_count"] = 5


def _expire_by_the_key(file: dict[str, Any]) -> None:
    file["tables"][0]["ttl_attribute"] = file["tables"][0]["sort_key"]


def _aim_schedule_at_nothing(file: dict[str, Any]) -> None:
    file["schedules"][0]["queue"] = "nobody"


def _repeat_schedule(file: dict[str, Any]) -> None:
    file["schedules"].append(file["schedules"][0])


def _make_all_ticks_one(file: dict[str, Any]) -> None:
    file["schedules"][0]["input"]["tick"] = "always"


def _tick_every_minute_or_so(file: dict[str, Any]) -> None:
    file["schedules"][0]["rate"] = "rate(4 minutes)"


def _write_a_rate_as_nobody_does(file: dict[str, Any]) -> None:
    file["schedules"][0]["rate"] = "rate(1 hour)"


def _misspell_a_field(file: dict[str, Any]) -> None:
    file["queues"][0]["visibilty_timeout_s"] = 30


def _write_a_number_as_text(file: dict[str, Any]) -> None:
    file["queues"][0]["visibility_timeout_s"] = "30"


def _change_version(file: dict[str, Any]) -> None:
    file["version"] = 2


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(_rename_dlq, "must be inbound-sms-dlq", id="dlq_is_named_after_its_queue"),
        pytest.param(_let_dlq_forget_first, "must keep longer", id="dlq_outlasts_its_queue"),
        pytest.param(_repeat_queue, "queue named twice", id="queue_named_twice"),
        pytest.param(_leave_queue_untaken, "no service takes: chat-commands", id="queue_untaken"),
        pytest.param(_take_queue_twice, "in services named twice: inbound-sms", id="taken_twice"),
        pytest.param(_take_unknown_queue, "of a service that does not exist", id="takes_nobody"),
        pytest.param(_repeat_service, "service named twice", id="service_named_twice"),
        pytest.param(_subscribe_unknown_queue, "does not exist: nobody", id="unknown_queue"),
        pytest.param(_subscribe_unknown_topic, "does not exist: x-topic", id="unknown_topic"),
        pytest.param(_leave_topic_unread, "nobody reads: chat-stream", id="topic_unread"),
        pytest.param(_deliver_raw, "raw_delivery", id="raw_delivery_would_lose_the_time"),
        pytest.param(_aim_rule_at_nothing, "does not exist: nobody", id="rule_without_queue"),
        pytest.param(_take_the_whole_bus, "takes the whole bus", id="rule_without_source"),
        pytest.param(_make_redrive_a_retry_policy, "max_receive_count", id="redrive_is_a_net"),
        pytest.param(_expire_by_the_key, "attributes of their own", id="ttl_is_no_key"),
        pytest.param(_aim_schedule_at_nothing, "does not exist: nobody", id="schedule_to_nobody"),
        pytest.param(_repeat_schedule, "schedule named twice", id="schedule_named_twice"),
        pytest.param(_make_all_ticks_one, "no value of its input", id="ticks_are_told_apart"),
        pytest.param(_tick_every_minute_or_so, "every five minutes", id="ticks_are_seldom"),
        pytest.param(_write_a_rate_as_nobody_does, "rate", id="rate_in_another_form"),
        pytest.param(_misspell_a_field, "visibilty_timeout_s", id="unknown_field"),
        pytest.param(_write_a_number_as_text, "visibility_timeout_s", id="number_as_text"),
        pytest.param(_change_version, "version", id="version_of_another_reader"),
    ],
)
def test_contradiction_is_refused_by_name(
    spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    file = json.loads(TOPOLOGY_PATH.read_text("utf-8"))
    spoil(file)
    with pytest.raises(ValidationError, match=told):
        Topology.model_validate_json(json.dumps(file))


def test_longest_retention_may_be_both_ends() -> None:
    commands = load_topology().queue("chat-commands")
    assert commands.retention_s == commands.dlq.retention_s
