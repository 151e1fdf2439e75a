"""Encryption at rest: AES-256-GCM under data keys, and keyed hashes for names of people.

A sealed value is one byte of format, eight of key id, twelve of nonce, then the ciphertext with
its tag. What it belongs to (the session and the attribute) is authenticated with it, so a value
moved elsewhere does not open. Data keys come from KMS, each stored once, encrypted, beside the
sessions, where every worker finds it; or all from one local key file.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workers.errors import Blocked, SettingsError, SwitchboardError, Throttled, TransientError
from workers.stores.bounded import Bounded
from workers.stores.expressions import Absent, Item
from workers.stores.faults import ask
from workers.stores.tables import DynamoTable, Key, Refused, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_kms import KMSClient

Answered = TypeVar("Answered")

KEY_BYTES = 32
_FORMAT = 1
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_OVERHEAD_BYTES = 1 + _KEY_ID_BYTES + _NONCE_BYTES
_OPENED_KEYS_MAX = 1_000
_HASH_KEY_NAME = "hash"
_RECORD_FORMAT = 1


class Unopenable(Blocked):
    """A stored value does not open: another key or context made it, or it was changed."""


class KeyRing(Protocol):
    """Seals what is secret, and hashes what only has to be found again.

    `context` is authenticated, not stored: the same must be given to open.
    """

    async def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt. May fetch a key. Raises `Throttled`, `Blocked`, `AccountProblem`."""
        ...

    async def open(self, blob: bytes, context: str) -> bytes:
        """Decrypt. May fetch a key. As `seal`, and raises `Unopenable`."""
        ...

    def digest(self, text: str) -> bytes:
        """HMAC-SHA256 of a text: the same for every worker of the fleet, told by nobody else."""
        ...


@dataclass(frozen=True, slots=True)
class _DataKey:
    id: bytes
    cipher: AESGCM

    def seal(self, plaintext: bytes, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self.cipher.encrypt(nonce, plaintext, _bound(context))
        return bytes([_FORMAT]) + self.id + nonce + sealed

    def open(self, blob: bytes, context: str) -> bytes:
        nonce = blob[1 + _KEY_ID_BYTES : _OVERHEAD_BYTES]
        try:
            return self.cipher.decrypt(nonce, blob[_OVERHEAD_BYTES:], _bound(context))
        except InvalidTag:
            pass
        raise Unopenable("sealed_value_does_not_open")


def _bound(context: str) -> bytes:
    return f"switchboard.{_FORMAT}|{context}".encode()


def _key_id(blob: bytes) -> bytes:
    if len(blob) < _OVERHEAD_BYTES or blob[0] != _FORMAT:
        raise Unopenable("sealed_value_of_unknown_format")
    return blob[1 : 1 + _KEY_ID_BYTES]


def _derived(secret: bytes, purpose: str, length_bytes: int = KEY_BYTES) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=length_bytes, salt=None, info=purpose.encode())
    return derive.derive(secret)


class FileKeyRing:
    """Everything from one key file of 32 random bytes. For local use: it is never rotated.

    Raises:
        SettingsError: the file does not hold exactly 32 bytes.
    """

    def __init__(self, content: bytes) -> None:
        if len(content) != KEY_BYTES:
            raise SettingsError(
                f"the key file must hold exactly {KEY_BYTES} random bytes, not {len(content)}: "
                f"make one with `head -c {KEY_BYTES} /dev/urandom > FILE`"
            )
        key_id = _derived(content, "switchboard key id", _KEY_ID_BYTES)
        self._key = _DataKey(key_id, AESGCM(_derived(content, "switchboard data")))
        self._hash_key = _derived(content, "switchboard hash")

    async def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt."""
        return self._key.seal(plaintext, context)

    async def open(self, blob: bytes, context: str) -> bytes:
        """Decrypt. Raises `Unopenable`."""
        if _key_id(blob) != self._key.id:
            raise Unopenable("sealed_with_another_key")
        return self._key.open(blob, context)

    def digest(self, text: str) -> bytes:
        """HMAC-SHA256 of a text."""
        return hmac.digest(self._hash_key, text.encode(), sha256)


@dataclass(frozen=True, slots=True)
class Rotation:
    """When this process stops sealing with a data key. Random nonces bear far more uses."""

    uses_max: int = 1_000_000
    age_max_s: float = 86_400


class KmsKeyRing:
    """Data keys made by KMS, cached here; made with `load`.

    One Generate for each process and rotation, one Get and one Decrypt for each key of another
    process. Stored keys have no expiry: a session's numbers stay sealed by its first key.
    """

    def __init__(
        self,
        vault: _Vault,
        hash_key: bytes,
        rotation: Rotation,
        monotonic: Callable[[], float],
    ) -> None:
        self._vault = vault
        self._hash_key = hash_key
        self._rotation = rotation
        self._monotonic = monotonic
        self._opened: Bounded[bytes, _DataKey] = Bounded(_OPENED_KEYS_MAX)
        self._sealing: _DataKey | None = None
        self._uses = 0
        self._made_at_s = 0.0
        self._lock = asyncio.Lock()

    @classmethod
    async def load(
        cls,
        kms: KMSClient,
        dynamodb: DynamoDBClient,
        table_name: str,
        kms_key_id: str,
        *,
        rotation: Rotation | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> KmsKeyRing:
        """Open the fleet's hash key, or make it if this is the first worker ever.

        Raises:
            SettingsError: KMS or the table gave no key.
        """
        vault = _Vault(kms, DynamoTable(dynamodb, table_name), kms_key_id)
        try:
            hash_key = await vault.shared_key(_HASH_KEY_NAME)
        except SwitchboardError as problem:
            raise SettingsError(
                f"the KMS key {kms_key_id} gave no key for data at rest ({problem}): it must "
                "exist, be enabled and be the one that the fleet began with, and this role needs "
                f"kms:GenerateDataKey and kms:Decrypt on it and the table {table_name}"
            ) from None
        return cls(vault, hash_key, rotation or Rotation(), monotonic)

    async def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt with this process's data key."""
        key = await self._current()
        self._uses += 1
        return key.seal(plaintext, context)

    async def open(self, blob: bytes, context: str) -> bytes:
        """Decrypt, with the key that the value names."""
        key_id = _key_id(blob)
        key = self._opened.get(key_id) or await self._fetch(key_id)
        return key.open(blob, context)

    def digest(self, text: str) -> bytes:
        """HMAC-SHA256 of a text."""
        return hmac.digest(self._hash_key, text.encode(), sha256)

    async def _current(self) -> _DataKey:
        if self._sealing is not None and not self._is_worn():
            return self._sealing
        async with self._lock:
            if self._sealing is None or self._is_worn():
                key_id = secrets.token_bytes(_KEY_ID_BYTES)
                # Stored before its first use: whoever meets a value can find its key.
                key = _DataKey(key_id, AESGCM(await self._vault.new_key(key_id.hex())))
                self._opened.put(key_id, key)
                self._sealing, self._uses, self._made_at_s = key, 0, self._monotonic()
            return self._sealing

    def _is_worn(self) -> bool:
        age_s = self._monotonic() - self._made_at_s
        return self._uses >= self._rotation.uses_max or age_s >= self._rotation.age_max_s

    async def _fetch(self, key_id: bytes) -> _DataKey:
        async with self._lock:
            key = self._opened.get(key_id)
            if key is None:
                secret = await self._vault.stored_key(key_id.hex())
                if secret is None:
                    raise Unopenable("sealed_with_an_unknown_key")
                key = _DataKey(key_id, AESGCM(secret))
                self._opened.put(key_id, key)
            return key


class _Vault:
    """The encrypted keys `K#<name>` in the sessions table, and KMS that opens them."""

    def __init__(self, kms: KMSClient, table: Table, kms_key_id: str) -> None:
        self._kms = kms
        self._table = table
        self._kms_key_id = kms_key_id

    async def new_key(self, name: str) -> bytes:
        """Make and store a key under a name that nobody else uses."""
        secret, encrypted = await self._generate(name)
        await self._table.put(_where(name), _record(encrypted))
        return secret

    async def shared_key(self, name: str) -> bytes:
        """The one key of this name: the first worker's, whoever that was."""
        secret = await self.stored_key(name)
        if secret is not None:
            return secret
        secret, encrypted = await self._generate(name)
        try:
            await self._table.put(_where(name), _record(encrypted), Absent(("pk",)))
        except Refused:
            stored = await self.stored_key(name)
            if stored is None:
                raise Unopenable("the_shared_key_vanished") from None
            return stored
        return secret

    async def stored_key(self, name: str) -> bytes | None:
        """Fetch and decrypt a key; None when there is none of this name."""
        record = await self._table.get(_where(name), consistent=True)
        if record is None:
            return None
        encrypted = record.get("ek")
        if record.get("v") != _RECORD_FORMAT or not isinstance(encrypted, bytes):
            raise Unopenable("stored_key_of_unknown_format")
        answer = await _ask_kms(
            "Decrypt",
            lambda: self._kms.decrypt(
                CiphertextBlob=encrypted,
                KeyId=self._kms_key_id,
                EncryptionContext=_kms_context(name),
            ),
        )
        return bytes(answer["Plaintext"])

    async def _generate(self, name: str) -> tuple[bytes, bytes]:
        answer = await _ask_kms(
            "GenerateDataKey",
            lambda: self._kms.generate_data_key(
                KeyId=self._kms_key_id, KeySpec="AES_256", EncryptionContext=_kms_context(name)
            ),
        )
        return bytes(answer["Plaintext"]), bytes(answer["CiphertextBlob"])


async def _ask_kms(operation: str, request: Callable[[], Awaitable[Answered]]) -> Answered:
    """One call to KMS. Without its answer no message can go on: none is to blame for that."""
    try:
        return await ask("kms", operation, request)
    except Throttled:
        raise
    except TransientError as down:
        blocked = Blocked(down.reason, after_s=down.after_s)
    raise blocked


def _record(encrypted: bytes) -> Item:
    return {"v": _RECORD_FORMAT, "ek": encrypted}


def _where(name: str) -> Key:
    return Key(f"K#{name}", "A")


def _kms_context(name: str) -> dict[str, str]:
    return {"application": "switchboard", "key": name}
