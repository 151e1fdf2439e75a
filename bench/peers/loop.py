"""The yardstick: the loop that a good engineer writes by hand on aiobotocore."""

from __future__ import annotations

import asyncio
import json
import os

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

QUEUE_URL = os.environ["BENCH_QUEUE_URL"]
SETTINGS = json.loads(os.environ["BENCH_SETTINGS"])


async def handle(_body: str) -> None:
    """The same as everybody's: nothing."""


async def poll(client) -> None:
    """Receive ten, handle them, delete ten."""
    while True:
        answer = await client.receive_message(
            QueueUrl=QUEUE_URL, MaxNumberOfMessages=10, WaitTimeSeconds=20
        )
        messages = answer.get("Messages", [])
        if not messages:
            continue
        await asyncio.gather(*(handle(message["Body"]) for message in messages))
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        await client.delete_message_batch(QueueUrl=QUEUE_URL, Entries=entries)


async def main() -> None:
    """Poll until killed."""
    config = AioConfig(max_pool_connections=2 * SETTINGS["pollers"], read_timeout=30)
    async with get_session().create_client("sqs", config=config) as client:
        await asyncio.gather(*(poll(client) for _ in range(SETTINGS["pollers"])))


asyncio.run(main())
