"""What the workers reckon with, against what the account may do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.site import Site
from workers.limits import RATES, rate_of_identity
from workers.phone import mask

CATALOGUE: Final = Catalogue()
_RATE: Final = "Rate of {} API requests".format
_CALLS: Final = "Concurrent active calls per instance"
_QUOTA_OF: Final = {
    "connect.start_chat": _RATE("StartChatContact"),
    "connect.start_streaming": _RATE("StartContactStreaming"),
    "connect.stop_contact": _RATE("StopContact"),
    "connect.update_attributes": _RATE("UpdateContactAttributes"),
    "connect.start_call": _RATE("StartOutboundVoiceContact"),
    "connect.describe_contact": _RATE("DescribeContact"),
}
"""Service Quotas' names (Connect administrator guide, "Amazon Connect service quotas")."""
_ASKS: Final = ("servicequotas:ListServiceQuotas",)


@CATALOGUE.add(
    looks_at="Connect's request quotas against the rates that workers pace themselves by"
    " (docs/limits.md, `[quotas]`), and its concurrent calls against `reminders.in_air_max`",
    remedy="lower the rate in `[quotas]`, or ask for a higher quota in Service Quotas",
    asks=_ASKS,
    after=("credentials",),
)
def connect_quotas(site: Site) -> Iterator[Problem]:
    """Too high a rate costs throttles, which the workers learn from: a warning."""
    warn = partial(Problem, is_warning=True)
    account = _account_quotas(site)
    for name, quota in _QUOTA_OF.items():
        reckoned = site.configuration.quotas.get(name, RATES[name].per_s)
        if reckoned > account.get(quota, reckoned):
            yield warn(
                name,
                f"workers reckon with {reckoned:g} a second, the account has {account[quota]:g}",
            )
    in_air = site.configuration.reminders.in_air_max
    if site.configuration.makes_calls and in_air > account.get(_CALLS, in_air):
        yield warn(
            "reminders.in_air_max", f"{in_air} calls at a time, the account has {account[_CALLS]:g}"
        )


def _account_quotas(site: Site) -> dict[str, float]:
    listed: Iterator[Any] = site.aws.pages(
        "service-quotas", "list_service_quotas", "Quotas", ServiceCode="connect"
    )
    return {str(one["QuotaName"]): float(one["Value"]) for one in listed}


@CATALOGUE.add(
    looks_at="each number's rate of texts against the one that workers pace themselves by",
    remedy='state the number\'s rate: `[quotas]` with `"sms:NUMBER" = 3`, in message parts a'
    " second",
    asks=("sms-voice:DescribePhoneNumbers",),
    after=("numbers",),
)
def text_rates(site: Site) -> Iterator[Problem]:
    """As MessagingLimits shows it; not looked at where the answer has none."""
    is_told = False
    for brand in site.brands:
        for wanted in brand.numbers:
            number = site.number(wanted) or {}
            per_s = number.get("MessagingLimits", {}).get("RateLimits", {}).get("SMS")
            if per_s is None:
                continue
            is_told = True
            stated = site.configuration.quotas.get(f"sms:{wanted}")
            reckoned = stated if stated is not None else rate_of_identity(wanted).per_s
            if reckoned > per_s:
                says = f"workers reckon with {reckoned:g} a second, the number has {per_s}"
                yield Problem(mask(wanted), says, is_warning=True)
    if not is_told:
        raise NotConcerned("the account does not tell its numbers' rates")
