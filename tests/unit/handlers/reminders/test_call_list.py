"""Call lists as files: what each row becomes, and what is said of those that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.handlers.reminders.call_list import (
    BrokenRow,
    ListPlan,
    Row,
    UnreadableListError,
    read_list,
)

AT = "2026-12-01T09:30:00-08:00"
PLAN = ListPlan("march", "Clinic", datetime(2026, 11, 30, 17, tzinfo=UTC))
HEAD = "number,appointment_at,name,clinic"


def rows(text: str, *, is_csv: bool = True) -> list[Row | BrokenRow]:
    return list(read_list(text, PLAN, is_csv=is_csv))


def test_a_row_is_a_reminder_and_other_columns_are_attributes() -> None:
    [row] = rows(f"{HEAD}\n+1 (206) 555-0100,{AT},Ann,North\n")
    assert isinstance(row, Row)
    assert row.line == 2
    assert row.remind.number == "+12065550100"
    assert row.remind.attributes == {"clinic": "North"}
    assert row.remind.not_before == PLAN.not_before
    assert (row.remind.brand, row.remind.call_list) == ("Clinic", "march")
    assert row.remind.id.startswith("march:")
    assert row.remind.appointment_at is not None
    assert row.remind.appointment_at.isoformat() == AT


def test_json_lines_say_the_same() -> None:
    line = {"number": "+12065550100", "appointment_at": AT, "attributes": {"clinic": "North"}}
    [row] = rows(f"\n{json.dumps(line)}\n", is_csv=False)
    assert isinstance(row, Row)
    assert row.line == 2
    assert row.remind.attributes == {"clinic": "North"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"2065550100,{AT},,", "number: write it in E.164, with + and country code"),
        ("+12065550100,tomorrow,,", "appointment_at: write a time with its offset"),
        ("+12065550100,2026-12-01T09:30:00,,", "appointment_at: write a time with its offset"),
        ("+12065550100,,,", "give appointment_at or useful_until"),
        ("+12065550100", "1 cells instead of 4"),
        (f"+12065550100,{AT},{'x' * 65},", "name: not allowed so"),
    ],
)
def test_a_broken_row_is_named_by_its_line_and_the_others_go_on(line: str, says: str) -> None:
    good = f"+12065550101,{AT},,"
    found = rows(f"{HEAD}\n{line}\n\n{good}\n")
    assert isinstance(found[0], BrokenRow)
    assert found[0].line == 2
    assert says in found[0].says
    assert "2065550100" not in found[0].says
    assert [row.line for row in found if isinstance(row, Row)] == [4]


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"number": "+12065550100", "sb": 1}'])
def test_a_line_that_is_no_reminder_is_named_too(line: str) -> None:
    [row] = rows(line, is_csv=False)
    assert isinstance(row, BrokenRow)


def test_the_same_person_and_appointment_twice_is_one_call() -> None:
    """In whatever spelling: Argentina's mobile 9 comes and goes."""
    found = rows(f"number,appointment_at\n+5491123456789,{AT}\n+541123456789,{AT}\n")
    assert isinstance(found[0], Row)
    assert found[1] == BrokenRow(3, "the same person and appointment as line 2")
    later = AT.replace("09:30", "10:30")
    both = rows(f"number,appointment_at\n+12065550100,{AT}\n+12065550100,{later}\n")
    assert all(isinstance(row, Row) for row in both)


def test_an_id_of_ones_own_stands_and_is_one_call_each() -> None:
    found = rows(f"id,number,appointment_at\nv-1,+12065550100,{AT}\nv-1,+12065550101,{AT}\n")
    assert isinstance(found[0], Row)
    assert found[0].remind.id == "march:v-1"
    assert found[1] == BrokenRow(3, "the same id as line 2")


@pytest.mark.parametrize("head", ["", "phone,appointment_at", "number,sb_answer", "number,number"])
def test_a_list_without_a_usable_head_is_refused(head: str) -> None:
    with pytest.raises(UnreadableListError):
        rows(f"{head}\n+12065550100,{AT}\n")


@given(st.text(), st.booleans())
def test_no_text_does_more_than_be_refused(text: str, is_csv: bool) -> None:
    try:
        found = rows(text, is_csv=is_csv)
    except UnreadableListError:
        return
    assert all(isinstance(row, Row | BrokenRow) for row in found)
