"""Who is left alone and why, as `switchboard suppressions` shows it."""

from __future__ import annotations

import asyncio
import json

from infra.local.world import Said
from tests.e2e.stage import Stage


async def suppressions(stage: Stage, *arguments: str) -> Said:
    """Run `switchboard suppressions` in a shell that has a worker's wiring."""
    return await stage.world.switchboard("suppressions", *arguments)


Held = dict[str, list[dict[str, str]]]


class Looks:
    """What holds, by address in full. A start of the command serves all who wait for one."""

    def __init__(self) -> None:
        self._next: asyncio.Task[Held] | None = None

    async def look(self, stage: Stage) -> Held:
        """As it is at some time after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._list(stage))
        return await asyncio.shield(self._next)

    async def _list(self, stage: Stage) -> Held:
        await asyncio.sleep(1.0)
        self._next = None  # Whoever comes now may have done something that this one misses.
        answer = await suppressions(stage, "list", "--json", "--full")
        assert answer.status == 0, answer.err
        found: Held = {}
        for row in json.loads(answer.out)["suppressions"]:
            found.setdefault(row["address"], []).append(row)
        return found


_looks = Looks()


async def causes(stage: Stage) -> Held:
    """What holds now."""
    return await _looks.look(stage)


async def until_held(stage: Stage, *addresses: str) -> Held:
    """Until each of these is left alone for some reason."""
    found: Held = {}

    async def look() -> bool:
        found.clear()
        found.update(await causes(stage))
        return all(address in found for address in addresses)

    try:
        await stage.until(look, "the addresses are suppressed", 45)
    except AssertionError:
        missing = [place for place, address in enumerate(addresses) if address not in found]
        raise AssertionError(f"nothing holds of addresses {missing}") from None
    return found
