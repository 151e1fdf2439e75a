"""SearchProfiles over what is searchable by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.services.customer_profiles.models import Domain


def search(domain: Domain, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every profile that fits, each with the keys that it was found by."""
    wanted = [params, *params.get("AdditionalSearchKeys", ())]
    hits = [_hits(domain, one["KeyName"], one["Values"]) for one in wanted]
    found = {profile_id: None for hit in hits for profile_id in hit}
    if params.get("LogicalOperator") == "AND":
        found = {i: None for i in found if all(i in hit for hit in hits)}
    return [
        domain.searchable.shown[profile_id]
        | {
            "FoundByItems": [
                {"KeyName": one["KeyName"], "Values": one["Values"]}
                for one, hit in zip(wanted, hits, strict=True)
                if profile_id in hit
            ]
        }
        for profile_id in found
    ]


def _hits(domain: Domain, key_name: str, values: list[str]) -> dict[str, None]:
    return {
        profile_id: None
        for value in domain.key_values(key_name, values)
        for profile_id in domain.searchable.index.find(key_name, value)
    }
