"""Pages of the list and search calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulator import pages
from simulator.services.customer_profiles import errors

DEFAULT_PAGE = 20
"""Documented for SearchProfiles; UNVERIFIED for the lists."""


def page(items: Iterable[dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """One page under `Items`.

    Raises:
        AwsError: BadRequestException for a NextToken that was never given out.
    """
    return pages.page(
        items,
        "Items",
        token=params.get("NextToken"),
        size=params.get("MaxResults", DEFAULT_PAGE),
        refusal=lambda: errors.bad_request("NextToken is invalid"),
    )
