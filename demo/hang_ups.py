"""Notices what the emulator's SQS does not: that who polled has hung up.

MiniStack goes on with the long poll of a killed worker and hands it messages, which are then
hidden for a whole visibility timeout although nobody ever had them. With a kill every two seconds
most messages would go that way, and what is measured would be the emulator. This proxy gives such
messages back at once, as if the poll had ended with its connection.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import ClientError, web

from demo.proxy import Answer, EndpointProxy
from infra.local.endpoints import LocalAws

OK = 200


class HangUps(EndpointProxy):
    """The proxy. `given_back` counts the messages that went to nobody."""

    def __init__(self, aws: LocalAws, service_id: str = "SQS") -> None:
        super().__init__(aws, service_id)
        self.given_back = 0
        self._after: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request, operation: str, body: bytes) -> Answer:
        """Pass on; a receive whose client is gone is finished and undone."""
        if operation != "ReceiveMessage":
            return await super().serve(request, operation, body)
        receive = asyncio.ensure_future(super().serve(request, operation, body))
        try:
            return await asyncio.shield(receive)
        except asyncio.CancelledError:
            undo = asyncio.ensure_future(self._undo(receive, request, body))
            self._after.add(undo)
            undo.add_done_callback(self._after.discard)
            raise

    async def give_back(self, request: web.Request, body: bytes, answer: Answer) -> None:
        """Show again what this receive was answered with."""
        messages = json.loads(answer.body).get("Messages", []) if answer.status == OK else []
        if not messages:
            return
        self.given_back += len(messages)
        entries = [
            {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0}
            for n, m in enumerate(messages)
        ]
        change = {"QueueUrl": json.loads(body)["QueueUrl"], "Entries": entries}
        headers = {
            **request.headers,
            "X-Amz-Target": "AmazonSQS.ChangeMessageVisibilityBatch",
        }
        await self.pass_on("POST", request.path_qs, headers, json.dumps(change).encode())

    async def _undo(
        self, receive: asyncio.Future[Answer], request: web.Request, body: bytes
    ) -> None:
        try:
            answer = await receive
        except ClientError:
            return  # The emulator went first: nothing was handed to anybody.
        await self.give_back(request, body, answer)
