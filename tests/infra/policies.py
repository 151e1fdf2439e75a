"""Reads policies: who may do what, and on whose behalf only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any


def statements(document: str) -> list[dict[str, Any]]:
    """The statements of a policy document."""
    found: list[dict[str, Any]] = json.loads(document)["Statement"]
    return found


def allowing(document: str, principal: str, action: str) -> Iterator[Mapping[str, Any]]:
    """The conditions of every statement that lets a service do something."""
    for statement in statements(document):
        services = (
            statement["Principal"].get("Service", ()) if statement["Effect"] == "Allow" else ()
        )
        if principal in several(services) and action in several(statement["Action"]):
            yield statement.get("Condition", {})


def several(words: Any) -> list[str]:
    """What a policy writes as a list, or bare where it is one."""
    return [words] if isinstance(words, str) else list(words)


def is_only_of(conditions: Mapping[str, Any], account: str, source: str | None = None) -> bool:
    """Whether a statement is for one account alone, and for one source where one is named."""
    if conditions.get("StringEquals", {}).get("aws:SourceAccount") != account:
        return False
    return source is None or any(fnmatchcase(source, pattern) for pattern in sources(conditions))


def sources(conditions: Mapping[str, Any]) -> list[str]:
    """The ARNs, or patterns of ARNs, on whose behalf a statement is."""
    return [
        arn
        for test in ("ArnEquals", "ArnLike")
        for arn in several(conditions.get(test, {}).get("aws:SourceArn", ()))
    ]
