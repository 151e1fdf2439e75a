"""The recount of a call list: it agrees with a report that is right, and sees each flaw."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from demo.call_list.callees import callees, zones_at
from demo.call_list.recount import main as recount

NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
FLAWS = (
    *("called_twice", "called_at_night", "without_result", "wrong_result"),
    "wrong_number_of_calls",
)
Ledger = list[dict[str, Any]]
Rows = list[dict[str, Any]]


def entry(number: str, contact: int, *, attempt: int = 1, at: datetime = NOW) -> dict[str, Any]:
    """A call as the simulator writes it down."""
    attributes = {"sb_reminder": number, "sb_attempt": str(attempt)}
    return {
        "kind": "request",
        "name": "StartOutboundVoiceContact",
        "at": at.isoformat(),
        "params": {"DestinationPhoneNumber": number, "Attributes": attributes},
        "result": {"ContactId": f"c-{contact}"},
    }


def played(folder: Path, spoil: Callable[[Ledger, Rows], None]) -> dict[str, Any]:
    """A list that went as it should, then spoiled, and what the recount says of it."""
    people = callees(40, NOW, random.Random(1))  # noqa: S311 - a play, not a secret
    ids = count()
    ledger = [
        entry(one.number, next(ids), attempt=attempt)
        for one in people
        for attempt in range(1, one.rings + 1)
    ]
    ledger.append(dict(ledger[0]))  # the same token again: the same contact
    rows = [{"number": one.number, "state": one.expects} for one in people]
    spoil(ledger, rows)
    (folder / "ledger").write_text("".join(json.dumps(one) + "\n" for one in ledger))
    (folder / "report").write_text(json.dumps({"rows": rows}))
    (folder / "people").write_text("".join(json.dumps(asdict(one)) + "\n" for one in people))
    return recount(folder / "ledger", folder / "report", folder / "people")


def ring_twice(ledger: Ledger, _: Rows) -> None:
    ledger.append(entry(ledger[0]["params"]["DestinationPhoneNumber"], 999))


def ring_at_night(ledger: Ledger, _: Rows) -> None:
    ledger[0]["at"] = ledger[-1]["at"] = (NOW + timedelta(hours=10)).isoformat()


def leave_open(_: Ledger, rows: Rows) -> None:
    rows[0]["state"] = "waiting"


def lose_row(_: Ledger, rows: Rows) -> None:
    del rows[0]


def say_wrong(_: Ledger, rows: Rows) -> None:
    rows[0]["state"] = "machine"


def forget(ledger: Ledger, _: Rows) -> None:
    del ledger[1]


def test_what_went_well_has_no_flaw(tmp_path: Path) -> None:
    found = played(tmp_path, lambda _ledger, _rows: None)
    assert {flaw: found[flaw] for flaw in FLAWS} == dict.fromkeys(FLAWS, 0)
    assert found["first"] == []
    assert found["people"] == 40


@pytest.mark.parametrize(
    ("spoil", "flaws"),
    [
        (ring_twice, {"called_twice", "wrong_number_of_calls"}),
        (ring_at_night, {"called_at_night"}),
        (leave_open, {"without_result"}),
        (lose_row, {"without_result"}),
        (say_wrong, {"wrong_result"}),
        (forget, {"wrong_number_of_calls"}),
    ],
)
def test_each_flaw_is_seen(
    tmp_path: Path, spoil: Callable[[Ledger, Rows], None], flaws: set[str]
) -> None:
    found = played(tmp_path, spoil)
    assert {flaw for flaw in FLAWS if found[flaw]} == flaws


@pytest.mark.parametrize("hour", range(24))
def test_at_any_hour_three_zones_have_day_and_one_has_night(hour: int) -> None:
    now = NOW.replace(hour=hour)
    found = callees(4, now, random.Random(1))  # noqa: S311 - a play, not a secret
    assert [now.astimezone(ZoneInfo(one.zone)).hour for one in found] == [12, 14, 16, 23]


@pytest.mark.parametrize("month", range(1, 13))
def test_some_clock_shows_each_hour_in_every_season(month: int) -> None:
    for hour in range(24):
        now = NOW.replace(month=month, hour=hour)
        assert all(zones_at(shown, now) for shown in range(24))
