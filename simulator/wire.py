"""Requests in and answers out, by botocore's own service models: rest-json and json 1.0.

Reads from the installed botocore only, so what a client of that version can say is what is
understood. Checks types while reading; lengths, enums and patterns are `validation`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel

_CREDENTIAL = re.compile(r"Credential=[^/]*/\d{8}/([^/]+)/([^/]+)/aws4_request")
_APP = re.compile(r"\bapp/([^\s]+)")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked against the model."""

    service: str
    operation: str
    params: dict[str, Any]
    headers: Mapping[str, str]
    app: str | None
    region: str
    request_id: str
    received_at: datetime


class AwsError(Exception):
    """An error as the service would answer it.

    `fields` are the modelled members beside the message, such as `Reason`; they stand at the top
    level of the body. The type goes into the `x-amzn-errortype` header, and `__type` for json.
    """

    def __init__(self, code: str, message: str, status: int = 400, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


@cache
def service_model(name: str) -> ServiceModel:
    """The installed botocore's model of a service."""
    return botocore.session.get_session().get_service_model(name)


@dataclass(frozen=True, slots=True)
class Target:
    """Which operation a request means, with the labels of its path."""

    service: str
    operation: OperationModel
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Route:
    service: str
    operation: OperationModel
    pattern: re.Pattern[str]
    literal_chars: int


class Router:
    """Finds the operation by header (json) or by method and path (rest-json).

    All services share one address. Where a path would fit two, the service that the request was
    signed for wins, then the path with more fixed characters.
    """

    def __init__(self, services: tuple[str, ...]) -> None:
        # By method and first segment, which is a fixed word in every path served: with all the
        # operations of several services, trying each was a quarter or more of what a request cost.
        self._routes: dict[tuple[str, str], list[_Route]] = {}
        self._targets: dict[str, tuple[str, ServiceModel]] = {}
        self._signing: dict[str, str] = {}
        for name in services:
            self._add(name, service_model(name))

    def find(self, method: str, raw_path: str, headers: Mapping[str, str]) -> Target:
        """The operation meant.

        Raises:
            AwsError: no operation of any service is.
        """
        target = headers.get("X-Amz-Target")
        if target is not None:
            return self._by_target(target)
        signed_for = credential_scope(headers)[1]
        fitting = [
            (route, found)
            for route in self._routes.get((method, _first_segment(raw_path)), ())
            if (found := route.pattern.fullmatch(raw_path))
        ]
        fitting.sort(
            key=lambda pair: (
                self._signing[pair[0].service] != signed_for,
                -pair[0].literal_chars,
            )
        )
        if not fitting:
            raise AwsError("UnknownOperationException", "Unknown operation", 404)
        route, found = fitting[0]
        labels = {name: unquote(value) for name, value in found.groupdict().items()}
        return Target(route.service, route.operation, labels)

    def _by_target(self, target: str) -> Target:
        prefix, _, operation = target.partition(".")
        if prefix in self._targets:
            name, model = self._targets[prefix]
            if operation in model.operation_names:
                return Target(name, model.operation_model(operation), {})
        raise AwsError("UnknownOperationException", "Unknown operation", 400)

    def _add(self, name: str, model: ServiceModel) -> None:
        self._signing[name] = model.signing_name
        if model.metadata["protocol"] == "json":
            self._targets[model.metadata["targetPrefix"]] = (name, model)
            return
        for operation_name in model.operation_names:
            operation = model.operation_model(operation_name)
            path = operation.http["requestUri"].partition("?")[0]
            pattern, literal_chars = _path_pattern(path)
            method = operation.http["method"]
            self._routes.setdefault((method, _first_segment(path)), []).append(
                _Route(name, operation, pattern, literal_chars)
            )


def _first_segment(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""


def _path_pattern(path: str) -> tuple[re.Pattern[str], int]:
    pieces, literal_chars = [], 0
    for piece in re.split(r"(\{[^}]+\})", path):
        if piece.startswith("{"):
            name, inside = piece[1:-1].rstrip("+"), ".+" if piece.endswith("+}") else "[^/]+"
            pieces.append(f"(?P<{name}>{inside})")
        else:
            pieces.append(re.escape(piece))
            literal_chars += len(piece)
    return re.compile("".join(pieces)), literal_chars


def credential_scope(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Region and signing name that the request was signed for; None, None when unsigned."""
    found = _CREDENTIAL.search(headers.get("Authorization", ""))
    return (found[1], found[2]) if found else (None, None)


def app_name(headers: Mapping[str, str]) -> str | None:
    """What the client calls itself: the SDKs put AWS_SDK_UA_APP_ID there as `app/NAME`."""
    found = _APP.search(headers.get("User-Agent", ""))
    return found[1] if found else None
