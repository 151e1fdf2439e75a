"""boto3 in threads: each has a client of its own, receives ten, handles them, deletes ten."""

from __future__ import annotations

import json
import os
import threading

import boto3
from botocore.config import Config

QUEUE_URL = os.environ["BENCH_QUEUE_URL"]
SETTINGS = json.loads(os.environ["BENCH_SETTINGS"])


def handle(_body: str) -> None:
    """The same as everybody's: nothing."""


def poll() -> None:
    """Poll until the process is killed."""
    # Clients are made one by one: a session's are not to be made in several threads at once.
    with making:
        client = boto3.session.Session().client("sqs", config=Config(read_timeout=30))
    while True:
        answer = client.receive_message(
            QueueUrl=QUEUE_URL, MaxNumberOfMessages=10, WaitTimeSeconds=20
        )
        messages = answer.get("Messages", [])
        if not messages:
            continue
        for message in messages:
            handle(message["Body"])
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        client.delete_message_batch(QueueUrl=QUEUE_URL, Entries=entries)


making = threading.Lock()
for _ in range(SETTINGS["threads"]):
    threading.Thread(target=poll).start()
