"""Pages of the list calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulator import pages
from simulator.services.connect import errors

DEFAULT_PAGE = 100
"""UNVERIFIED: the text of `MaxResults` names 100 as the default of a page."""


def page(items: Iterable[Any], member: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """One page under `member`.

    Raises:
        AwsError: InvalidParameterException for a NextToken that was never given out.
    """
    return pages.page(
        items,
        member,
        token=params.get("NextToken"),
        size=params.get("MaxResults", DEFAULT_PAGE),
        refusal=lambda: errors.invalid_parameter("NextToken is invalid"),
    )
