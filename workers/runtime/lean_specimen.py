"""An operation's request as the SDK makes it, and the same for any other body, signed now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import get_current_datetime
from botocore.credentials import ReadOnlyCredentials

_ALGORITHM = "AWS4-HMAC-SHA256 "
_PER_CALL = frozenset(
    {"x-amz-date", "authorization", "content-length", "amz-sdk-invocation-id", "amz-sdk-request"}
)


class SigningError(Exception):
    """The SDK signs in a way that we do not know: its own transport has to do."""


@dataclass(slots=True)
class _Stamp:
    """What botocore's signer reads of a request once its canonical form is made."""

    context: dict[str, str]


class Specimen:
    """One operation's URL, headers and signer, for as long as these credentials are good.

    Key, scope and signature are botocore's. Its canonical form of a request is made here: there
    it passes through the objects of e-mail headers, at four times the cost of all the rest. So
    the specimen is signed again here, and the two signatures compared.

    Raises:
        SigningError: they differ, or the specimen is not signed with these credentials.
    """

    def __init__(self, request: AWSPreparedRequest, credentials: ReadOnlyCredentials) -> None:
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        fields = _authorization(headers.get("authorization", ""))
        _, _, region, service, _ = fields["Credential"].split("/")
        parts = urlsplit(request.url)
        self.credentials = credentials
        self.method = request.method
        self.url = request.url
        self._auth = SigV4Auth(credentials, service, region)
        self._path = parts.path or "/"
        self._host = parts.netloc  # aiohttp sends it by itself
        self._constant = {name: value for name, value in headers.items() if name not in _PER_CALL}
        self._names = fields["SignedHeaders"].split(";")
        body = request.body if isinstance(request.body, bytes) else b""
        if self._signature(body, headers.get("x-amz-date", "")) != fields["Signature"]:
            raise SigningError("not botocore's signature")

    def headers(self, body: bytes) -> dict[str, str]:
        """All headers of a request with this body, names in lower case."""
        timestamp = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        signature = self._signature(body, timestamp)
        scope = self._auth.scope(_Stamp({"timestamp": timestamp}))  # type: ignore[arg-type]
        return self._constant | {
            "x-amz-date": timestamp,
            "authorization": (
                f"{_ALGORITHM}Credential={scope}, SignedHeaders={';'.join(self._names)},"
                f" Signature={signature}"
            ),
        }

    def _signature(self, body: bytes, timestamp: str) -> str:
        values = self._constant | {"host": self._host, "x-amz-date": timestamp}
        canonical = "\n".join(
            (
                self.method,
                self._path,
                "",  # no query
                *(f"{name}:{values.get(name, '')}" for name in self._names),
                "",
                ";".join(self._names),
                hashlib.sha256(body).hexdigest(),
            )
        )
        stamp = _Stamp({"timestamp": timestamp})
        to_sign = self._auth.string_to_sign(stamp, canonical)  # type: ignore[arg-type]
        return str(self._auth.signature(to_sign, stamp))  # type: ignore[arg-type]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _authorization(header: str) -> dict[str, str]:
    if not header.startswith(_ALGORITHM):
        raise SigningError("no Signature Version 4")
    fields = (field.partition("=") for field in header.removeprefix(_ALGORITHM).split(", "))
    return {name: value for name, _, value in fields}
