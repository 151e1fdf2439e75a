"""The private S3 bucket through which an agent's file reaches a phone, by MMS or by link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workers.clients.call import Api, Caller
from workers.clients.errors import S3
from workers.clients.protocols import Attachment, MediaShelf
from workers.errors import PermanentError

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_PUT: Final = Api(S3, "PutObject")
_MAX_LINK_TTL_S: Final = 604_800  # Signature Version 4 allows 7 days


class S3Shelf(MediaShelf):
    """`MediaShelf` over one bucket.

    A link dies with the credentials that signed it, so with a role's it may live shorter than
    asked for (S3 user guide, "Sharing objects with presigned URLs").
    """

    def __init__(self, client: S3Client, bucket: str, caller: Caller) -> None:
        self._s3 = client
        self._bucket = bucket
        self._caller = caller

    async def put(self, key: str, attachment: Attachment) -> str:
        """Store it; returns its s3:// URL. Storing the same key again is harmless."""
        _check_key(key)
        await self._caller.call(
            _PUT,
            lambda: self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=attachment.content,
                ContentType=attachment.content_type,
            ),
        )
        return f"s3://{self._bucket}/{key}"

    async def link(self, key: str, ttl_s: int) -> str:
        """A presigned https URL."""
        _check_key(key)
        if not 1 <= ttl_s <= _MAX_LINK_TTL_S:
            raise PermanentError("link_ttl")
        return await self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=ttl_s
        )


def _check_key(key: str) -> None:
    if not 1 <= len(key.encode()) <= 1_024:
        raise PermanentError("media_key")
