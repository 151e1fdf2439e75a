"""Small configurations, and what is found in one."""

from __future__ import annotations

from pathlib import Path

from workers.config import (
    Finding,
    inspect,
)

PLUMBING = """
[[brands]]
name = "Plumbing"
numbers = ["+12065550199"]
configuration_set = "conversations"
contact_flow_id = "flow-1"
"""
CLUB = """
[[brands]]
name = "Club"
numbers = ["12345"]
configuration_set = "conversations"
contact_flow_id = "flow-2"
opt_out_list = "club"
"""


def problems(file: Path, text: str) -> list[Finding]:
    file.write_text(text, encoding="utf-8")
    return list(inspect(file).problems)


def warned(file: Path, text: str) -> list[Finding]:
    file.write_text(text, encoding="utf-8")
    inspection = inspect(file)
    assert inspection.problems == ()
    return list(inspection.warnings)
