"""Counts writes where they are billed: an HTTP proxy in front of the DynamoDB endpoint.

Every item written counts once, refused conditions too: DynamoDB bills those like any other write.
Reads are counted apart. The fleet's table is left out: a worker's sign of life every two seconds is
the price of a worker, not of a message.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from aiohttp import web

from demo.proxy import Answer, EndpointProxy
from infra.local.endpoints import LocalAws

_ONE_WRITE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
FLEET_TABLE = "fleet"
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})


class WriteCounter(EndpointProxy):
    """The proxy. `calls` counts operations by name, as they come in."""

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws, "DynamoDB")
        self.calls: Counter[str] = Counter()
        self.writes = 0

    @property
    def reads(self) -> int:
        """Read requests so far."""
        return sum(count for name, count in self.calls.items() if name in _READS)

    async def serve(self, request: web.Request, operation: str, body: bytes) -> Answer:
        """Count, and pass on."""
        self.calls[operation] += 1
        self.writes += writes_of(operation, body)
        return await super().serve(request, operation, body)


def writes_of(operation: str, body: bytes) -> int:
    """How many items one request writes, of the fleet's table none."""
    if operation in _ONE_WRITE:
        return not str(json.loads(body)["TableName"]).endswith(FLEET_TABLE)
    match operation:
        case "BatchWriteItem":
            tables: dict[str, list[Any]] = json.loads(body)["RequestItems"]
            return sum(len(requests) for requests in tables.values())
        case "TransactWriteItems":
            return sum("ConditionCheck" not in item for item in json.loads(body)["TransactItems"])
        case _:
            return 0
