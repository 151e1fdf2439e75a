"""All spellings of one instant are one instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.timestamps import read_time, read_time_or_none, to_ms

INSTANT = datetime(2026, 11, 20, 13, 28, 24, 656_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "spelling",
    [
        1795181304656,
        1795181304.656,
        "1795181304656",
        "1795181304.656",
        "2026-11-20T13:28:24.656Z",
        "2026-11-20T13:28:24.656",
        "2026-11-20 13:28:24.656+00:00",
        "2026-11-20T14:28:24.656+01:00",
        "2026-11-20T13:28:24.656000Z",
        " 2026-11-20T13:28:24.656Z ",
        INSTANT.replace(tzinfo=None),
        INSTANT.astimezone(timezone(timedelta(hours=-8))),
    ],
)
def test_one_instant_in_every_spelling(spelling: object) -> None:
    assert read_time(spelling) == INSTANT
    assert read_time(spelling).tzinfo is UTC


def test_the_date_of_a_mail_header_is_read() -> None:
    assert read_time("Fri, 20 Nov 2026 13:28:24 +0000") == INSTANT.replace(microsecond=0)


@pytest.mark.parametrize(
    "value",
    [True, None, [], {}, "", "soon", "9" * 400, "9" * 20, 10**400, 1e300, -1e300, float("nan"),
     float("inf"), "9999-99-99T00:00:00Z", "0001-01-01T00:00:00+14:00", "Fri, 99 Nov 2026"],
)  # fmt: skip
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a time"):
        read_time(value)


@pytest.mark.parametrize("value", [None, "", "1970-01-01T00:00:00.001Z", 0, 1])
def test_what_has_not_happened_is_none(value: object) -> None:
    assert read_time_or_none(value) is None


@given(st.integers(min_value=100_000_000_000, max_value=32_503_680_000_000))
def test_milliseconds_come_back_exactly(ms: int) -> None:
    assert to_ms(read_time(ms)) == ms
    assert to_ms(read_time(str(ms))) == ms


@given(st.text() | st.floats() | st.integers())
def test_reading_a_time_raises_nothing_but_a_value_error(value: object) -> None:
    try:
        time = read_time(value)
    except ValueError:
        return
    assert time.tzinfo is UTC
