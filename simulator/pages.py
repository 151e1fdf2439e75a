"""Pages of list and describe calls, which every service cuts alike."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any


def page(
    items: Iterable[Any],
    member: str,
    *,
    token: str | None,
    size: int,
    refusal: Callable[[], Exception],
) -> dict[str, Any]:
    """One page of `items` under `member`, with a NextToken when more follow.

    Args:
        items: all that there are.
        member: what the answer calls them.
        token: the request's NextToken.
        size: how many make a page.
        refusal: the service's error for a token that was never given out; raised here.
    """
    listed = list(items)
    start = 0 if token is None else _offset(token)
    if start is None:
        raise refusal()
    end = start + size
    answer: dict[str, Any] = {member: listed[start:end]}
    if end < len(listed):
        answer["NextToken"] = base64.urlsafe_b64encode(f"offset:{end}".encode()).decode("ascii")
    return answer


def _offset(token: str) -> int | None:
    try:
        kind, _, number = base64.urlsafe_b64decode(token).decode("ascii").partition(":")
        return int(number) if kind == "offset" else None
    except (ValueError, binascii.Error):
        return None
