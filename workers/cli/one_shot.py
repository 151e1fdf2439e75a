"""AWS for commands that ask a few things and end: plain boto3 clients, made when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CONNECT_TIMEOUT_S: Final = 5
_READ_TIMEOUT_S: Final = 15
_NOT_FOUND: Final = frozenset(
    {
        "ResourceNotFoundException",
        "NotFoundException",
        "NotFound",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "NoSuchBucket",
        "NoSuchEntity",
        "404",
    }
)
_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
        "Forbidden",
        "403",
    }
)


class OneShotAws:
    """The clients of one command. Region, credentials and endpoints are the SDK's own settings."""

    def __init__(self) -> None:
        self._session: Any = None
        self._clients: dict[str, Any] = {}

    @property
    def session(self) -> Any:
        """The boto3 session."""
        if self._session is None:
            import boto3

            self._session = boto3.Session()
        return self._session

    @property
    def region(self) -> str:
        """The Region of every client; empty when none is set."""
        return self.session.region_name or ""

    def client(self, service: str) -> Any:
        """A client of the service, the same for every call.

        Raises:
            botocore.exceptions.BotoCoreError: no Region, a wrong profile.
        """
        if service not in self._clients:
            from botocore.config import Config

            config = Config(
                connect_timeout=_CONNECT_TIMEOUT_S,
                read_timeout=_READ_TIMEOUT_S,
                retries={"mode": "standard", "total_max_attempts": 3},
                s3={"addressing_style": "path"},
            )
            self._clients[service] = self.session.client(service, config=config)
        return self._clients[service]

    def pages(self, service: str, operation: str, member: str, **params: Any) -> Iterator[Any]:
        """What all pages of a list call have under `member`; the call by botocore's snake name."""
        for page in self.client(service).get_paginator(operation).paginate(**params):
            yield from page.get(member, ())


def code_of(refusal: ClientError) -> str:
    """The error code that AWS answered with."""
    return str(refusal.response.get("Error", {}).get("Code", "Unknown"))


def is_not_found(refusal: ClientError) -> bool:
    """Whether AWS says that what was named is not there."""
    return code_of(refusal) in _NOT_FOUND


def is_denied(refusal: ClientError) -> bool:
    """Whether AWS says that we may not ask."""
    return code_of(refusal) in _DENIED
