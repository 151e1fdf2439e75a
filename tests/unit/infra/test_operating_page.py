"""docs/operate.md knows every alarm that Terraform makes, and none that it does not."""

from __future__ import annotations

import re

from infra.local.toolroom import ROOT

PAGE = (ROOT / "docs" / "operate.md").read_text("utf-8")
MODULE = (ROOT / "infra" / "terraform" / "modules" / "watch" / "main.tf").read_text("utf-8")


def test_each_alarm_has_its_part_and_each_part_its_alarm() -> None:
    chapter = PAGE.partition("## Alarms\n")[2].partition("\n## ")[0]
    told = re.findall(r"^### (\S+)$", chapter, re.MULTILINE)
    of_fleet = re.findall(r"^    ([a-z-]+) = \{\n      says ", MODULE, re.MULTILINE)
    numbered = re.findall(r'format\("([a-z-]+)-%d"', MODULE)
    alone = re.findall(r'alarm_name += "\$\{var\.name\}-([a-z-]+)"', MODULE)
    assert len(of_fleet) >= 5
    assert len(numbered) == 3
    assert sorted(told) == sorted([*of_fleet, *numbered, *alone])
