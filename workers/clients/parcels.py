"""The private S3 bucket for deferred messages that are too big for a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workers.clients.call import Api, Caller
from workers.clients.errors import NO_SUCH_KEY, S3
from workers.errors import PermanentError
from workers.runtime.deferral import Parcels

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_PUT: Final = Api(S3, "PutObject")
_GET: Final = Api(S3, "GetObject")
_DELETE: Final = Api(S3, "DeleteObject")


class S3Parcels(Parcels):
    """`Parcels` in one bucket.

    Without s3:ListBucket a missing object is a 403, which reads as a missing permission: the
    message then waits for somebody to mend it, and is not dead-lettered.
    """

    def __init__(self, client: S3Client, bucket: str, caller: Caller) -> None:
        self._s3 = client
        self._bucket = bucket
        self._caller = caller

    async def put(self, key: str, content: bytes) -> None:
        """Store it; the same key again is harmless."""
        await self._caller.call(
            _PUT,
            lambda: self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/json"
            ),
        )

    async def get(self, key: str) -> bytes | None:
        """What was stored, None when it is not there."""
        try:
            return await self._caller.call(_GET, lambda: self._read(key))
        except PermanentError as error:
            if error.reason == NO_SUCH_KEY:
                return None
            raise

    async def delete(self, key: str) -> None:
        """Forget it, whether it is there or not."""
        await self._caller.call(
            _DELETE, lambda: self._s3.delete_object(Bucket=self._bucket, Key=key)
        )

    async def _read(self, key: str) -> bytes:
        answer = await self._s3.get_object(Bucket=self._bucket, Key=key)
        async with answer["Body"] as stream:
            return await stream.read()
