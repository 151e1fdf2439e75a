"""The operations of Customer Profiles, by what they are about."""

from __future__ import annotations

from simulator.services.customer_profiles.domain_responses import DomainResponses
from simulator.services.customer_profiles.object_responses import ObjectResponses
from simulator.services.customer_profiles.profile_responses import ProfileResponses
from simulator.services.customer_profiles.state import CustomerProfilesState


class CustomerProfilesResponses(DomainResponses, ProfileResponses, ObjectResponses):
    """customer-profiles, one method per operation, by botocore's snake name."""

    def __init__(self, state: CustomerProfilesState) -> None:
        DomainResponses.__init__(self, state)
