"""A custom-channel call of Amazon Pinpoint, read as reminders. Pure.

Up to 50 endpoints come at once; each that can be called is a reminder of its own. Its id is made of
the activity and the endpoint, so a call that is delivered again dials nobody again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from schemas.own import PinpointOrigin, Remind
from schemas.pinpoint_legacy import CustomChannelCall, LegacyEndpoint
from workers.config import Configuration
from workers.config.reminders import PinpointMapping
from workers.phone import normalise

_OPTED_OUT: Final = "ALL"
_INACTIVE: Final = "INACTIVE"


@dataclass(frozen=True, slots=True)
class Read:
    """The reminders of a call, and why its other endpoints are none, counted by reason."""

    reminders: tuple[Remind, ...]
    skipped: tuple[str, ...]


def read_call(call: CustomChannelCall, config: Configuration, sent_at: datetime) -> Read:
    """Every endpoint's reminder, or the reason why it has none."""
    found = [
        _reminder(endpoint_id, endpoint, call, config, sent_at)
        for endpoint_id, endpoint in call.endpoints.items()
    ]
    return Read(
        tuple(each for each in found if isinstance(each, Remind)),
        tuple(each for each in found if isinstance(each, str)),
    )


def brand_of(call: CustomChannelCall, config: Configuration) -> str | None:
    """The brand that is to call: what Data says, else the mapping's, else the only one."""
    callers = [brand.name for brand in config.brands if brand.calls is not None]
    named = str(_data(call).get("brand") or config.reminders.pinpoint.brand)
    if named:
        return named if named in callers else None
    return callers[0] if len(callers) == 1 else None


def _reminder(
    endpoint_id: str,
    endpoint: LegacyEndpoint,
    call: CustomChannelCall,
    config: Configuration,
    sent_at: datetime,
) -> Remind | str:
    number = normalise(endpoint.address or "")
    if endpoint.opt_out == _OPTED_OUT:
        return "endpoint_opted_out"
    if endpoint.endpoint_status == _INACTIVE:
        return "endpoint_inactive"
    if number is None:
        return "endpoint_without_number"
    mapping = config.reminders.pinpoint
    since = call.scheduled_time or sent_at
    try:
        return Remind(
            id=_id(call, endpoint_id, since),
            brand=brand_of(call, config) or "",
            number=number,
            appointment_at=_appointment(endpoint, call, mapping),
            useful_until=since + timedelta(seconds=mapping.useful_for_s)
            if _appointment(endpoint, call, mapping) is None
            else None,
            name=(_first(endpoint, mapping.name_attribute) or "")[:64] or None,
            zone=_text(endpoint.demographic.get("Timezone")),
            customer_id=endpoint.user.user_id if endpoint.user else None,
            pinpoint=PinpointOrigin(
                endpoint_id=endpoint_id,
                application_id=call.application_id,
                campaign_id=call.campaign_id,
                journey_id=call.journey_id,
                treatment_id=call.treatment_id,
                activity_id=call.activity_id,
            ),
        )
    except ValidationError:
        return "endpoint_invalid"


def _id(call: CustomChannelCall, endpoint_id: str, since: datetime) -> str:
    """Journeys have no scheduled time, and campaigns that recur have one for each run."""
    at = since.isoformat() if call.scheduled_time is not None else ""
    of = call.activity_id or call.campaign_id or call.journey_id or ""
    cause = "|".join((call.application_id or "", of, at, endpoint_id))
    return f"pinpoint:{hashlib.sha256(cause.encode()).hexdigest()[:40]}"


def _appointment(
    endpoint: LegacyEndpoint, call: CustomChannelCall, mapping: PinpointMapping
) -> datetime | None:
    said = _text(_data(call).get("appointment_at"))
    for text in (_first(endpoint, mapping.appointment_attribute), said):
        try:
            at = datetime.fromisoformat(text) if text else None
        except ValueError:
            continue
        if at is not None and at.tzinfo is not None:
            return at
    return None


def _first(endpoint: LegacyEndpoint, name: str) -> str | None:
    """The first value of an endpoint's attribute, else of its user's."""
    return next(_values(endpoint, name), None)


def _values(endpoint: LegacyEndpoint, name: str) -> Iterator[str]:
    yield from endpoint.attributes.get(name, ())
    if endpoint.user is not None:
        yield from endpoint.user.user_attributes.get(name, ())


def _data(call: CustomChannelCall) -> dict[str, Any]:
    """What CustomMessage.Data holds, if that is a JSON object."""
    try:
        found = json.loads(call.data or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value[:64] if isinstance(value, str) and value else None
