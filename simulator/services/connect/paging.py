"""Pages of the list calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.services.connect import errors

DEFAULT_PAGE = 100
"""UNVERIFIED: the text of `MaxResults` names 100 as the default of a page."""


def page(items: Iterable[Any], member: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """One page under `member`, with a NextToken when more follow.

    Raises:
        AwsError: InvalidParameterException for a NextToken that was never given out.
    """
    listed = list(items)
    start = _offset(params.get("NextToken"))
    end = start + params.get("MaxResults", DEFAULT_PAGE)
    answer: dict[str, Any] = {member: listed[start:end]}
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
    raise errors.invalid_parameter("NextToken is invalid")
