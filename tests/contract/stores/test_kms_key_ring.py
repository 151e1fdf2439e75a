"""Data keys from KMS: made once, found by every worker, refused with words that say what to do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.session import AioSession

from infra.local.endpoints import LocalAws
from tests.contract.stores.kms import WatchedKms
from workers.errors import AccountProblem, Blocked, SettingsError
from workers.stores.crypto import KmsKeyRing, Rotation, Unopenable
from workers.stores.tables import DynamoTable, Key
from workers.testing import FakeClock

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_kms import KMSClient

SID = "sid1"
CONTEXT = f"{SID}|cn"
NUMBER = b"+12125550123"


class Vault:
    """One fleet's KMS key and table: its workers start here."""

    def __init__(self, kms: KMSClient, dynamodb: DynamoDBClient, table: str, key_id: str) -> None:
        self.kms = kms
        self.dynamodb = dynamodb
        self.table_name = table
        self.table = DynamoTable(dynamodb, table)
        self.key_id = key_id
        self.clock = FakeClock()

    async def worker(
        self, watched: WatchedKms | None = None, rotation: Rotation | None = None
    ) -> KmsKeyRing:
        """A key ring with caches of its own."""
        client: Any = watched or self.kms
        return await KmsKeyRing.load(
            client,
            self.dynamodb,
            self.table_name,
            self.key_id,
            rotation=rotation,
            monotonic=self.clock.monotonic,
        )

    def watched(self) -> WatchedKms:
        """The same KMS, looked at."""
        return WatchedKms(self.kms)

    async def stored_names(self) -> set[str]:
        """The keys that are stored."""
        answer = await self.dynamodb.scan(TableName=self.table_name)
        names = [item["pk"].get("S", "") for item in answer["Items"]]
        return {name.removeprefix("K#") for name in names if name.startswith("K#")}


@pytest.fixture
async def kms(aws: LocalAws) -> AsyncIterator[KMSClient]:
    async with AioSession().create_client("kms", **aws.client_arguments("KMS")) as client:
        yield client


@pytest.fixture
async def vault(kms: KMSClient, dynamodb: DynamoDBClient) -> Vault:
    """A key and a table of its own: the fleet's hash key is one for each table."""
    key = await kms.create_key()
    table = f"vault-{secrets.token_hex(4)}"
    await dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return Vault(kms, dynamodb, table, key["KeyMetadata"]["KeyId"])


def named_key(blob: bytes) -> str:
    """The key that a sealed value names."""
    return blob[1:9].hex()


# --- made once ------------------------------------------------------------------------------------


async def test_two_workers_that_start_at_once_share_one_hash_key(vault: Vault) -> None:
    first, second, third = await asyncio.gather(vault.worker(), vault.worker(), vault.worker())
    later = await vault.worker()
    assert await vault.stored_names() == {"hash"}
    digests = {ring.digest("+12125550123") for ring in (first, second, third, later)}
    assert len(digests) == 1
    assert first.digest("+12125550123") != first.digest("+12125550124")


async def test_who_loses_the_race_for_the_hash_key_takes_the_winners(vault: Vault) -> None:
    """The loser looked before the winner wrote: only the condition of its write tells it."""
    winner: list[KmsKeyRing] = []

    class Slow(WatchedKms):
        async def generate_data_key(self, **request: Any) -> Any:
            answer = await super().generate_data_key(**request)
            winner.append(await vault.worker())
            return answer

    loser = await vault.worker(Slow(vault.kms))
    assert loser.digest("x") == winner[0].digest("x")


async def test_a_worker_makes_one_data_key_for_many_values(vault: Vault) -> None:
    kms = vault.watched()
    ring = await vault.worker(kms)
    assert kms.calls == {"generate_data_key": 1}
    blobs = await asyncio.gather(*(ring.seal(NUMBER, CONTEXT) for _ in range(20)))
    assert [await ring.open(blob, CONTEXT) for blob in blobs] == [NUMBER] * 20
    assert kms.calls == {"generate_data_key": 2}
    assert len({*blobs}) == 20, "equal texts must not look equal"


async def test_the_key_of_another_worker_is_fetched_once(vault: Vault) -> None:
    blobs = [await (await vault.worker()).seal(NUMBER, CONTEXT) for _ in range(2)]
    kms = vault.watched()
    reader = await vault.worker(kms)
    kms.calls.clear()
    opened = await asyncio.gather(*(reader.open(blob, CONTEXT) for blob in blobs * 10))
    assert opened == [NUMBER] * 20
    assert kms.calls == {"decrypt": 2}


async def test_what_kms_sees_names_the_key_and_no_person(vault: Vault) -> None:
    kms = vault.watched()
    ring = await vault.worker(kms)
    blob = await ring.seal(NUMBER, CONTEXT)
    assert kms.contexts == [
        {"application": "switchboard", "key": "hash"},
        {"application": "switchboard", "key": named_key(blob)},
    ]


# --- rotation -------------------------------------------------------------------------------------


async def test_a_worn_key_is_replaced_and_what_it_sealed_stays_readable(vault: Vault) -> None:
    ring = await vault.worker(rotation=Rotation(uses_max=2))
    blobs = [await ring.seal(NUMBER, CONTEXT) for _ in range(5)]
    assert [named_key(blob) for blob in blobs] == [
        *[named_key(blobs[0])] * 2,
        *[named_key(blobs[2])] * 2,
        named_key(blobs[4]),
    ]
    assert len({named_key(blob) for blob in blobs}) == 3
    for reader in (ring, await vault.worker()):
        assert [await reader.open(blob, CONTEXT) for blob in blobs] == [NUMBER] * 5


async def test_a_key_is_replaced_after_a_day(vault: Vault) -> None:
    ring = await vault.worker()
    first = await ring.seal(NUMBER, CONTEXT)
    vault.clock.advance(Rotation().age_max_s - 1)
    same = await ring.seal(NUMBER, CONTEXT)
    vault.clock.advance(1)
    next_day = await ring.seal(NUMBER, CONTEXT)
    assert named_key(first) == named_key(same) != named_key(next_day)
    assert await ring.open(first, CONTEXT) == NUMBER


async def test_values_are_readable_after_kms_rotated_its_own_key(vault: Vault) -> None:
    blob = await (await vault.worker()).seal(NUMBER, CONTEXT)
    await vault.kms.enable_key_rotation(KeyId=vault.key_id)
    assert await (await vault.worker()).open(blob, CONTEXT) == NUMBER


# --- bound to its place ---------------------------------------------------------------------------


@pytest.mark.parametrize("moved", ["sid2|cn", "sid1|bn", "sid1|e_a", "", "sid1|cn "])
async def test_a_value_does_not_open_elsewhere(vault: Vault, moved: str) -> None:
    ring = await vault.worker()
    blob = await ring.seal(NUMBER, CONTEXT)
    with pytest.raises(Unopenable, match=r"^sealed_value_does_not_open$"):
        await ring.open(blob, moved)


async def test_a_stored_key_that_was_moved_to_another_name_is_refused_by_kms(vault: Vault) -> None:
    ring = await vault.worker()
    mine, other = [await (await vault.worker()).seal(NUMBER, CONTEXT) for _ in range(2)]
    record = await vault.table.get(Key(f"K#{named_key(other)}", "A"), consistent=True)
    assert record is not None
    await vault.table.put(Key(f"K#{named_key(mine)}", "A"), record)
    with pytest.raises(AccountProblem, match=r"^kms_refused_invalid_ciphertext$"):
        await ring.open(mine, CONTEXT)


async def test_another_kms_key_than_the_fleet_began_with_is_refused_at_the_start(
    vault: Vault,
) -> None:
    """The emulator would decrypt with any key; AWS says IncorrectKeyException."""
    await vault.worker()
    kms = vault.watched()
    kms.refusal = "IncorrectKeyException"
    with pytest.raises(SettingsError, match=r"\(kms_refused_incorrect_key\).*fleet began with"):
        await vault.worker(kms)


@pytest.mark.parametrize(
    "record", [{"v": 2, "ek": b"x" * 100}, {"ek": b"x" * 100}, {"v": 1, "ek": "text"}, {"v": 1}]
)
async def test_a_stored_key_of_another_format_is_not_misread(vault: Vault, record: Any) -> None:
    ring = await vault.worker()
    blob = await (await vault.worker()).seal(NUMBER, CONTEXT)
    await vault.table.put(Key(f"K#{named_key(blob)}", "A"), record)
    with pytest.raises(Unopenable, match=r"^stored_key_of_unknown_format$"):
        await ring.open(blob, CONTEXT)


async def test_a_value_whose_key_is_gone_says_so(vault: Vault) -> None:
    ring = await vault.worker()
    blob = await (await vault.worker()).seal(NUMBER, CONTEXT)
    await vault.table.delete(Key(f"K#{named_key(blob)}", "A"))
    with pytest.raises(Unopenable, match=r"^sealed_with_an_unknown_key$"):
        await ring.open(blob, CONTEXT)


# --- trouble --------------------------------------------------------------------------------------


async def test_a_worker_does_not_start_without_kms(vault: Vault) -> None:
    kms = vault.watched()
    kms.is_down = True
    with pytest.raises(SettingsError) as refused:
        await vault.worker(kms)
    assert vault.key_id in str(refused.value)
    assert "kms:GenerateDataKey and kms:Decrypt" in str(refused.value)
    assert await vault.stored_names() == set()


@pytest.mark.parametrize("fleet_has_begun", [False, True])
async def test_a_worker_does_not_start_with_a_disabled_key(
    vault: Vault, *, fleet_has_begun: bool
) -> None:
    if fleet_has_begun:
        await vault.worker()
    await vault.kms.disable_key(KeyId=vault.key_id)
    with pytest.raises(SettingsError, match=r"\(kms_refused_disabled\): it must exist, be enabled"):
        await vault.worker()
    await vault.kms.enable_key(KeyId=vault.key_id)
    await vault.worker()


async def test_a_worker_does_not_start_with_a_key_that_does_not_exist(vault: Vault) -> None:
    vault.key_id = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(SettingsError, match=r"\(kms_refused_not_found\): it must exist"):
        await vault.worker()


async def test_while_kms_is_down_known_keys_work_and_no_message_is_to_blame(vault: Vault) -> None:
    foreign = await (await vault.worker()).seal(NUMBER, CONTEXT)
    kms = vault.watched()
    ring = await vault.worker(kms, Rotation(uses_max=2))
    blob = await ring.seal(NUMBER, CONTEXT)
    kms.is_down = True
    assert await ring.open(blob, CONTEXT) == NUMBER
    assert await ring.open(await ring.seal(NUMBER, CONTEXT), CONTEXT) == NUMBER
    with pytest.raises(Blocked):
        await ring.seal(NUMBER, CONTEXT)  # Its key is worn.
    with pytest.raises(Blocked):
        await ring.open(foreign, CONTEXT)
    kms.is_down = False
    assert await ring.open(foreign, CONTEXT) == NUMBER
    assert await ring.open(await ring.seal(NUMBER, CONTEXT), CONTEXT) == NUMBER


async def test_a_key_disabled_later_is_a_matter_for_a_person(vault: Vault) -> None:
    foreign = await (await vault.worker()).seal(NUMBER, CONTEXT)
    ring = await vault.worker()
    await vault.kms.disable_key(KeyId=vault.key_id)
    with pytest.raises(AccountProblem, match=r"^kms_refused_disabled$"):
        await ring.seal(NUMBER, CONTEXT)
    with pytest.raises(AccountProblem, match=r"^kms_refused_disabled$"):
        await ring.open(foreign, CONTEXT)
    await vault.kms.enable_key(KeyId=vault.key_id)
    assert await ring.open(foreign, CONTEXT) == NUMBER
