"""`switchboard suppressions` where no AWS is asked: its help, its refusals, its looks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from workers.addresses import Channel
from workers.brands import MessageClass
from workers.cli.suppressions import _print, _row, suppressions
from workers.handlers.bounce_tracking.desk import Suppressed
from workers.handlers.bounce_tracking.standing import State


def run(*arguments: str) -> Result:
    return CliRunner().invoke(suppressions, list(arguments), env={})


@pytest.mark.parametrize(
    "command", [[], ["list"], ["add"], ["remove"], ["export"], ["audit"], ["sync"]]
)
def test_help_teaches(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    if not command:
        assert "masked" in result.output
        assert "Exit status: 0 done, 1 AWS refused" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "pat@example.com"), "--reason"),
        (("add", "nobody", "--reason", "x"), "a mail address, or a number in E.164"),
        (("add", "206-555-0100", "--reason", "x"), "a mail address, or a number in E.164"),
        (("add", "pat@example.com", "--channel", "sms", "--reason", "x"), "in E.164"),
        (("add", "pat@example.com", "--reason", "for pat@example.com"), "leave out numbers"),
        (("remove", "+12065550100", "--reason", "call +12065550100"), "leave out numbers"),
        (("remove", "+12065550100", "--provider-list", "--reason", "x"), "holds mail addresses"),
        (("audit", "--month", "november"), "a month such as 2026-11"),
        (("list",), "SWITCHBOARD_SUPPRESSIONS_TABLE: Field required"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    arguments: tuple[str, ...], says: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.output


ONE = Suppressed(
    channel=Channel.SMS,
    address="+12065550100",
    state=State.SUPPRESSED,
    cause="unreachable",
    words="UNREACHABLE",
    since=datetime(2026, 3, 2, 12, tzinfo=UTC),
    until=datetime(2026, 3, 9, 12, tzinfo=UTC),
    message_class=MessageClass.PROMOTIONAL,
    opt_out_list=None,
)


def test_the_table_reads_well_and_masks(capsys: pytest.CaptureFixture[str]) -> None:
    _print([_row(ONE, full=False)])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["CHANNEL", "ADDRESS", "STATE", "CAUSE", "WORDS", "MESSAGE", "CLASS", "SINCE", "UNTIL"],
        [
            *("sms", "+1206•••0100", "suppressed", "unreachable", "UNREACHABLE", "promotional"),
            *("2026-03-02T12:00:00Z", "2026-03-09T12:00:00Z"),
        ],
    ]


def test_only_who_asks_sees_addresses_in_full() -> None:
    assert _row(ONE, full=True)["address"] == "+12065550100"
