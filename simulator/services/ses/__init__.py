"""Amazon SES (sesv2): mails, what becomes of them, the events that tell, the suppression list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.rates import Rate
from simulator.services import ModelledService, Service
from simulator.services.ses import errors
from simulator.services.ses.control import SesControl
from simulator.services.ses.knobs import SesKnobs
from simulator.services.ses.post_office import SERVICE, PostOffice
from simulator.services.ses.responses import SesResponses
from simulator.services.ses.seeding import seeded_account
from simulator.services.ses.sending import Sending
from simulator.world import World


def _one_a_second(operation_name: str) -> Rate | None:
    # Mails are paced by the account's own rate, in recipients, which `sending` counts.
    if operation_name == "SendEmail":
        return None
    return Rate(f"{SERVICE} {operation_name}", 1, 1)


def build(world: World) -> Service:
    """The service over this world."""
    world.knobs.register("ses", SesKnobs())
    office = PostOffice(world)

    def seed(section: Mapping[str, Any]) -> None:
        office.account = seeded_account(section, world.clock.now())

    return ModelledService(
        name=SERVICE,
        world_key="ses",
        responses=SesResponses(office, Sending(world)),
        errors=errors.SHAPES,
        rates={},
        default_rate=_one_a_second,
        control=SesControl(office).routes(),
        seed=seed,
    )
