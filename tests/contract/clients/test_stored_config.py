"""`switchboard.toml` as a version of an S3 object, over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.local.endpoints import LocalAws
from infra.local.toolroom import ROOT
from workers.bootstrap import configured
from workers.config import InvalidConfigurationError, ObjectVersion, locate
from workers.errors import SettingsError

EXAMPLE = (ROOT / "switchboard.example.toml").read_bytes()


@pytest.fixture
def bucket(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    s3: Any = boto3.client(
        "s3", config=Config(s3={"addressing_style": "path"}), **aws.client_arguments("S3")
    )
    name = f"config-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield s3, name
    s3.close()


def put(bucket: tuple[Any, str], content: bytes) -> str:
    s3, name = bucket
    answer = s3.put_object(Bucket=name, Key="prod/switchboard.toml", Body=content)
    return f"s3://{name}/prod/switchboard.toml?versionId={answer['VersionId']}"


async def test_the_version_that_is_named_is_read_whatever_came_after_it(
    bucket: tuple[Any, str],
) -> None:
    first = put(bucket, EXAMPLE)
    put(bucket, b"nobody reads this")
    loaded = await configured(locate(first))
    assert loaded.sha256 == hashlib.sha256(EXAMPLE).hexdigest()
    assert loaded.name == first
    assert loaded.configuration.brands


async def test_the_hash_is_that_of_the_files_bytes_wherever_they_lie(
    bucket: tuple[Any, str],
) -> None:
    from_file = await configured(locate(str(ROOT / "switchboard.example.toml")))
    from_bucket = await configured(locate(put(bucket, EXAMPLE)))
    assert from_file.sha256 == from_bucket.sha256
    assert from_file.configuration == from_bucket.configuration


async def test_what_is_wrong_in_it_is_told_with_its_place(bucket: tuple[Any, str]) -> None:
    at = put(bucket, b"version = 1\nnonsense = true\n")
    with pytest.raises(InvalidConfigurationError, match="nonsense") as refused:
        await configured(locate(at))
    assert at in str(refused.value)


@pytest.mark.parametrize(
    ("bucket_name", "version", "says"),
    [
        pytest.param("no-such-bucket-here", "", "no such bucket", id="bucket"),
        pytest.param("", "nope", "no such version", id="version"),
    ],
)
async def test_what_is_not_there_is_told_with_what_to_look_at(
    bucket: tuple[Any, str], bucket_name: str, version: str, says: str
) -> None:
    there = locate(put(bucket, EXAMPLE))
    assert isinstance(there, ObjectVersion)
    wrong = ObjectVersion(bucket_name or there.bucket, there.key, version or there.version_id)
    with pytest.raises(SettingsError, match=says) as refused:
        await configured(wrong)
    assert str(wrong) in str(refused.value)


async def test_something_else_of_that_size_is_not_taken_in(bucket: tuple[Any, str]) -> None:
    with pytest.raises(SettingsError, match="not a switchboard"):
        await configured(locate(put(bucket, b"#" * (1024 * 1024 + 1))))


async def test_where_nobody_answers_the_network_is_blamed(
    bucket: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = locate(put(bucket, EXAMPLE))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(SettingsError, match="not reached"):
        await configured(at)


async def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingsError, match="No such file"):
        await configured(Path("/nowhere/switchboard.toml"))
