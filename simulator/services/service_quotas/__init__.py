"""Service Quotas (service-quotas): what the account may do, as far as Connect is concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.rates import Rate
from simulator.services import ModelledService, Service
from simulator.services.service_quotas import errors
from simulator.services.service_quotas.models import Quotas, quotas_of
from simulator.services.service_quotas.responses import ServiceQuotasResponses
from simulator.world import World

NAME = "service-quotas"


def build(world: World) -> Service:
    """The service over this world."""
    quotas = Quotas()

    def seed(section: Mapping[str, Any]) -> None:
        quotas.by_service = quotas_of(section)

    return ModelledService(
        name=NAME,
        world_key="service_quotas",
        responses=ServiceQuotasResponses(world, quotas),
        errors=errors.SHAPES,
        rates={},
        default_rate=lambda name: Rate(f"{NAME} {name}", 10, 10),
        seed=seed,
    )
