"""What agents' files of a conversation lie in the media bucket, and their removal.

Apart from `media.py`: workers only put and link, and their role may do no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workers.clients.call import Api, Caller
from workers.clients.errors import S3

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_LIST: Final = Api(S3, "ListObjectsV2")
_DELETE: Final = Api(S3, "DeleteObject")


class S3Files:
    """The files of one bucket. Every method may raise `TransientError` or `AccountProblem`."""

    def __init__(self, client: S3Client, bucket: str, caller: Caller) -> None:
        self._s3 = client
        self._bucket = bucket
        self._caller = caller

    async def keys(self, prefix: str) -> list[str]:
        """The keys of all objects that begin so."""
        found: list[str] = []
        after = ""
        while True:
            page = await self._caller.call(
                _LIST,
                lambda: self._s3.list_objects_v2(
                    Bucket=self._bucket,
                    Prefix=prefix,
                    StartAfter=after,  # noqa: B023 - at once
                ),
            )
            found += [one["Key"] for one in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return found
            after = found[-1]

    async def delete(self, key: str) -> None:
        """Remove one. No error when it is gone already. A bucket with versions keeps those."""
        await self._caller.call(
            _DELETE, lambda: self._s3.delete_object(Bucket=self._bucket, Key=key)
        )
