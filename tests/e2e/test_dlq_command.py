"""A worker dead-letters a text, somebody mends the cause, and it is sent back and handled once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.e2e.account import CONFIG, NOBODYS, contact_centre
from tests.e2e.conftest import OpenWorld
from tests.e2e.stage import QUIET_S, staged


async def test_a_text_to_a_forgotten_number_is_handled_once_when_its_brand_is_there(
    open_world: OpenWorld, tmp_path: Path
) -> None:
    config = tmp_path / "brands.toml"
    config.write_text(CONFIG.read_text("utf-8"), "utf-8")
    copies = ("dlq", "--copies", str(tmp_path / "copies"))
    async with (
        open_world(config=config, contact_centre=contact_centre, worker_count=1) as world,
        staged(world) as stage,
    ):
        customer = stage.customer(NOBODYS)
        await stage.text(customer, "is anybody there?")

        async def looked() -> list[dict[str, object]]:
            said = await world.switchboard(*copies, "ls", "--fresh", "--json")
            assert said.status == 0, said.err
            found: list[dict[str, object]] = json.loads(said.out)["groups"]
            return found

        [group] = await stage.until(looked, "it was dead-lettered", 60)
        assert (group["queue"], group["reason"]) == ("inbound-sms", "unknown_our_number")
        assert group["now"] == {"dead_lettered: unknown_our_number": 1}

        brand = f'\n[[brands]]\nname = "Forgotten"\nnumbers = ["{NOBODYS}"]\n'
        brand += 'contact_flow_id = "22222222-2222-4222-8222-222222222222"\n'
        brand += 'configuration_set = "conversations"\n'
        config.write_text(CONFIG.read_text("utf-8") + brand, "utf-8")
        await world.restart(0)
        said = await world.switchboard(*copies, "ls", "--json")
        assert json.loads(said.out)["groups"][0]["now"] == {"handled": 1}
        said = await world.switchboard(*copies, "redrive", str(group["group"]), "--yes", "--json")
        assert said.status == 0, said.err
        assert len(json.loads(said.out)["redrive"]) == 1
        chat = await stage.chat(customer, timeout_s=60)
        await stage.until_in_chat(chat, "is anybody there?")
        await asyncio.sleep(QUIET_S)
        assert len(await stage.starts(customer)) == 1
        assert await stage.from_customer(chat) == ["is anybody there?"]
        assert await looked() == []
