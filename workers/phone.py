"""Phone numbers: one form to store, a fair comparison, a mask for people. Pure.

The numbering plans are those of the `phonenumbers` tables. RCS agent ids and sender ids are no
numbers, and nothing here takes them for one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

_WRITTEN: Final = re.compile(r"\+?[0-9][0-9 ().\-/]*")
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_MAX_WRITTEN_CHARS: Final = 40
_HIDDEN: Final = "•••"

_MEXICO: Final = 52
_SILENT_KINDS: Final = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)


def normalise(number: str, default_region: str | None = None) -> str | None:
    """`number` in E.164, or None when it is no number that could be called.

    Takes the spaces, hyphens, dots and brackets that people write, and no extension. Without a
    `default_region` ("US") only a number that begins with "+" has a country. The length must fit
    the country's plan; whether the range is in use is not asked, because tables grow old and a
    text must not be lost to that.
    """
    parsed = _parse(number, default_region)
    if parsed is None:
        return None
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return written if _E164.fullmatch(written) else None


def same_number(left: str, right: str) -> bool:
    """Whether both reach the same phone, although stored and reported forms may differ.

    Argentina's mobile 9 and Mexico's former mobile 1 come and go on the way through carriers.
    Short codes are equal digit by digit.
    """
    one = identity(left)
    return one is not None and one == identity(right)


def identity(number: str) -> str | None:
    """A form that is equal for all spellings of one number; to compare, not to dial."""
    if is_short_code(number):
        return number
    written = normalise(number)
    if written is None:
        return None
    if written.startswith("+549") and len(written) == len("+549") + 10:
        return "+54" + written.removeprefix("+549")
    return written


def is_short_code(number: str) -> bool:
    """3 to 8 digits and nothing else: no country, no "+"."""
    return number.isascii() and _SHORT_CODE.fullmatch(number) is not None


def is_textable(number: str) -> bool:
    """Whether the plan lets this kind of number carry texts at all.

    False for premium-rate, shared-cost, company-wide, pager and voicemail numbers and for what is
    in no range. A landline counts as textable: many are, and the plan cannot tell.
    """
    if is_short_code(number):
        return True
    parsed = _parse(number, None)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return False
    return phonenumbers.number_type(parsed) not in _SILENT_KINDS


def is_fixed_line(number: str) -> bool:
    """Whether the plan has it as a fixed line only. North America's plan cannot tell."""
    parsed = _parse(number, None)
    return parsed is not None and phonenumbers.number_type(parsed) == PhoneNumberType.FIXED_LINE


def is_north_american_toll_free(number: str) -> bool:
    """Whether it is a toll-free number of country code 1, where carriers answer STOP themselves."""
    parsed = _parse(number, None)
    return (
        parsed is not None
        and parsed.country_code == 1
        and phonenumbers.number_type(parsed) == PhoneNumberType.TOLL_FREE
    )


def zones_of(number: str) -> tuple[str, ...]:
    """The IANA zones that the number may be in, by its plan; none where that cannot be known.

    A ported number may be elsewhere; one without a place (toll-free) is in all of its country.
    """
    from phonenumbers import timezone  # its tables take memory that only reminders need

    parsed = _parse(number, None)
    found = timezone.time_zones_for_number(parsed) if parsed is not None else ()
    return tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)


def country_of(number: str) -> str | None:
    """The country of the number, such as `US`; None for one of no country."""
    parsed = _parse(number, None)
    region = phonenumbers.region_code_for_number(parsed) if parsed is not None else None
    return region if region is not None and re.fullmatch(r"[A-Z]{2}", region) else None


def mask(number: str) -> str:
    """The number for people's eyes: `+1206•••0100`. Always the same for the same number.

    At least three digits are hidden. A short code belongs to a company and is shown; what is no
    number is hidden whole.
    """
    if is_short_code(number):
        return number
    written = normalise(number)
    parsed = _parse(written, None) if written else None
    if written is None or parsed is None:
        return _HIDDEN
    country = f"+{parsed.country_code}"
    national = written.removeprefix(country)
    tail_count = max(0, min(4, len(national) - 3))
    head_count = max(0, min(3, len(national) - tail_count - 3))
    tail = national[-tail_count:] if tail_count else ""
    return f"{country}{national[:head_count]}{_HIDDEN}{tail}"


def _parse(number: str, region: str | None) -> PhoneNumber | None:
    written = unicodedata.normalize("NFKC", number[: _MAX_WRITTEN_CHARS + 1]).strip()
    if len(written) > _MAX_WRITTEN_CHARS or not _WRITTEN.fullmatch(written):
        return None
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    _drop_mexican_mobile_prefix(parsed)
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return parsed if reason == ValidationResult.IS_POSSIBLE else None


def _drop_mexican_mobile_prefix(parsed: PhoneNumber) -> None:
    """+52 1 was dropped from the plan in 2019, and some carriers still report it."""
    national = str(parsed.national_number)
    if parsed.country_code == _MEXICO and len(national) == 11 and national.startswith("1"):
        parsed.national_number = int(national[1:])
