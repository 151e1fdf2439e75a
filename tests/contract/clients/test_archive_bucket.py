"""Reading an archive in S3, against an emulator."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO

import boto3
import pytest

from infra.local.endpoints import LocalAws
from tests.contract.clients.conftest import CountingMeter
from workers.clients.archive_bucket import PART_BYTES, ArchiveBucket
from workers.clients.aws import Aws
from workers.clients.call import Caller
from workers.errors import AccountProblem, PermanentError

pytestmark = pytest.mark.emulator


@pytest.fixture
async def archive(
    aws: LocalAws, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ArchiveBucket]:
    name = f"archive-{secrets.token_hex(4)}"
    s3 = boto3.client("s3", **aws.client_arguments("S3"))
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/long", Body=bytes(range(256)) * (PART_BYTES // 256) + b"end")
    for number in range(1_001):  # One more than a page.
        s3.put_object(Bucket=name, Key=f"b/{number:04}", Body=b"1")
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    async with Aws() as clients:
        yield ArchiveBucket(await clients.s3(), name, caller)


async def test_all_pages_and_all_parts_are_read(
    archive: ArchiveBucket, meter: CountingMeter
) -> None:
    assert [one.key for one in await archive.objects("b/")] == [f"b/{n:04}" for n in range(1_001)]
    assert meter.calls == {("ListObjectsV2", "ok"): 2}
    [long] = await archive.objects("a/")
    content = BytesIO()
    await archive.download(long, content)
    assert len(content.getvalue()) == long.size_bytes == PART_BYTES + 3
    assert content.getvalue()[-6:] == b"\xfd\xfe\xffend"
    assert meter.calls["GetObject", "ok"] == 2
    with pytest.raises(PermanentError) as caught:  # No half of one content and half of another.
        await archive.download(replace(long, mark="0" * 32), BytesIO())
    assert not isinstance(caught.value, AccountProblem)
    with pytest.raises(PermanentError, match=r"^no_such_key$"):
        await archive.download(replace(long, key="a/gone"), BytesIO())
