"""Where `switchboard.toml` lies: a file, or one version of an object in S3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object: what it holds never changes."""

    bucket: str
    key: str
    version_id: str

    def __str__(self) -> str:
        """As it is written in the environment."""
        return f"{SCHEME}{self.bucket}/{self.key}?versionId={self.version_id}"


def locate(text: str) -> Path | ObjectVersion:
    """Take `s3://bucket/key?versionId=...` for an object, everything else for a file's path.

    Raises:
        ValueError: it begins as an object and names no bucket, no key or no version.
    """
    if not text.startswith(SCHEME):
        return Path(text)
    parts = urlsplit(text)
    key = unquote(parts.path.removeprefix("/"))
    if not parts.netloc or not key:
        raise ValueError(f"{text} is not s3://BUCKET/KEY?versionId=VERSION")
    query = parse_qs(parts.query)
    versions = query.pop("versionId", [])
    if query or len(versions) != 1:
        # Whoever restarts would take what nobody has deployed, and differ from the others.
        raise ValueError(
            f"{SCHEME}{parts.netloc}/{key} needs its version and nothing else behind it:"
            " ?versionId=VERSION, as `aws s3api put-object` and list-object-versions tell it"
        )
    return ObjectVersion(parts.netloc, key, versions[0])
