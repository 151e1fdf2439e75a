"""Counts anew what became of a call list, from the simulator's ledger, and compares.

    python -m demo.call_list.recount LEDGER REPORT CALLEES

LEDGER is what the telephone network saw, REPORT the list's report as JSON, CALLEES a person a line.
Prints one JSON object: calls, people called twice for one attempt, calls at night, rows without a
result, rows with a wrong one, people who were called too often or too seldom, and the first few
differences. Imports nothing of what it judges: zones are dateutil's own copy of the zone database.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from dateutil.zoneinfo import get_zonefile_instance

ZONES = get_zonefile_instance()
FIRST_HOUR, LAST_HOUR = 9, 20
OPEN_STATES = frozenset({"asked", "waiting", "calling", ""})
SHOWN = 5


def main(ledger: Path, report: Path, people: Path) -> dict[str, Any]:
    """Read the three files, compare, and say what differs."""
    callees = {one["number"]: one for one in _lines(people)}
    rows = {row["number"]: row for row in json.loads(report.read_text("utf-8"))["rows"]}
    contacts: dict[tuple[str, str], set[str]] = defaultdict(set)
    rang: dict[str, tuple[str, datetime]] = {}
    for entry in _lines(ledger):
        if entry["kind"] != "request" or entry["name"] != "StartOutboundVoiceContact":
            continue
        asked, contact = entry["params"], entry["result"]["ContactId"]
        attributes = asked["Attributes"]
        contacts[attributes["sb_reminder"], attributes["sb_attempt"]].add(contact)
        rang.setdefault(contact, (asked["DestinationPhoneNumber"], _time(entry["at"])))
    times = Counter(number for number, _ in rang.values())
    twice = [attempt for attempt, found in contacts.items() if len(found) > 1]
    night = [n for n, at in rang.values() if not _is_day(at, callees[n]["zone"])]
    states = {number: rows.get(number, {}).get("state", "") for number in callees}
    wrong = [
        n
        for n, one in callees.items()
        if states[n] not in OPEN_STATES and states[n] != one["expects"]
    ]
    often = [number for number, one in callees.items() if times[number] != one["rings"]]
    return {
        "people": len(callees),
        "calls": len(rang),
        "results": dict(sorted(Counter(states.values()).items())),
        "called_twice": len(twice),
        "called_at_night": len(night),
        "without_result": sum(state in OPEN_STATES for state in states.values()),
        "wrong_result": len(wrong),
        "wrong_number_of_calls": len(often),
        "first": [
            {"callee": callees[number], "row": rows.get(number), "calls": times[number]}
            for number in [*night, *wrong, *often][:SHOWN]
        ],
    }


def _is_day(at: datetime, zone: str) -> bool:
    """Whether a phone may ring, by the clock on the callee's wall."""
    local = at.astimezone(ZONES.get(zone))
    return FIRST_HOUR <= local.hour < LAST_HOUR


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _lines(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*map(Path, sys.argv[1:4]))) + "\n")
