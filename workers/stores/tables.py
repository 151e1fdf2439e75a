"""One DynamoDB table, as the stores use it: plain values in, plain values out, our errors.

`Table` is the seam: `DynamoTable` talks to the service, `workers.stores.memory.MemoryTable` keeps
dictionaries. Knows nothing of sessions.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, assert_never

from botocore.exceptions import ClientError

from workers.errors import Blocked
from workers.stores.expressions import Condition, Item, Rendered, Update, Value
from workers.stores.faults import ask, error_code

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

Wire: TypeAlias = dict[str, Any]

_INTEGER = re.compile(r"-?\d{1,38}")
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class Key:
    """Which item. `sk` is empty where the table has no sort key."""

    pk: str
    sk: str = ""


class Refused(Exception):
    """The condition did not hold; `item` is what stood there, None when nothing did."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("refused")
        self.item = item


class UnknownFormat(Blocked):
    """An item of a format that this version does not read: a newer worker wrote it.

    While two versions run side by side, its message waits for the other.
    """

    def __init__(self) -> None:
        super().__init__("stored_item_of_unknown_format")


class Table(Protocol):
    """Items by key. Every method may raise `TransientError`, `Throttled`, `AccountProblem`.

    Items go in and come out without their key.
    """

    async def get(self, key: Key, *, consistent: bool) -> Item | None:
        """The item, if there is one."""
        ...

    async def put(self, key: Key, item: Item, condition: Condition | None = None) -> Item | None:
        """Write a whole item; returns what stood there. Raises `Refused`."""
        ...

    async def update(self, key: Key, update: Update) -> Item:
        """Change one item, or make it; returns it as it is then. Raises `Refused`."""
        ...

    async def delete(self, key: Key) -> bool:
        """Remove an item; whether there was one."""
        ...

    async def query(self, pk: str, sk_prefix: str = "") -> Mapping[str, Item]:
        """Every item of a partition by its sort key. Consistent."""
        ...


class Scannable(Protocol):
    """A table that can be walked through. For what people ask, never for a message's sake."""

    def scan(self, pk_prefix: str) -> AsyncIterator[tuple[Key, Item]]:
        """Every item whose partition begins so, in no order. Reads the whole table."""
        ...


class DynamoTable:
    """A table of the service."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    async def get(self, key: Key, *, consistent: bool) -> Item | None:
        """The item, if there is one."""
        answer = await ask(
            "dynamodb",
            "GetItem",
            lambda: self._client.get_item(
                TableName=self.name, Key=_wire_key(key), ConsistentRead=consistent
            ),
        )
        return _plain_item(answer.get("Item"))

    async def put(self, key: Key, item: Item, condition: Condition | None = None) -> Item | None:
        """Write a whole item; returns what stood there. Raises `Refused`."""
        rendered = Rendered()
        request: Wire = {"Item": {**_wire_key(key), **to_wire_item(item)}}
        if condition is not None:
            request["ConditionExpression"] = rendered.condition(condition)
            request |= _names_and_values(rendered)
        answer = await self._conditional("put_item", request, "ALL_OLD")
        return _plain_item(answer.get("Attributes"))

    async def update(self, key: Key, update: Update) -> Item:
        """Change one item, or make it; returns it as it is then. Raises `Refused`."""
        rendered = Rendered()
        request: Wire = {
            "Key": _wire_key(key),
            "UpdateExpression": rendered.actions(update.actions),
        }
        if update.condition is not None:
            request["ConditionExpression"] = rendered.condition(update.condition)
        answer = await self._conditional(
            "update_item", request | _names_and_values(rendered), "ALL_NEW"
        )
        return _plain_item(answer.get("Attributes")) or {}

    async def delete(self, key: Key) -> bool:
        """Remove an item; whether there was one."""
        answer = await ask(
            "dynamodb",
            "DeleteItem",
            lambda: self._client.delete_item(
                TableName=self.name, Key=_wire_key(key), ReturnValues="ALL_OLD"
            ),
        )
        return bool(answer.get("Attributes"))

    async def query(self, pk: str, sk_prefix: str = "") -> Mapping[str, Item]:
        """Every item of a partition by its sort key. Consistent."""
        request: Wire = {
            "TableName": self.name,
            "ConsistentRead": True,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": "pk"},
            "ExpressionAttributeValues": {":pk": {"S": pk}},
        }
        if sk_prefix:
            request["KeyConditionExpression"] += " AND begins_with(#sk, :sk)"
            request["ExpressionAttributeNames"]["#sk"] = "sk"
            request["ExpressionAttributeValues"][":sk"] = {"S": sk_prefix}
        found: dict[str, Item] = {}
        while True:
            answer = await ask("dynamodb", "Query", lambda: self._client.query(**request))
            for wire in answer["Items"]:
                found[wire["sk"]["S"]] = _plain_item(wire) or {}
            if not answer.get("LastEvaluatedKey"):
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def scan(self, pk_prefix: str) -> AsyncIterator[tuple[Key, Item]]:
        """Every item whose partition begins so, in no order. Reads the whole table."""
        request: Wire = {
            "TableName": self.name,
            "FilterExpression": "begins_with(#pk, :pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
            "ExpressionAttributeValues": {":pk": {"S": pk_prefix}},
        }
        while True:
            answer = await ask("dynamodb", "Scan", lambda: self._client.scan(**request))
            for wire in answer["Items"]:
                sk = wire.get("sk", {}).get("S", "")
                yield Key(wire["pk"]["S"], sk), _plain_item(wire) or {}
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def _conditional(self, method: str, request: Wire, returned: str) -> Wire:
        async def attempt() -> Wire | Refused:
            call = getattr(self._client, method)
            try:
                answer: Wire = await call(
                    TableName=self.name,
                    ReturnValues=returned,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **request,
                )
            except ClientError as failure:
                if error_code(failure) != _REFUSED:
                    raise
                wire: Any = failure.response
                return Refused(_plain_item(wire.get("Item")))
            return answer

        answer = await ask("dynamodb", method, attempt)
        if isinstance(answer, Refused):
            raise answer
        return answer


def _wire_key(key: Key) -> Wire:
    return {"pk": {"S": key.pk}} | ({"sk": {"S": key.sk}} if key.sk else {})


def _names_and_values(rendered: Rendered) -> Wire:
    parts: Wire = {"ExpressionAttributeNames": rendered.names}
    if rendered.values:
        parts["ExpressionAttributeValues"] = to_wire_item(rendered.values)
    return parts


def to_wire_item(item: Mapping[str, Value]) -> Wire:
    """Attributes as DynamoDB's JSON has them."""
    return {name: to_wire(value) for name, value in item.items()}


def to_wire(value: Value) -> Wire:
    """One value as DynamoDB's JSON has it: S, N, B, L or M."""
    match value:
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": to_wire_item(value)}
        case Sequence():
            return {"L": [to_wire(each) for each in value]}
        case _:
            assert_never(value)


def _plain_item(wire: Wire | None) -> Item | None:
    if not wire:
        return None
    return {name: from_wire(value) for name, value in wire.items() if name not in ("pk", "sk")}


def from_wire(wire: Wire) -> Value:
    """The value behind DynamoDB's type letter.

    Raises:
        UnknownFormat: a type, or a kind of number, that we never write.
    """
    ((letter, value),) = wire.items()
    match letter:
        case "S":
            return str(value)
        case "N" if _INTEGER.fullmatch(value):
            return int(value)
        case "B":
            return bytes(value)
        case "L":
            return [from_wire(each) for each in value]
        case "M":
            return {name: from_wire(each) for name, each in value.items()}
        case _:
            raise UnknownFormat
