"""An SQS of one process that costs less than those it measures. For `make bench` alone.

Speaks what today's SDKs speak, AWS JSON 1.0, and checks no signature. `X-Amz-Target: Bench.*`
are the benchmark's own calls: Samples, Fill, Mark, State, Wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from bench.sqs_queue import SqsQueue

HEAD_END = b"\r\n\r\n"
TARGET = re.compile(rb"^x-amz-target: *(\w+\.\w+)", re.IGNORECASE | re.MULTILINE)
LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
MAX_WAIT_S = 600.0

Reply = Callable[[str], None]


class Broker:
    """All queues, made when they are first named, and those who wait for something of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._queues: defaultdict[str, SqsQueue] = defaultdict(SqsQueue)
        self._polls: defaultdict[str, list[Callable[[], bool]]] = defaultdict(list)
        self._waits: list[Callable[[], bool]] = []

    def call(self, target: str, request: dict[str, Any], reply: Reply) -> None:
        """Answer one call, now or when there is something to say."""
        service, _, operation = target.partition(".")
        name = str(request.get("QueueUrl") or request.get("QueueName", "")).rpartition("/")[2]
        queue = self._queues[name]
        if service == "Bench":
            getattr(self, f"_bench_{operation.lower()}")(name, queue, request, reply)
        elif operation == "ReceiveMessage":
            self._receive(name, queue, request, reply)
        else:
            queue.calls[operation] += 1
            reply(self._answer(operation, name, queue, request))
            if operation.startswith("Delete"):
                self._waits = [wait for wait in self._waits if not wait()]
            if operation.startswith("Change"):
                self._hand_out(name)

    def _receive(self, name: str, queue: SqsQueue, request: dict[str, Any], reply: Reply) -> None:
        ends_at = time.monotonic() + request.get("WaitTimeSeconds", 0)
        names = request.get("MessageSystemAttributeNames") or request.get("AttributeNames") or []
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def poll() -> bool:
            is_over = time.monotonic() >= ends_at
            if not queue.ready and not is_over:
                return False
            if timer is not None:
                timer.cancel()
            # Counted when it is answered: the polls that wait before a run are none of its own.
            queue.calls["ReceiveMessage"] += 1
            messages = queue.receive(request.get("MaxNumberOfMessages", 1), names)
            reply(f'{{"Messages":[{",".join(messages)}]}}' if messages else "{}")
            return True

        if not poll():
            self._polls[name].append(poll)
            timer = loop.call_at(ends_at + 0.001, self._hand_out, name)

    def _hand_out(self, name: str) -> None:
        self._polls[name] = [poll for poll in self._polls[name] if not poll()]

    def _answer(self, operation: str, name: str, queue: SqsQueue, request: dict[str, Any]) -> str:
        if operation in _ANSWERS:
            return _ANSWERS[operation](queue, request)
        # GetQueueUrl, CreateQueue and whatever a peer asks at its start.
        return json.dumps({"QueueUrl": f"{self.url}/000000000000/{name}"})

    # --- the benchmark's own calls ---------------------------------------------------------------

    def _bench_samples(
        self, _name: str, queue: SqsQueue, request: dict[str, Any], reply: Reply
    ) -> None:
        for entry in request.get("Entries", ()):
            queue.send(entry)
        reply(json.dumps({"Entries": queue.sent}))

    def _bench_fill(
        self, name: str, queue: SqsQueue, request: dict[str, Any], reply: Reply
    ) -> None:
        queue.fill(request["Count"])
        reply("{}")
        self._hand_out(name)

    def _bench_mark(
        self, _name: str, queue: SqsQueue, _request: dict[str, Any], reply: Reply
    ) -> None:
        queue.mark()
        reply(json.dumps({"CpuSeconds": time.process_time()}))

    def _bench_state(
        self, name: str, queue: SqsQueue, _request: dict[str, Any], reply: Reply
    ) -> None:
        reply(
            json.dumps(
                {
                    "Calls": queue.calls,
                    "Deleted": queue.deleted,
                    "Seconds": queue.deleted_at - queue.filled_at,
                    "Polling": len(self._polls[name]),
                    "CpuSeconds": time.process_time(),
                }
            )
        )

    def _bench_wait(
        self, name: str, queue: SqsQueue, request: dict[str, Any], reply: Reply
    ) -> None:
        """Answer when so many were deleted. The caller's own timeout is the only one."""

        def is_done() -> bool:
            if queue.deleted < request["Deleted"]:
                return False
            self._bench_state(name, queue, request, reply)
            return True

        if not is_done():
            self._waits.append(is_done)


def _delete(queue: SqsQueue, request: dict[str, Any]) -> str:
    queue.delete(request["ReceiptHandle"])
    return "{}"


def _delete_batch(queue: SqsQueue, request: dict[str, Any]) -> str:
    return _batch((entry, queue.delete(entry["ReceiptHandle"])) for entry in request["Entries"])


def _change(queue: SqsQueue, request: dict[str, Any]) -> str:
    queue.change_visibility(request["ReceiptHandle"], request["VisibilityTimeout"])
    return "{}"


def _change_batch(queue: SqsQueue, request: dict[str, Any]) -> str:
    return _batch(
        (entry, queue.change_visibility(entry["ReceiptHandle"], entry["VisibilityTimeout"]))
        for entry in request["Entries"]
    )


def _send(queue: SqsQueue, request: dict[str, Any]) -> str:
    queue.send(request)
    return json.dumps(_sent(request))


def _send_batch(queue: SqsQueue, request: dict[str, Any]) -> str:
    for entry in request["Entries"]:
        queue.send(entry)
    sent = [_sent(entry) | {"Id": entry["Id"]} for entry in request["Entries"]]
    return json.dumps({"Successful": sent, "Failed": []})


_ANSWERS: dict[str, Callable[[SqsQueue, dict[str, Any]], str]] = {
    "ChangeMessageVisibility": _change,
    "ChangeMessageVisibilityBatch": _change_batch,
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _delete_batch,
    "SendMessage": _send,
    "SendMessageBatch": _send_batch,
}


def _batch(done: Iterable[tuple[dict[str, Any], bool]]) -> str:
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry, is_done in done:
        if is_done:
            successful.append({"Id": entry["Id"]})
        else:
            refusal = {"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True}
            failed.append(refusal)
    return json.dumps({"Successful": successful, "Failed": failed})


def _sent(entry: dict[str, Any]) -> dict[str, str]:
    digest = hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
    return {"MessageId": "00000000-0000-4000-8000-000000000000", "MD5OfMessageBody": digest}


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as SDKs use it: keep-alive, a length, one call after another."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every call that is there whole."""
        self._received += data
        while True:
            head_size = self._received.find(HEAD_END)
            if head_size < 0:
                return
            head = self._received[:head_size]
            length = LENGTH.search(head)
            size = head_size + len(HEAD_END) + (int(length[1]) if length else 0)
            if len(self._received) < size:
                return
            body, self._received = (
                self._received[head_size + len(HEAD_END) : size],
                self._received[size:],
            )
            target = TARGET.search(head)
            self._broker.call(
                target[1].decode() if target else "", json.loads(body or b"{}"), self._reply
            )

    def _reply(self, body: str) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        content = body.encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 0f7e2b6c-5d1a-5c2e-9d8f-1a2b3c4d5e6f\r\n"
            b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
            % len(content)
            + content
        )


async def serve(port: int) -> None:
    """Serve on the loopback until killed."""
    broker = Broker(f"http://127.0.0.1:{port}")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(broker), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
