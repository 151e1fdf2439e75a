"""What is known of chats beside their session: who is behind a contact, the tokens, the starts.

Facts that repeat equal, so nothing here is fenced. Both are asked for on every message and hardly
ever change, so both are cached in the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime

from workers.stores.bounded import Bounded
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Increase, Item, Set, Update, Value, absent_or_below, both
from workers.stores.items import check_format
from workers.stores.protocols import ChatTokens, ContactRef
from workers.stores.steps import FORMAT, IS_OURS_OR_NEW
from workers.stores.tables import Key, Refused, Table

CONTACT_TTL_S = 30 * 86_400
TOKENS_TTL_S = 8 * 86_400
"""A chat lasts at most 7 days."""
STARTS_TTL_S = 3_600
CACHED_MAX = 10_000
_MINUTE_MS = 60_000


class Contacts:
    """The contact map, `C#<contact id>`: written before a chat streams, never changed."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: Bounded[str, ContactRef] = Bounded(CACHED_MAX)

    async def record(self, contact_id: str, ref: ContactRef, *, now_ms: int) -> None:
        """W4: who is behind a contact."""
        exp = now_ms // 1000 + CONTACT_TTL_S
        item: Item = {"v": FORMAT, "sid": ref.sid, "g": ref.gen, "exp": exp}
        await self._table.put(Key(f"C#{contact_id}", "A"), item)
        self._known.put(contact_id, ref)

    async def find(self, contact_id: str) -> ContactRef | None:
        """Who is behind a contact; None is not remembered."""
        known = self._known.get(contact_id)
        if known is not None:
            return known
        item = await self._table.get(Key(f"C#{contact_id}", "A"), consistent=True)
        if item is None:
            return None
        check_format(item)
        ref = ContactRef(sid=str(item["sid"]), gen=_number(item["g"]))
        self._known.put(contact_id, ref)
        return ref


class TokenShelf:
    """The tokens of each generation, `S#<sid>` / `T#<gen>`, sealed."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys
        self._known: Bounded[tuple[str, int], ChatTokens] = Bounded(CACHED_MAX)

    async def record(self, sid: str, gen: int, tokens: ChatTokens, *, now_ms: int) -> None:
        """W4: the newest wins."""
        item: Item = {
            "v": FORMAT,
            "pt": await self._seal(tokens.participant_token, sid, gen, "pt"),
            "ct": await self._seal(tokens.connection_token, sid, gen, "ct"),
            "ce": _epoch_ms(tokens.connection_expires_at),
            "pi": tokens.participant_id,
            "exp": now_ms // 1000 + TOKENS_TTL_S,
        }
        await self._table.put(_tokens_key(sid, gen), item)
        self._known.put((sid, gen), tokens)

    async def find(self, sid: str, gen: int) -> ChatTokens | None:
        """The tokens of a generation; another worker's renewal is not seen while ours are cached.

        Harmless: a refused connection token is renewed with the participant token.
        """
        known = self._known.get((sid, gen))
        if known is not None:
            return known
        item = await self._table.get(_tokens_key(sid, gen), consistent=True)
        if item is None:
            return None
        check_format(item)
        tokens = ChatTokens(
            participant_token=await self._open(item["pt"], sid, gen, "pt"),
            connection_token=await self._open(item["ct"], sid, gen, "ct"),
            connection_expires_at=datetime.fromtimestamp(_number(item["ce"]) / 1000, UTC),
            participant_id=str(item["pi"]),
        )
        self._known.put((sid, gen), tokens)
        return tokens

    async def _seal(self, token: str, sid: str, gen: int, name: str) -> bytes:
        return await self._keys.seal(token.encode(), f"{sid}|T#{gen}|{name}")

    async def _open(self, sealed: Value, sid: str, gen: int, name: str) -> str:
        blob = sealed if isinstance(sealed, bytes) else b""
        return (await self._keys.open(blob, f"{sid}|T#{gen}|{name}")).decode()


class StartCounter:
    """Chat starts per scope and minute, `N#<scope>` / `<minute>`: one atomic counter each."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def count(self, scope: str, *, now_ms: int, limit: int) -> bool:
        """Count one; False when it is one too many.

        A start whose call the SDK had to repeat may count twice: the limit errs to the safe side.
        """
        minute = now_ms // _MINUTE_MS
        exp = now_ms // 1000 + STARTS_TTL_S
        counted = Update(
            (Increase(("n",), 1), Set(("exp",), exp), Set(("v",), FORMAT)),
            both(absent_or_below(("n",), limit), IS_OURS_OR_NEW),
        )
        try:
            await self._table.update(Key(f"N#{scope}", str(minute)), counted)
        except Refused as refused:
            check_format(refused.item or {})
            return False
        return True


def _tokens_key(sid: str, gen: int) -> Key:
    return Key(f"S#{sid}", f"T#{gen}")


def _epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
