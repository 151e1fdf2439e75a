"""The world document that the page for people shows is one that the simulator takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from simulator.control import seed_services
from simulator.services.registry import build_services
from simulator.settings import SimulatorSettings
from simulator.world import build_world

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"


def test_the_documents_example_is_taken_and_names_every_section() -> None:
    [shown] = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    document = json.loads(shown)
    services = build_services(build_world(SimulatorSettings()))
    seed_services(services, document)
    # The participant service has no world of its own: its chats are Connect's.
    assert document.keys() == {s.world_key for s in services} - {"connectparticipant"}
