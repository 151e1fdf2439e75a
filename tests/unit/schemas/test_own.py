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


@pytest.mark.parametrize("command", [WATCH, NOTICE, SYNC], ids=lambda c: c.switchboard)
def test_a_command_comes_back_as_it_was_sent(command: own.Command) -> None:
    (result,) = decode_body(own.encode_command(command))
    assert isinstance(result, Decoded)
    assert result.event == command
    assert result.keys == (("Default",) if command is SYNC else (SID,))


def test_every_command_is_listed_by_its_name() -> None:
    assert {WATCH.switchboard, NOTICE.switchboard, SYNC.switchboard} == own.COMMAND_NAMES


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
