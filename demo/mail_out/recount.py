"""Counts anew what profiles should say, from the raw events, and compares.

    python -m demo.mail_out.recount EVENTS PROFILES PEOPLE NOW

EVENTS has a body of SQS a line, PROFILES a profile as the simulator shows it, PEOPLE a person.
Prints one JSON object: people, the profiles that are as they should be, the wrong and the missing
ones, and the first few differences. Imports nothing of what it judges.
"""

from __future__ import annotations

import base64
import json
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

WEIGHTS = {"opened": 1, "clicked": 3}
HALF_LIFE_MS = 30 * 86_400_000
OFFER_WINDOW_MS = 72 * 3_600_000
STAGES = ("sent", "delivered", "opened", "clicked", "replied")
SES = {"Send": "sent", "Delivery": "delivered", "Open": "opened", "Click": "clicked"}


class Truth:
    """What happened with one person."""

    def __init__(self) -> None:
        self.first: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
        self.last: dict[str, int] = defaultdict(int)
        self.offered: dict[str, int] = {}
        self.viewed: dict[str, int] = {}
        self.steps: dict[str, tuple[int, str]] = {}

    def reached(self, channel: str, message: str, stage: str, at_ms: int) -> None:
        """A message reached a stage; the first time counts."""
        stages = self.first[channel].setdefault(message, {})
        stages[stage] = min(at_ms, stages.get(stage, at_ms))
        self.last[channel] = max(self.last[channel], at_ms)

    def went(self, journey: str, at_ms: int, activity: str) -> None:
        """A step of a journey; the newest one counts."""
        self.steps[journey] = max((at_ms, activity), self.steps.get(journey, (0, "")))

    def says(self, now_ms: int) -> dict[str, Any]:
        """In the form in which a profile is looked at."""
        return {
            "channels": {channel: self._channel(channel) for channel in self.first},
            "offers": {name: self._offer(name, now_ms) for name in self.offered},
            "steps": {name: activity for name, (_, activity) in self.steps.items()},
        }

    def _channel(self, channel: str) -> dict[str, Any]:
        messages = self.first[channel].values()
        score = sum(
            WEIGHTS.get(stage, 0) * 0.5 ** ((self.last[channel] - at_ms) / HALF_LIFE_MS)
            for stages in messages
            for stage, at_ms in stages.items()
        )
        counts: dict[str, Any] = {s: sum(s in stages for stages in messages) for s in STAGES}
        return counts | {"last_ms": self.last[channel], "score": score}

    def _offer(self, name: str, now_ms: int) -> str | None:
        if self.viewed.get(name, 0) >= self.offered[name]:
            return "true"
        return "false" if now_ms >= self.offered[name] + OFFER_WINDOW_MS else None


def ms(text: str) -> int:
    """Milliseconds of a time in ISO 8601."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def take(event: dict[str, Any], by_address: dict[str, Truth]) -> None:
    """One event into its person's truth."""
    if "data" in event:
        record = json.loads(base64.b64decode(event["data"]))
        said, at_ms = record["attributes"], record["event_timestamp"]
        truth = by_address[said["destination_phone_number"]]
        for stage in ("sent", "delivered")[: 1 + (said["record_status"] == "DELIVERED")]:
            truth.reached("sms", said["message_id"], stage, at_ms)
        truth.went(said["journey_id"], at_ms, said["journey_activity_id"])
        return
    mail, word = event["mail"], event["eventType"]
    sent_ms, truth = ms(mail["timestamp"]), by_address[mail["destination"][0]]
    about = event[word.lower()]
    at_ms = ms(about["timestamp"]) if about else sent_ms
    truth.reached("email", mail["messageId"], SES[word], at_ms)
    truth.went(mail["tags"]["journey"][0], sent_ms, mail["tags"]["activity"][0])
    for name in mail["tags"].get("offer", ()):
        truth.offered[name] = max(sent_ms, truth.offered.get(name, 0))
        if word in ("Open", "Click"):
            truth.viewed[name] = max(at_ms, truth.viewed.get(name, 0))


def shown(profile: dict[str, Any]) -> dict[str, Any]:
    """What a profile's objects say."""
    objects = {one["type"]: json.loads(one["object"]) for one in profile["objects"]}
    engagement = objects.get("switchboard-engagement", {})
    offers = objects.get("switchboard-offers", {}).get("all", [])
    paths = objects.get("switchboard-paths", {}).get("all", [])
    return {
        "channels": {
            channel: {key: told[key] for key in (*STAGES, "score")}
            | {"last_ms": ms(told["last_at"])}
            for channel, told in engagement.items()
            if isinstance(told, dict)
        },
        "offers": {offer["name"]: offer.get("viewed") for offer in offers},
        "steps": {path["id"]: path["activity"] for path in paths},
    }


def agree(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether the two are the same; scores to the hundredth that is written."""
    for channel, counts in found["channels"].items():
        exact = expected["channels"].get(channel, {}).get("score", -1.0)
        if abs(counts["score"] - exact) < 0.0051:
            counts["score"] = exact
    return expected == found


def main(events: str, profiles: str, people: str, now: str) -> int:
    """Compare; exit status 1 when anything differs."""
    people_of = [json.loads(line) for line in Path(people).read_text("utf-8").splitlines()]
    truths = {person["email"]: Truth() for person in people_of}
    by_address = truths | {person["phone"]: truths[person["email"]] for person in people_of}
    for line in Path(events).read_text("utf-8").splitlines():
        take(json.loads(line), by_address)
    there: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in Path(profiles).read_text("utf-8").splitlines():
        profile = json.loads(line)
        there[profile["profile"]["EmailAddress"]].append(shown(profile))
    active = {email: truth for email, truth in truths.items() if truth.first}
    wrong = [
        {"person": email, "expected": truth.says(ms(now)), "found": there[email]}
        for email, truth in active.items()
        if len(there[email]) != 1 or not agree(truth.says(ms(now)), there[email][0])
    ]
    right = len(active) - len(wrong)
    report = {"people": len(active), "right": right, "wrong": len(wrong), "first": wrong[:3]}
    sys.stdout.write(json.dumps(report) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
