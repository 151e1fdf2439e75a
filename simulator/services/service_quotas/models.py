"""The quotas of the account, and the `service_quotas` section of the world document.

The section maps a service code to quotas by name: `{"connect": {"Rate of StartChatContact API
requests": 20}}`. What is not named keeps the value of a new account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter

_RATE: Final = "Rate of {} API requests"
_CONCURRENT: Final = "Concurrent active {} per instance"


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota. Those of an instance are shown with the account's default value."""

    code: str
    name: str
    value: float
    is_of_instance: bool = False


_DEFAULTS: Final[Mapping[str, tuple[Quota, ...]]] = {
    "connect": (
        Quota("L-AA48CD49", _RATE.format("StartChatContact"), 5),
        Quota("L-93412F17", _RATE.format("StartContactStreaming"), 5),
        Quota("L-4E9BCC96", _RATE.format("StartOutboundVoiceContact"), 2),
        Quota("L-650BD10F", _RATE.format("StopContact"), 10),
        Quota("L-F001E5ED", _RATE.format("UpdateContactAttributes"), 10),
        Quota("L-371095B8", _RATE.format("DescribeContact"), 10),
        Quota("L-12AB7C57", _CONCURRENT.format("calls"), 10, is_of_instance=True),
        Quota("L-D4BA6F6E", _CONCURRENT.format("chats"), 500, is_of_instance=True),
    )
}
"""Names, codes and values of a new account (Connect administrator guide, "Amazon Connect service
quotas"; the Service Quotas console)."""
_SECTION = TypeAdapter(dict[str, dict[str, float]])


@dataclass(slots=True)
class Quotas:
    """All quotas, by service code."""

    by_service: Mapping[str, tuple[Quota, ...]] = field(default_factory=lambda: _DEFAULTS)


def quotas_of(section: Mapping[str, Any]) -> Mapping[str, tuple[Quota, ...]]:
    """The quotas that a world document describes.

    Raises:
        pydantic.ValidationError: the section is malformed.
        ValueError: it names a quota that is not played.
    """
    given = _SECTION.validate_python(section)
    known = {(service, one.name) for service, quotas in _DEFAULTS.items() for one in quotas}
    for service, quotas in given.items():
        for name in quotas:
            if (service, name) not in known:
                raise ValueError(f"no quota {name!r} of {service} is played")
    return {
        service: tuple(
            Quota(
                one.code,
                one.name,
                given.get(service, {}).get(one.name, one.value),
                one.is_of_instance,
            )
            for one in quotas
        )
        for service, quotas in _DEFAULTS.items()
    }
