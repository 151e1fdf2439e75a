"""What a ClientToken has already brought about, so that the same one brings it about once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any


class ClientTokens:
    """First results by scope and token. A scope names the operation and whose token it is.

    The same token with other parameters answers with the first result too: what Connect does
    then is undocumented.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[str, ...], tuple[datetime, Any]] = {}

    def recall(self, scope: tuple[str, ...], now: datetime, life_s: float) -> Any | None:
        """The first result, if the token was used within its life."""
        found = self._first.get(scope)
        if found is None or now - found[0] >= timedelta(seconds=life_s):
            return None
        return found[1]

    def remember(self, scope: tuple[str, ...], now: datetime, result: Any) -> None:
        """Keep the result of a first use."""
        self._first[scope] = (now, result)
