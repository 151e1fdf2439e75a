"""The emulator restarts in the middle of conversations: its process ends and another takes over.

Words are under way both ways then: in a worker's hands, on their queues, in the journal. They are
late and nothing else, and the worker is the same one before and after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.matrix.cell import SETTLED_WITHIN_S, Room, room
from demo.matrix.play import Play
from demo.matrix.scripts import SCRIPTS, close
from demo.proxy import Answer
from demo.wire import CarryOut, WireCall
from infra.local.emulator import Emulator, restartable_emulator
from infra.local.readiness import answers
from tests.e2e.test_wire_faults import refusal

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

RESTARTS = 2
NUMBER = 130
OUT = frozenset({"Participant SendMessage", "EUM SendTextMessage"})


@dataclass
class Stalled:
    """Nothing gets out of the workers while it is on."""

    is_on: bool = False
    refused: int = 0

    async def around(self, call: WireCall, carry_out: CarryOut) -> Answer:
        if not self.is_on or call.name not in OUT:
            return await carry_out()
        self.refused += 1
        return refusal(429 if call.service == "Participant" else 400, "ThrottlingException")

    async def answered(self, call: WireCall) -> None:
        pass


@pytest.fixture
def emulator_of_its_own(tmp_path: Path) -> Iterator[Emulator]:
    with restartable_emulator(tmp_path / "ministack.log") as emulator:
        yield emulator


async def test_restarts_of_the_emulator_make_a_conversation_late_and_nothing_else(
    emulator_of_its_own: Emulator, tmp_path: Path
) -> None:
    emulator, stalled = emulator_of_its_own, Stalled()
    async with room(NUMBER, emulator.aws, tmp_path, stalled) as opened:
        play = opened.new_play(SCRIPTS[0].our_number)
        await SCRIPTS[0].steps[0].act(play)
        for number in range(RESTARTS):
            stalled.is_on = True
            await play.text(f"are you there? {number}")
            await play.text(f"it is about my bike {number}")
            await play.reply(f"one moment please {number}")
            await until_refused(stalled)
            await restart(emulator, opened)
            stalled.is_on = False
            await play.until_all_heard()
        await close(play)
        assert await opened.queues.settled(SETTLED_WITHIN_S)
        await play.listen()
        assert await asyncio.to_thread(opened.queues.buried) == []
    assert_clean(play)


async def until_refused(stalled: Stalled) -> None:
    before = stalled.refused
    async with asyncio.timeout(30):
        while stalled.refused < before + 2:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0.05)


async def restart(emulator: Emulator, opened: Room) -> None:
    under_way, process = await asyncio.to_thread(opened.queues.depth), emulator.pid
    assert under_way, "words are under way, else a restart would prove nothing"
    await asyncio.to_thread(emulator.restart)
    assert emulator.pid != process
    assert opened.world.is_running(0), "the worker outlived it"
    assert await asyncio.to_thread(answers, f"{opened.world.worker_url(0)}/healthz")


def assert_clean(play: Play) -> None:
    judgement = play.judge()
    assert judgement.is_clean, judgement.faults
    assert judgement.uncertain == 0
