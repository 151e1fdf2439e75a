"""Archives in S3: what lies under a prefix, and the content of one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from workers.clients.call import Api, Caller
from workers.clients.errors import S3

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PART_BYTES: Final = 8 * 1024 * 1024
"""Read at once. Each part is a call of its own, so a long object needs no long deadline."""

_LIST: Final = Api(S3, "ListObjectsV2")
_GET: Final = Api(S3, "GetObject", timeout_s=60.0)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object. `mark` is its ETag: another content has another one."""

    key: str
    size_bytes: int
    mark: str


class ArchiveBucket:
    """Reads one bucket and writes nothing."""

    def __init__(self, client: S3Client, bucket: str, caller: Caller) -> None:
        self._s3 = client
        self._bucket = bucket
        self._caller = caller

    async def objects(self, prefix: str) -> list[StoredObject]:
        """All objects whose key begins with `prefix`, by key, which is Firehose's order of time.

        Raises:
            TransientError, AccountProblem: S3 did not tell, or the bucket may not be listed.
        """
        found: list[StoredObject] = []
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        while True:
            answer: Any = await self._caller.call(
                _LIST, lambda: self._s3.list_objects_v2(**request)
            )
            found += [
                StoredObject(one["Key"], one["Size"], one.get("ETag", "").strip('"'))
                for one in answer.get("Contents") or ()
            ]
            if not answer.get("IsTruncated"):
                return sorted(found, key=lambda one: one.key)
            request["ContinuationToken"] = answer["NextContinuationToken"]

    async def download(self, stored: StoredObject, into: BinaryIO) -> None:
        """Write the object's content, as it is stored, to `into`.

        Raises:
            TransientError, PermanentError: S3 did not give it. Changed since it was listed, too.
        """
        for start in range(0, stored.size_bytes, PART_BYTES):
            end = min(start + PART_BYTES, stored.size_bytes) - 1
            into.write(await self._part(stored, start, end))

    async def _part(self, stored: StoredObject, start: int, end: int) -> bytes:
        async def read() -> bytes:
            answer = await self._s3.get_object(
                Bucket=self._bucket,
                Key=stored.key,
                Range=f"bytes={start}-{end}",
                IfMatch=stored.mark,
            )
            async with answer["Body"] as stream:
                return await stream.read()

        return await self._caller.call(_GET, read)
