"""Where an archive lies: a file, a folder, or objects under an S3 prefix."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

import click

if TYPE_CHECKING:
    from workers.clients.archive_bucket import ArchiveBucket, StoredObject

IN_MEMORY_BYTES: Final = 16 * 1024 * 1024
STATE_SUFFIX: Final = ".replay-state"
_S3_URL: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of the archive. Another content has another `mark`."""

    name: str
    mark: str


class Source(Protocol):
    """An archive. Files without content are none."""

    async def files(self) -> list[ArchiveFile]:
        """All files, by name: Firehose's names are in the order of time."""
        ...

    async def open(self, file: ArchiveFile) -> BinaryIO:
        """The content as it is stored, to be closed by the caller. Raises `OSError`."""
        ...


class LocalSource:
    """A file, or all files of a folder and its folders, hidden ones left out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def files(self) -> list[ArchiveFile]:
        """By name."""
        is_one = self._path.is_file()
        found = [self._path] if is_one else sorted(filter(self._is_shown, self._path.rglob("*")))
        return [
            ArchiveFile(self._name(file), f"{status.st_size}-{status.st_mtime_ns}")
            for file in found
            if file.is_file() and (status := file.stat()).st_size
        ]

    async def open(self, file: ArchiveFile) -> BinaryIO:
        """The file itself."""
        is_one = self._path.is_file()
        return (self._path if is_one else self._path / file.name).open("rb")

    def _is_shown(self, file: Path) -> bool:
        parts = file.relative_to(self._path).parts
        return not file.name.endswith(STATE_SUFFIX) and not any(p.startswith(".") for p in parts)

    def _name(self, file: Path) -> str:
        return file.name if file == self._path else file.relative_to(self._path).as_posix()


class BucketSource:
    """What lies under a prefix.

    An object is read whole before its first record is sent: into memory, and a large one into a
    temporary file that has no name.
    """

    def __init__(self, bucket: ArchiveBucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._stored: dict[str, StoredObject] = {}

    async def files(self) -> list[ArchiveFile]:
        """By key."""
        stored = [one for one in await self._bucket.objects(self._prefix) if one.size_bytes]
        self._stored = {one.key: one for one in stored}
        return [ArchiveFile(one.key, one.mark) for one in stored]

    async def open(self, file: ArchiveFile) -> BinaryIO:
        """A copy."""
        content = cast(
            BinaryIO,
            tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES),  # noqa: SIM115 - the caller closes it
        )
        try:
            await self._bucket.download(self._stored[file.name], content)
        except BaseException:
            content.close()
            raise
        content.seek(0)
        return content


def bucket_and_prefix(path: str) -> tuple[str, str] | None:
    """The parts of s3://bucket/prefix; None for a path of this machine.

    Raises:
        click.BadParameter: it begins like one and is none.
    """
    if not path.startswith("s3://"):
        return None
    match = _S3_URL.fullmatch(path)
    if match is None:
        raise click.BadParameter("write s3://bucket/prefix", param_hint="PATH")
    return match[1], match[2] or ""
