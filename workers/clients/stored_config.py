"""Fetches `switchboard.toml` where it is a version of an S3 object. Once, at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from workers.config.location import ObjectVersion
from workers.errors import SettingsError

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

MAX_BYTES: Final = 1024 * 1024
"""Far more than any: whoever names another object by mistake shall not fill our memory."""

_ADVICE: Final = {
    "NoSuchBucket": "there is no such bucket in this account and Region",
    "NoSuchKey": "there is no such object",
    "NoSuchVersion": "there is no such version of it; was it deleted, or its bucket emptied?",
    "InvalidArgument": "that is no version id of this bucket; is versioning on?",
    "AccessDenied": "AWS refuses: this role needs s3:GetObjectVersion on it, and kms:Decrypt on"
    " the bucket's key",
}


async def fetch(s3: S3Client, at: ObjectVersion) -> bytes:
    """The object's content.

    Raises:
        SettingsError: it cannot be had. It says which object, why, and what to look at.
    """
    try:
        answer: Any = await s3.get_object(Bucket=at.bucket, Key=at.key, VersionId=at.version_id)
        async with answer["Body"] as body:
            if answer["ContentLength"] > MAX_BYTES:
                body.close()
                size = answer["ContentLength"]
                raise SettingsError(f"{at} has {size} bytes: not a switchboard.toml")
            content: bytes = await body.read()
    except ClientError as refusal:
        code = str(refusal.response.get("Error", {}).get("Code", ""))
        says = _ADVICE.get(code, f"S3 refuses ({code})")
        raise SettingsError(f"{at}: {says}") from refusal
    except BotoCoreError as failure:
        kind = type(failure).__name__
        raise SettingsError(
            f"{at}: S3 was not reached ({kind}): check the Region, the credentials and the network"
        ) from failure
    return content
