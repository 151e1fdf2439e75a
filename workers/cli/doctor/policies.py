"""Whether a resource's policy lets a service in: the part of IAM's rules that such policies use.

Conditions on `aws:SourceArn` and `aws:SourceAccount` are looked at. Another condition cannot be
judged from here and counts as met; a Deny counts only when it names the service without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_JUDGED_OPERATORS = frozenset({"ArnEquals", "ArnLike", "StringEquals", "StringLike"})


@dataclass(frozen=True, slots=True)
class Sender:
    """A service that acts for a resource of an account. Without `source_arn` any will do."""

    service: str
    source_arn: str | None
    account_id: str


def admits(policy: Mapping[str, Any], action: str, resource_arn: str, sender: Sender) -> bool:
    """Whether the policy lets the sender do the action on the resource."""
    statements = [
        statement
        for statement in _listed(policy.get("Statement"))
        if isinstance(statement, Mapping) and _is_about(statement, action, resource_arn, sender)
    ]
    if any(s.get("Effect") == "Deny" and not s.get("Condition") for s in statements):
        return False
    return any(
        s.get("Effect") == "Allow" and _is_met(s.get("Condition") or {}, sender) for s in statements
    )


def _is_about(statement: Mapping[str, Any], action: str, arn: str, sender: Sender) -> bool:
    actions = [str(one).lower() for one in _listed(statement.get("Action"))]
    resources = [str(one) for one in _listed(statement.get("Resource"))]
    return (
        _is_principal(statement.get("Principal"), sender.service)
        and any(fnmatchcase(action.lower(), pattern) for pattern in actions)
        and any(fnmatchcase(arn, pattern) for pattern in resources)
    )


def _is_principal(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    return service in _listed(principal.get("Service")) or "*" in _listed(principal.get("AWS"))


def _is_met(conditions: Mapping[str, Any], sender: Sender) -> bool:
    for operator, keys in conditions.items():
        for key, values in keys.items() if operator in _JUDGED_OPERATORS else ():
            wanted = _known(key, sender)
            patterns = [str(value) for value in _listed(values)]
            if wanted is not None and not any(fnmatchcase(wanted, one) for one in patterns):
                return False
    return True


def _known(key: str, sender: Sender) -> str | None:
    match key.lower():
        case "aws:sourcearn":
            return sender.source_arn
        case "aws:sourceaccount":
            return sender.account_id
        case _:
            return None


def _listed(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
