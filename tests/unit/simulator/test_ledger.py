"""A ledger that keeps its newest entries only still numbers, and writes, them all."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.clock import AdjustableClock
from simulator.ledger import Ledger


def test_a_bounded_ledger_forgets_the_oldest_and_its_file_does_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(AdjustableClock(), path, kept=3)
    for number in range(1, 6):
        assert ledger.fact("sms", "text_arrived", number=number) == number
    ledger.close()
    assert ledger.accepted_count == 5
    assert [entry.seq for entry in ledger.after()] == [3, 4, 5]
    assert [entry.seq for entry in ledger.after(4)] == [5]
    assert ledger.after(5) == []
    assert ledger.after(9) == []
    written = [json.loads(line)["seq"] for line in path.read_text().splitlines()]
    assert written == [1, 2, 3, 4, 5]


def test_an_unbounded_ledger_keeps_everything() -> None:
    ledger = Ledger(AdjustableClock())
    for number in range(5):
        ledger.fact("sms", "even" if number % 2 == 0 else "odd")
    assert [entry.seq for entry in ledger.after(1)] == [2, 3, 4, 5]
    assert [entry.seq for entry in ledger.after(0, "odd")] == [2, 4]
