"""JSON over HTTP to a simulator's control API; the typed clients are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import aiohttp

_MORE_THAN_ANY_WAIT_S = 90.0


class ControlError(Exception):
    """The control API refused. `reason` names the places of the fault, never the values."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class ControlChannel:
    """One HTTP session to one simulator. To be closed, or used as a context manager."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None = None,
        **query: str | float | None,
    ) -> dict[str, Any]:
        """The JSON answered at `/_simulator/<path>`; empty for an answer without content.

        Raises:
            ControlError: any status of 400 and more.
        """
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_MORE_THAN_ANY_WAIT_S)
            self._session = aiohttp.ClientSession(timeout=timeout)
        async with self._session.request(
            method,
            f"{self.url}/_simulator/{path}",
            json=document,
            params={name: str(value) for name, value in query.items() if value is not None},
        ) as answer:
            if answer.status >= 400:
                raise ControlError(answer.status, await _reason(answer))
            found: dict[str, Any] = {} if answer.status == 204 else await answer.json()
            return found


async def _reason(answer: aiohttp.ClientResponse) -> str:
    if answer.content_type != "application/json":
        return answer.reason or ""
    return str((await answer.json()).get("error", ""))
