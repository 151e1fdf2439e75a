"""The broker of the benchmark: what it must do right for the figures to mean anything."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bench.sqs_queue import SqsQueue


def filled(count: int, **sent: Any) -> SqsQueue:
    queue = SqsQueue()
    queue.send({"MessageBody": "h\u00e9llo"} | sent)
    queue.send({"MessageBody": "second"} | sent)
    queue.fill(count)
    return queue


def received(queue: SqsQueue, count: int = 10, names: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [json.loads(message) for message in queue.receive(count, list(names))]


def test_nothing_comes_before_it_is_filled() -> None:
    queue = SqsQueue()
    queue.send({"MessageBody": "sample"})
    assert received(queue) == []


def test_every_message_comes_once_under_its_own_id_and_handle() -> None:
    queue = filled(25)
    messages = [message for _ in range(4) for message in received(queue)]
    assert len({message["MessageId"] for message in messages}) == 25
    assert len({message["ReceiptHandle"] for message in messages}) == 25
    assert queue.ready == 0


def test_samples_take_turns_with_the_digest_that_clients_check() -> None:
    first, second = received(filled(2))
    assert (first["Body"], second["Body"]) == ("h\u00e9llo", "second")
    assert first["MD5OfBody"] == hashlib.md5("h\u00e9llo".encode()).hexdigest()  # noqa: S324


def test_a_peers_own_attributes_come_back() -> None:
    attributes = {"job": {"DataType": "String", "StringValue": "handle"}}
    [message] = received(filled(1, MessageAttributes=attributes))
    assert message["MessageAttributes"] == attributes


def test_only_the_system_attributes_asked_for_are_sent() -> None:
    queue = filled(3)
    assert "Attributes" not in received(queue, 1)[0]
    assert set(received(queue, 1, ("SentTimestamp",))[0]["Attributes"]) == {"SentTimestamp"}
    assert "ApproximateReceiveCount" in received(queue, 1, ("All",))[0]["Attributes"]


def test_a_delete_counts_once_and_for_what_is_in_flight_only() -> None:
    queue = filled(1)
    [message] = received(queue)
    assert queue.delete(message["ReceiptHandle"])
    assert not queue.delete(message["ReceiptHandle"])
    assert not queue.delete("nobody's")
    assert queue.deleted == 1


def test_what_is_given_back_comes_again() -> None:
    queue = filled(1)
    [message] = received(queue)
    assert queue.change_visibility(message["ReceiptHandle"], 30)
    assert received(queue) == []
    assert queue.change_visibility(message["ReceiptHandle"], 0)
    assert received(queue)[0]["MessageId"] == message["MessageId"]
