"""Sealed values: bound to their place, refused when anything of them changed."""

from __future__ import annotations

import pytest

from workers.errors import Blocked, SettingsError
from workers.stores.crypto import KEY_BYTES, FileKeyRing, Unopenable

RING = FileKeyRing(bytes(range(KEY_BYTES)))
OTHER = FileKeyRing(bytes(range(1, KEY_BYTES + 1)))
NUMBER = b"+12125550123"
FORMAT_BYTES, KEY_ID_BYTES, NONCE_BYTES, TAG_BYTES = 1, 8, 12, 16
HEAD_BYTES = FORMAT_BYTES + KEY_ID_BYTES + NONCE_BYTES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * (KEY_BYTES - 1),
        b"x" * (KEY_BYTES + 1),
        b"00" * KEY_BYTES,  # written as hex
        b"x" * KEY_BYTES + b"\n",
    ],
)
def test_a_key_file_of_another_size_is_refused_and_told_how_to_make_one(content: bytes) -> None:
    with pytest.raises(SettingsError) as refused:
        FileKeyRing(content)
    message = str(refused.value)
    assert f"exactly {KEY_BYTES} random bytes, not {len(content)}" in message
    assert "head -c 32 /dev/urandom" in message
    assert content == b"" or content.decode() not in message


async def test_what_was_sealed_opens_in_its_place() -> None:
    for plaintext in (b"", NUMBER, b"\x00" * 100_000):
        assert await RING.open(await RING.seal(plaintext, "sid|cn"), "sid|cn") == plaintext


async def test_a_sealed_value_tells_nothing_but_its_length() -> None:
    blobs = [await RING.seal(NUMBER, "sid|cn") for _ in range(50)]
    assert len({*blobs}) == 50
    assert {len(blob) for blob in blobs} == {HEAD_BYTES + len(NUMBER) + TAG_BYTES}
    assert not any(NUMBER in blob or NUMBER[1:] in blob for blob in blobs)


@pytest.mark.parametrize("context", ["", "sid", "sid|bn", "sid2|cn", "sid|cn|", "SID|cn"])
async def test_a_value_does_not_open_elsewhere(context: str) -> None:
    with pytest.raises(Unopenable, match="sealed_value_does_not_open"):
        await RING.open(await RING.seal(NUMBER, "sid|cn"), context)


async def test_a_value_of_which_one_bit_changed_does_not_open() -> None:
    blob = await RING.seal(NUMBER, "sid|cn")
    for at in range(len(blob)):
        changed = bytearray(blob)
        changed[at] ^= 1
        with pytest.raises(Unopenable):
            await RING.open(bytes(changed), "sid|cn")


async def test_a_value_cut_short_or_lengthened_does_not_open() -> None:
    blob = await RING.seal(NUMBER, "sid|cn")
    for changed in (*(blob[:length] for length in range(len(blob))), blob + b"\x00"):
        with pytest.raises(Unopenable):
            await RING.open(changed, "sid|cn")


async def test_another_key_opens_nothing_and_says_why() -> None:
    blob = await RING.seal(NUMBER, "sid|cn")
    with pytest.raises(Unopenable, match="sealed_with_another_key"):
        await OTHER.open(blob, "sid|cn")
    with pytest.raises(Unopenable, match="sealed_value_of_unknown_format"):
        await RING.open(b"\x02" + blob[1:], "sid|cn")
    assert issubclass(Unopenable, Blocked), "else a wrong key would bury every message"


def test_names_hash_alike_under_one_key_only() -> None:
    assert RING.digest("+1212|x") == FileKeyRing(bytes(range(KEY_BYTES))).digest("+1212|x")
    assert RING.digest("+1212|x") != OTHER.digest("+1212|x")
    assert RING.digest("+1212|x") != RING.digest("+1212|y")
