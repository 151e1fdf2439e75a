"""How many of each an account may have, as new accounts start (Quotas page)."""

from __future__ import annotations

from simulator.services.sms_voice import errors

ACCOUNT_LIMITS = {
    "PHONE_NUMBERS": 25,
    "POOLS": 25,
    "CONFIGURATION_SETS": 25,
    "OPT_OUT_LISTS": 25,
    "SENDER_IDS": 25,
}
EVENT_DESTINATIONS_PER_CONFIGURATION_SET = 5
KEYWORDS_PER_IDENTITY = 30


def check_room(kind: str, used: int) -> None:
    """Refuse one more when the account has as many as it may.

    Raises:
        AwsError: ServiceQuotaExceededException.
    """
    if used >= ACCOUNT_LIMITS[kind]:
        raise errors.quota(f"{kind}_PER_ACCOUNT", "The account's quota is reached")
