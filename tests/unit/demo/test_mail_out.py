"""The recount of a mail-out: it agrees with profiles that are right, and sees each that is not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from demo.mail_out.events import bodies, people
from demo.mail_out.recount import main as recount
from tests.unit.handlers.profile_updates.updating import RULES, Updating

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # The clock of the harness.
Profiles = list[dict[str, Any]]


async def mailed_out(folder: Path) -> Profiles:
    """A small mail-out through the handler; what it was and who is who stand in the folder."""
    everybody = people(12)
    chance = random.Random(1)  # noqa: S311 - a play, not a secret
    events = bodies(everybody, 300, NOW, chance)
    (folder / "events").write_text("\n".join(events))
    (folder / "people").write_text("\n".join(json.dumps(asdict(one)) for one in everybody))
    worker = Updating(RULES.model_copy(update={"create": True}))
    for one in everybody:
        if not one.is_stranger:
            worker.service.add(email=one.email, phone=one.phone)
    for start in range(0, len(events), 50):
        items = [worker.item(json.loads(body)) for body in events[start : start + 50]]
        await worker.take(*items)
    return [
        {
            "profile": {"EmailAddress": profile.keys["email"]},
            "objects": [
                {"type": kind, "object": json.dumps(content)}
                for (kind, owner), content in worker.service.objects.items()
                if owner == profile_id
            ],
        }
        for profile_id, profile in worker.service.profiles.items()
    ]


def judged(folder: Path, profiles: Profiles, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (folder / "profiles").write_text("\n".join(map(json.dumps, profiles)))
    events, told, persons = (str(folder / name) for name in ("events", "profiles", "people"))
    recount(events, told, persons, NOW.isoformat())
    report: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return report


def changed(profiles: Profiles, kind: str, change: Callable[[dict[str, Any]], None]) -> None:
    (told,) = (o for o in profiles[0]["objects"] if o["type"] == f"switchboard-{kind}")
    content = json.loads(told["object"])
    change(content)
    told["object"] = json.dumps(content)


def one_open_more(content: dict[str, Any]) -> None:
    content["email"]["opened"] += 1


def another_score(content: dict[str, Any]) -> None:
    content["email"]["score"] += 0.02


def an_older_step(content: dict[str, Any]) -> None:
    content["all"][0]["activity"] = "a-0"


async def test_what_the_handler_writes_is_what_a_plain_recount_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = judged(tmp_path, await mailed_out(tmp_path), capsys)
    assert report == {"people": 12, "right": 12, "wrong": 0, "first": []}


@pytest.mark.parametrize(
    ("kind", "change"),
    [("engagement", one_open_more), ("engagement", another_score), ("paths", an_older_step)],
)
async def test_one_wrong_word_is_seen(
    kind: str,
    change: Callable[[dict[str, Any]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profiles = await mailed_out(tmp_path)
    changed(profiles, kind, change)
    assert judged(tmp_path, profiles, capsys)["wrong"] == 1


async def test_two_profiles_of_one_person_are_seen_and_so_is_a_missing_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profiles = await mailed_out(tmp_path)
    assert judged(tmp_path, [*profiles, profiles[0]], capsys)["wrong"] == 1
    assert judged(tmp_path, profiles[1:], capsys)["wrong"] == 1
