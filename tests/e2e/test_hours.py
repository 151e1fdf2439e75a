"""Hours in seconds: the workers and the simulator at another time of day, and at another pace."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from infra.local.endpoints import LocalAws
from infra.local.world import OtherTime, World, WorldPlan
from schemas.own import Remind, encode_command
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import SeenCall, Telephones
from tests.e2e.account import CONFIG, REMINDING, contact_centre
from tests.e2e.stage import staged

SEATTLE = ZoneInfo("America/Los_Angeles")
RATE = 600
EARLY = timedelta(hours=7, minutes=30)
LADDER = "no_answer = {calls = 2, again_after_s = 7200}"


def rules_of(folder: Path) -> Path:
    """The tests' brands, who are to call in business hours only, and again after two hours."""
    text = CONFIG.read_text("utf-8").replace('"00:00-24:00"', '"09:00-20:00"')
    text = text.replace("no_answer = {calls = 1, again_after_s = 60}", LADDER)
    assert LADDER in text
    file = folder / "brands.toml"
    file.write_text(text, "utf-8")
    return file


def early_in_seattle() -> OtherTime:
    """Half past seven in the morning there, and ten minutes in a second from now on."""
    now = datetime.now(UTC)
    there = now.astimezone(SEATTLE)
    early = datetime(there.year, there.month, there.day, tzinfo=SEATTLE) + EARLY
    return OtherTime((early - there).total_seconds(), RATE, now)


async def test_nobody_is_called_before_nine_and_the_second_call_is_two_hours_later(
    tmp_path: Path, backend_aws: LocalAws
) -> None:
    time = early_in_seattle()
    plan = WorldPlan(
        run_dir=tmp_path / "run",
        config=rules_of(tmp_path),
        contact_centre=contact_centre,
        worker_count=2,
        time=time,
    )
    async with World(plan, backend_aws) as world, staged(world) as stage:
        customer = stage.customer(REMINDING)
        began = datetime.now(UTC)
        appointment = began + timedelta(seconds=time.offset_s, days=4)
        asked = Remind(
            id=f"visit-{uuid.uuid4().hex}",
            brand="Reminding",
            number=customer.number,
            appointment_at=appointment,
        )
        async with Telephones(world.simulator_url) as phones:
            await phones.plan(CalleePlan(behaviour="no_answer"), number=customer.number)
            await stage.enqueue("reminders", encode_command(asked))

            async def is_texted() -> bool:
                return bool(await stage.on_phone(customer))

            await stage.until(is_texted, "a text after two calls", timeout_s=120)
            first, second = sorted(map(begin_of, await phones.calls(number=customer.number)))
    assert first.astimezone(SEATTLE).hour >= 9, "the callee's hours, by the bent clock"
    assert second.astimezone(SEATTLE).hour < 20
    assert second - first >= timedelta(hours=2)
    assert datetime.now(UTC) - began < (second - first) / 10, "hours took seconds"


def begin_of(call: SeenCall) -> datetime:
    return datetime.fromisoformat(call.started_at)
