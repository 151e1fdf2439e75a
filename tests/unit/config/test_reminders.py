"""`[reminders]` and `[brands.calls]`: what may stand there, and what each error says."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.config import inspect

BRAND = """version = 1
[[brands]]
name = "Clinic"
numbers = ["+12065550190"]
configuration_set = "texts"
contact_flow_id = "flow"
[brands.calls]
contact_flow_id = "reminder"
"""
CALLS = BRAND + 'source_number = "+12065550190"\n'


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "switchboard.toml"
    file.write_text(text)
    return [f"{finding.key}: {finding.says}" for finding in inspect(file).problems]


def test_the_defaults_are_usable(tmp_path: Path) -> None:
    assert problems(tmp_path, CALLS) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BRAND, "source_number or queue_id"),
        (CALLS + 'text = "{who}"', "brands[0].calls.text"),
        (CALLS + 'text_undated = "on {when}"', "brands[0].calls.text_undated"),
        (CALLS + '[reminders.hours]\nmon = "9-20"', "reminders.hours.mon"),
        (CALLS + '[reminders.hours]\nmon = "20:00-09:00"', "reminders.hours.mon"),
        (CALLS + '[[reminders.holidays]]\nday = "13-01"', "reminders.holidays[0].day"),
        (CALLS + '[[reminders.holidays]]\nday = "11-thu-9"', "reminders.holidays[0].day"),
        (CALLS + "[reminders.ladder.busy]\ncalls = 0\nagain_after_s = 60", "ladder.busy.calls"),
        (CALLS + '[reminders.replies]\nconfirm = ["stop"]', "reminders.replies.confirm[0]"),
        (CALLS + '[reminders.replies]\nagent = ["Y"]', "reminders.replies.agent[0]"),
        (CALLS + "[reminders]\nin_air_max = 0", "reminders.in_air_max"),
        (CALLS + "[reminders]\nnight = true", "reminders.night"),
        (CALLS + '[reminders]\nprofile_zone = "Zone"', "needs profiles.domain"),
    ],
)
def test_an_error_names_its_key(tmp_path: Path, text: str, says: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert says in found[0]
