"""The stores in memory: the same steps and the same reading of refusals, on dictionaries.

For tests and for the deterministic simulation. Only the table is another one: the contract suite
runs on both, and a key ring seals here too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, assert_never

from workers.stores.address_health import TableAddressHealth
from workers.stores.crypto import KEY_BYTES, FileKeyRing, KeyRing
from workers.stores.expressions import (
    Above,
    Absent,
    Action,
    AllOf,
    AnyOf,
    Append,
    Below,
    Comparison,
    Condition,
    Default,
    Equals,
    Increase,
    Item,
    Lacks,
    OneOf,
    Path,
    Present,
    Remove,
    Set,
    Update,
)
from workers.stores.suppressions import TableSuppressions
from workers.stores.tables import Key, Refused

_NOTHING: Any = object()

Pause = Callable[[str], Awaitable[None]]
"""Awaited before each call of the table with its name; may let others run, or raise our errors."""


class MemoryTable:
    """A table as a dictionary. `counts` of calls are for looking."""

    def __init__(self, pause: Pause | None = None) -> None:
        self.items: dict[Key, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.pause = pause

    async def get(self, key: Key, *, consistent: bool) -> Item | None:  # noqa: ARG002
        """The item, if there is one."""
        await self._called("get")
        return _copied(self.items.get(key))

    async def put(self, key: Key, item: Item, condition: Condition | None = None) -> Item | None:
        """Write a whole item; returns what stood there. Raises `Refused`."""
        await self._called("put")
        old = self.items.get(key)
        if condition is not None and not _holds(condition, _with_key(key, old)):
            raise Refused(_copied(old))
        self.items[key] = _plain(item)
        return old

    async def update(self, key: Key, update: Update) -> Item:
        """Change one item, or make it; returns it as it is then. Raises `Refused`."""
        await self._called("update")
        old = self.items.get(key)
        if update.condition is not None and not _holds(update.condition, _with_key(key, old)):
            raise Refused(_copied(old))
        self.items[key] = _carried_out(update.actions, old or {})
        return dict(_plain(self.items[key]))

    async def delete(self, key: Key) -> bool:
        """Remove an item; whether there was one."""
        await self._called("delete")
        return self.items.pop(key, None) is not None

    async def query(self, pk: str, sk_prefix: str = "") -> Mapping[str, Item]:
        """Every item of a partition by its sort key."""
        await self._called("query")
        return {
            key.sk: _plain(item)
            for key, item in sorted(self.items.items(), key=lambda pair: pair[0].sk)
            if key.pk == pk and key.sk.startswith(sk_prefix)
        }

    async def scan(self, pk_prefix: str) -> AsyncIterator[tuple[Key, Item]]:
        """Every item whose partition begins so, in no order."""
        await self._called("scan")
        for key, item in list(self.items.items()):
            if key.pk.startswith(pk_prefix):
                yield key, dict(_plain(item))

    async def _called(self, name: str) -> None:
        if self.pause is not None:
            await self.pause(name)
        self.calls.append(name)


class MemorySuppressions(TableSuppressions):
    """Suppressions in memory."""

    def __init__(self, keys: KeyRing | None = None) -> None:
        self.table = MemoryTable()
        super().__init__(self.table, keys or memory_keys())


class MemoryAddressHealth(TableAddressHealth):
    """Address records in memory."""

    def __init__(self, keys: KeyRing | None = None, table: MemoryTable | None = None) -> None:
        self.table = table or MemoryTable()
        super().__init__(self.table, keys or memory_keys())


def memory_keys() -> KeyRing:
    """A key ring that is the same in every run: its secrets guard nothing."""
    return FileKeyRing(bytes(KEY_BYTES))


def _with_key(key: Key, item: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {} if item is None else {"pk": key.pk, "sk": key.sk, **item}


def _copied(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if item is None else dict(_plain(item))


def _plain(value: Any) -> Any:
    """A copy of its own, in the types that the service gives back."""
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _found(item: Mapping[str, Any], path: Path) -> Any:
    value: Any = item
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError):
            return _NOTHING
    return value


def _holds(condition: Condition, item: Mapping[str, Any]) -> bool:
    match condition:
        case AllOf(conditions):
            return all(_holds(each, item) for each in conditions)
        case AnyOf(conditions):
            return any(_holds(each, item) for each in conditions)
        case Absent(path):
            return _found(item, path) is _NOTHING
        case Present(path):
            return _found(item, path) is not _NOTHING
        case Equals() | Below() | Above() | OneOf() | Lacks():
            return _compares(condition, _found(item, condition.path))
        case _:
            assert_never(condition)


def _compares(condition: Comparison, found: Any) -> bool:
    if found is _NOTHING:
        return isinstance(condition, Lacks)
    match condition:
        case Equals(_, value):
            return bool(found == value)
        case Below(_, value):
            return bool(found < value)
        case Above(_, value):
            return bool(found > value)
        case OneOf(_, values):
            return found in values
        case Lacks(_, value):
            return value not in found
        case _:
            assert_never(condition)


def _carried_out(actions: tuple[Action, ...], old: Mapping[str, Any]) -> dict[str, Any]:
    """The item afterwards. Every action sees the item as it was before all of them."""
    new: dict[str, Any] = _plain(old)
    for action in actions:
        if not isinstance(action, Remove):
            _parent(new, action.path)[action.path[-1]] = _plain(_written(action, old))
    removed = [action.path for action in actions if isinstance(action, Remove)]
    for path in sorted(removed, key=_last_index, reverse=True):
        if _found(new, path) is not _NOTHING:
            del _parent(new, path)[path[-1]]
    return new


def _written(action: Set | Default | Increase | Append, old: Mapping[str, Any]) -> Any:
    found = _found(old, action.path)
    match action:
        case Set(_, value):
            return value
        case Default(_, value):
            return value if found is _NOTHING else found
        case Increase(_, by, start):
            return (start if found is _NOTHING else found) + by
        case Append(_, values):
            return [*([] if found is _NOTHING else found), *values]
        case _:
            assert_never(action)


def _parent(item: dict[str, Any], path: Path) -> Any:
    parent = _found(item, path[:-1])
    if parent is _NOTHING:
        raise ValueError("the path leads nowhere: a condition should have refused this step")
    return parent


def _last_index(path: Path) -> int:
    last = path[-1]
    return last if isinstance(last, int) else -1
