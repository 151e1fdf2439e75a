"""The service's live state: the domains, and the work that is done after the answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from simulator.services.customer_profiles import errors
from simulator.services.customer_profiles.ingestion import Incoming, take_in
from simulator.services.customer_profiles.knobs import CustomerProfilesKnobs
from simulator.services.customer_profiles.models import Domain, Profile
from simulator.world import World

SERVICE = "customer-profiles"


class CustomerProfilesState:
    """One account's domains over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.domains: dict[str, Domain] = {}

    @property
    def knobs(self) -> CustomerProfilesKnobs:
        """The service's knobs as they stand."""
        return self.world.knobs.of(CustomerProfilesKnobs)

    def open_domain(self, name: str, document: Mapping[str, Any]) -> Domain:
        """Make a domain."""
        domain = Domain(name, dict(document), self.world.clock.now(), self._after_lag)
        self.domains[name] = domain
        return domain

    def domain(self, params: Mapping[str, Any]) -> Domain:
        """The domain that a request names.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        found = self.domains.get(params["DomainName"])
        if found is None:
            raise errors.not_found("The domain does not exist")
        return found

    def profile(self, domain: Domain, profile_id: str) -> Profile:
        """A profile of the domain.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        found = domain.profiles.get(profile_id)
        if found is None:
            raise errors.not_found("The profile does not exist")
        return found

    def new_profile(self, domain: Domain) -> Profile:
        """An empty profile; nobody finds it before `Domain.changed`."""
        profile = Profile(uuid.uuid4().hex)
        domain.profiles[profile.id] = profile
        return profile

    def ingest(self, domain: Domain, incoming: Incoming) -> None:
        """Take an accepted object in, at once or as late as the knob says, in order."""
        delay_s = self.knobs.ingest_after_ms / 1000
        if delay_s:
            due = self.world.clock.monotonic() + delay_s
            work = self._ingest_at(due, domain, incoming)
            self.world.tasks.in_lane(f"ingest {domain.name}", work)
        else:
            self._ingest(domain, incoming)

    async def _ingest_at(self, due: float, domain: Domain, incoming: Incoming) -> None:
        await self.world.clock.sleep(due - self.world.clock.monotonic())
        self._ingest(domain, incoming)

    def _ingest(self, domain: Domain, incoming: Incoming) -> None:
        why = take_in(domain, incoming, self.knobs)
        if why is not None:
            self.world.ledger.fact(
                SERVICE,
                "object_dropped",
                domain=domain.name,
                object_type=incoming.kind.name,
                unique_key=incoming.unique_key,
                why=why,
            )

    def _after_lag(self, change: Callable[[], None]) -> None:
        lag_ms = self.knobs.search_lag_ms
        if lag_ms:
            self.world.tasks.start("search_lag", self._change_later(lag_ms / 1000, change))
        else:
            change()

    async def _change_later(self, lag_s: float, change: Callable[[], None]) -> None:
        await self.world.clock.sleep(lag_s)
        change()
