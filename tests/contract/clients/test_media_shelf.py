"""The media bucket, against an emulator's S3."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import aiohttp
import boto3
import pytest

from infra.local.endpoints import LocalAws
from tests.contract.clients.conftest import CountingMeter
from workers.clients.aws import Aws
from workers.clients.call import Caller
from workers.clients.media import S3Shelf
from workers.clients.protocols import Attachment
from workers.errors import AccountProblem, PermanentError

pytestmark = pytest.mark.emulator

PLAN = Attachment("plan.png", "image/png", 4, b"\x89PNG")


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    name = f"shelf-{secrets.token_hex(4)}"
    boto3.client("s3", **aws.client_arguments("S3")).create_bucket(Bucket=name)
    return name


@pytest.fixture
async def local(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    async with Aws() as clients:
        yield clients


async def test_a_file_is_kept_and_linked(
    local: Aws, bucket: str, caller: Caller, meter: CountingMeter
) -> None:
    shelf = S3Shelf(await local.s3(), bucket, caller)
    assert await shelf.put("abc/plan 1.png", PLAN) == f"s3://{bucket}/abc/plan 1.png"
    assert await shelf.put("abc/plan 1.png", PLAN) == f"s3://{bucket}/abc/plan 1.png"
    url = await shelf.link("abc/plan 1.png", 60)
    async with aiohttp.ClientSession() as phone, phone.get(url) as response:
        assert response.status == 200
        assert response.content_type == "image/png"
        assert await response.read() == PLAN.content
    assert meter.calls == {("PutObject", "ok"): 2}


async def test_a_missing_bucket_is_a_problem_of_the_account(local: Aws, caller: Caller) -> None:
    shelf = S3Shelf(await local.s3(), f"none-{secrets.token_hex(4)}", caller)
    with pytest.raises(AccountProblem, match=r"^no_such_bucket$"):
        await shelf.put("plan.png", PLAN)


async def test_what_s3_would_refuse_is_never_asked(local: Aws, caller: Caller) -> None:
    shelf = S3Shelf(await local.s3(), "shelf", caller)
    for key in ("", "é" * 513):
        with pytest.raises(PermanentError, match=r"^media_key$"):
            await shelf.put(key, PLAN)
    for ttl_s in (0, 604_801):
        with pytest.raises(PermanentError, match=r"^link_ttl$"):
            await shelf.link("plan.png", ttl_s)
