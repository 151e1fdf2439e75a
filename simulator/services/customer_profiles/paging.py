"""Pages of the list and search calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.services.customer_profiles import errors

DEFAULT_PAGE = 20
"""Documented for SearchProfiles; UNVERIFIED for the lists."""


def page(items: Iterable[dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """One page under `Items`, with a NextToken when more follow.

    Raises:
        AwsError: BadRequestException for a NextToken that was never given out.
    """
    listed = list(items)
    start = _offset(params.get("NextToken"))
    end = start + params.get("MaxResults", DEFAULT_PAGE)
    answer: dict[str, Any] = {"Items": listed[start:end]}
    if end < len(listed):
        answer["NextToken"] = base64.urlsafe_b64encode(f"offset:{end}".encode()).decode("ascii")
    return answer


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(token).decode("ascii").partition(":")
        if kind == "offset":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise errors.bad_request("NextToken is invalid")
