"""Every spelling of a time that AWS uses, read into aware UTC datetimes.

Milliseconds (receipts, Pinpoint), float seconds (Kinesis), ISO 8601 with and without a zone, the
numbers as text, and the date of a mail header. A naive time is UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated

from pydantic import BeforeValidator

MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds: as seconds it is the year 5138, as milliseconds 1973."""

NOT_HAPPENED_UNTIL = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
"""Connect writes 1970-01-01T00:00:00.001Z for what has not happened (contact events, sample)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_time(value: object) -> datetime:
    """Read one time, whatever its spelling.

    Raises:
        ValueError: it is no time, or none that a datetime can hold.
    """
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    raise ValueError("not a time")


def read_time_or_none(value: object) -> datetime | None:
    """Like `read_time`, but nothing, an empty text and Connect's sentinel are None."""
    if value is None or value == "":
        return None
    time = read_time(value)
    return time if time > NOT_HAPPENED_UNTIL else None


def to_ms(time: datetime) -> int:
    """Whole milliseconds since 1970, exact: floats would lose one now and then."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _from_text(text: str) -> datetime:
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) >= 9:
        return _from_number(float(text) if "." in text else int(text[:20]))
    try:
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    try:
        return _in_utc(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError("not a time") from None


def _from_number(number: float) -> datetime:
    try:
        if abs(number) >= MILLISECONDS_FROM:
            return _EPOCH + timedelta(milliseconds=number)
        return _EPOCH + timedelta(seconds=number)
    except (OverflowError, ValueError):
        raise ValueError("not a time") from None


def _in_utc(time: datetime) -> datetime:
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time") from None


Time = Annotated[datetime, BeforeValidator(read_time)]
"""A time that must be there."""

MaybeTime = Annotated[datetime | None, BeforeValidator(read_time_or_none)]
"""A time that may be missing, or stand there as not having happened."""
