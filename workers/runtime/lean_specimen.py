"""An operation's request as the SDK makes it, and the same for any other body, signed now."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlsplit

from botocore.auth import SIGV4_TIMESTAMP
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import ReadOnlyCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_PER_CALL = frozenset(
    {"x-amz-date", "authorization", "content-length", "amz-sdk-invocation-id", "amz-sdk-request"}
)
_DATE = "\0"  # Where the time goes in a canonical form; no header can hold it.


class SigningError(Exception):
    """The SDK signs in a way that we do not know: its own transport has to do."""


class Specimen:
    """One operation's URL, headers and signature, for as long as these credentials are good.

    All but the time, the body's hash and the signature is put together once. botocore does it
    anew for each request, by way of the objects of e-mail headers, and derives the day's key each
    time. So that none of that can go wrong unseen, the specimen is signed again here, and the two
    signatures compared. (Signature Version 4: IAM User Guide, "Create a signed AWS API request".)

    Raises:
        SigningError: they differ, or the specimen is not signed with these credentials.
    """

    def __init__(self, request: AWSPreparedRequest, credentials: ReadOnlyCredentials) -> None:
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        fields = _authorization(headers.get("authorization", ""))
        _, _, self._region, self._service, _ = fields["Credential"].split("/")
        parts = urlsplit(request.url)
        self.credentials = credentials
        self.method = request.method
        self.url = request.url
        self._constant = {name: value for name, value in headers.items() if name not in _PER_CALL}
        self._names = fields["SignedHeaders"]
        # aiohttp, or the connection, sends the host by itself.
        values = self._constant | {"host": parts.netloc, "x-amz-date": _DATE}
        lines = [f"{name}:{values.get(name, '')}" for name in self._names.split(";")]
        no_query = ""
        canonical = "\n".join(
            (self.method, parts.path or "/", no_query, *lines, "", self._names, "")
        )
        self._before_time, _, self._after_time = canonical.partition(_DATE)
        self._day, self._key = "", b""
        body = request.body if isinstance(request.body, bytes) else b""
        if self._signature(body, headers.get("x-amz-date", "")) != fields["Signature"]:
            raise SigningError("not botocore's signature")

    def headers(self, body: bytes) -> dict[str, str]:
        """All headers of a request with this body, names in lower case."""
        timestamp = time.strftime(SIGV4_TIMESTAMP, time.gmtime())
        signature = self._signature(body, timestamp)
        credential = f"{self.credentials.access_key}/{self._scope(timestamp)}"
        return {
            **self._constant,
            "x-amz-date": timestamp,
            "authorization": (
                f"{_ALGORITHM} Credential={credential}, SignedHeaders={self._names},"
                f" Signature={signature}"
            ),
        }

    def _scope(self, timestamp: str) -> str:
        return f"{timestamp[:8]}/{self._region}/{self._service}/aws4_request"

    def _signature(self, body: bytes, timestamp: str) -> str:
        canonical = (
            f"{self._before_time}{timestamp}{self._after_time}{hashlib.sha256(body).hexdigest()}"
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"{_ALGORITHM}\n{timestamp}\n{self._scope(timestamp)}\n{digest}"
        return _hmac(self._key_of(timestamp[:8]), to_sign).hex()

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self.credentials.secret_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = _hmac(key, part)
            self._day, self._key = day, key
        return self._key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _authorization(header: str) -> dict[str, str]:
    if not header.startswith(f"{_ALGORITHM} "):
        raise SigningError("no Signature Version 4")
    fields = (field.partition("=") for field in header.removeprefix(f"{_ALGORITHM} ").split(", "))
    return {name: value for name, _, value in fields}
