"""Our own commands: written and read back, and refused unless they are exactly that."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from schemas import own
from schemas.decode import decode_body
from schemas.decoded import Decoded, Undecodable

SID = "01J0000000000000000000ABCD"
WATCH = own.ChatWatch(sid=SID, gen=3)
NOTICE = own.Notice(
    id="n-1", sid=SID, gen=3, kind="busy", at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
)
SYNC = own.OptOutSync(opt_out_list="Default", tick="2026-11-20T15:00:00Z")
REMIND = own.Remind(
    id="visit-7",
    brand="Clinic",
    number="+12065550100",
    appointment_at=datetime.fromisoformat("2026-11-21T09:30:00-08:00"),
    name="Ann",
    attributes={"clinic": "North"},
    pinpoint=own.PinpointOrigin(endpoint_id="ep-1", campaign_id="c-1"),
)
REMINDER_WATCH = own.ReminderWatch(rid=SID)
SWEEP = own.CallSweep(tick="2026-11-20T15:00:00Z")
KEYS: dict[str, tuple[str, ...]] = {
    "chat_watch": (SID,),
    "notice": (SID,),
    "opt_out_sync": ("Default",),
    "remind": ("+12065550100",),
    "reminder_watch": (SID,),
    "call_sweep": (),
}
COMMANDS: list[own.Command] = [WATCH, NOTICE, SYNC, REMIND, REMINDER_WATCH, SWEEP]


def test_a_reading_of_every_list_is_known_by_its_occasion() -> None:
    everything = own.OptOutSync(tick="2026-11-26T06:00:00Z")
    (result,) = decode_body(own.encode_command(everything))
    assert isinstance(result, Decoded)
    assert (result.event, everything.own_keys) == (everything, ())
    assert everything.own_id == "2026-11-26T06:00:00Z"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.switchboard)
def test_a_command_comes_back_as_it_was_sent(command: own.Command) -> None:
    (result,) = decode_body(own.encode_command(command))
    assert isinstance(result, Decoded)
    assert result.event == command
    assert result.keys == KEYS[command.switchboard]


def test_every_command_is_listed_by_its_name() -> None:
    assert {command.switchboard for command in COMMANDS} == own.COMMAND_NAMES == set(KEYS)


def test_an_appointment_keeps_the_offset_that_it_was_written_with() -> None:
    (result,) = decode_body(own.encode_command(REMIND))
    assert isinstance(result, Decoded)
    assert isinstance(result.event, own.Remind)
    assert result.event.appointment_at is not None
    assert result.event.appointment_at.isoformat() == "2026-11-21T09:30:00-08:00"


@pytest.mark.parametrize(
    "change",
    [
        {"appointment_at": "2026-11-21T09:30:00"},
        {"appointment_at": "tomorrow"},
        {"appointment_at": None},
        {"id": ""},
        {"id": "a b"},
        {"attributes": {"sb_reminder": "mine"}},
        {"attributes": {"a b": "c"}},
        {"zone": "x" * 65},
        {"call_list": "a/b"},
    ],
)
def test_a_reminder_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    document = json.loads(own.encode_command(REMIND)) | change
    (result,) = decode_body(json.dumps(document))
    assert isinstance(result, Undecodable)


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        ({"switchboard": "dance"}, "command_unknown", "switchboard"),
        ({"switchboard": 7}, "command_unknown", "switchboard"),
        ({"switchboard": []}, "command_unknown", "switchboard"),
        ({"version": 2}, "command_field_invalid", "version"),
        ({"extra": 1}, "command_field_unknown", "*"),
        ({"sid": "short"}, "command_field_invalid", "sid"),
        ({"gen": -1}, "command_field_invalid", "gen"),
        ({"gen": None}, "command_field_invalid", "gen"),
    ],
)
def test_a_command_that_we_would_not_write_is_refused(
    change: dict[str, object], reason: str, path: str
) -> None:
    document = json.loads(own.encode_command(WATCH)) | change
    assert decode_body(json.dumps(document)) == (Undecodable(reason, path, ()),)


def test_a_notice_needs_its_kind_and_its_time() -> None:
    document = json.loads(own.encode_command(NOTICE))
    del document["at"]
    assert decode_body(json.dumps(document)) == (Undecodable("command_field_missing", "at", ()),)
