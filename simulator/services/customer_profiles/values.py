"""When two values are the same to Customer Profiles, by the content type of their field.

Source: administrator guide, "Field definitions in Customer Profiles object type mappings": any
way to write a phone number finds it.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

import phonenumbers

PREDEFINED = {
    "_phone": "PHONE_NUMBER",
    "_email": "EMAIL_ADDRESS",
    "_fullName": "NAME",
}
"""Content types of the predefined keys that are not plain strings."""
_HOME_REGION = "US"
_MOST_DIGITS = 300


def comparable(value: str, content_type: str) -> str:
    """The form in which equal values are equal.

    UNVERIFIED: that case and blanks do not count in names, that case does in STRING, and that a
    number without a country is taken for one of the United States.
    """
    match content_type:
        case "PHONE_NUMBER":
            return _phone(value)
        case "EMAIL_ADDRESS":
            return value.strip().casefold()
        case "NAME":
            return " ".join(value.split()).casefold()
        case "NUMBER":
            return _number(value)
        case _:
            return value


@lru_cache(maxsize=65_536)
def _phone(value: str) -> str:
    try:
        parsed = phonenumbers.parse(value, _HOME_REGION)
    except phonenumbers.NumberParseException:
        return value.strip()
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _number(value: str) -> str:
    # Exact, whatever its length: rounded, two long account numbers would be one person's.
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return value.strip()
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        return value.strip()
    digits = len(number.as_tuple().digits)
    return f"{number.normalize(Context(prec=digits)):f}"
