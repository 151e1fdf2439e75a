"""Which country a number belongs to."""

from __future__ import annotations

import phonenumbers


def country_of(number: str) -> str | None:
    """ISO country of an E.164 number; None where the numbering plan does not say."""
    try:
        parsed = phonenumbers.parse("+" + number.removeprefix("+"))
    except phonenumbers.NumberParseException:
        return None
    # Invented numbers (555) are in no one's plan, so the calling code decides for them.
    exact = phonenumbers.region_code_for_number(parsed)
    region = exact or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return region if region not in ("ZZ", "001") else None


def recipient(number: str) -> str:
    """A destination as receipts and lists spell it: E.164 with its plus; short codes bare."""
    digits = number.removeprefix("+")
    return digits if len(digits) <= 6 else f"+{digits}"
