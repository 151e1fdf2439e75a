"""The telephones on the other side, from Python: for tests, demos and soaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from simulator.contact_centre.voice.callee import EVERY_NUMBER, CalleePlan
from simulator.control_channel import ControlChannel


class NoSuchCallError(Exception):
    """No call of that description came in time."""


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A call as it stands. Times are ISO 8601 in UTC; `pressed` has one character for each key."""

    contact_id: str
    instance_id: str
    number: str
    source: str
    state: str
    attributes: Mapping[str, str]
    said: list[str]
    pressed: str
    agent: str | None
    detection: str | None
    started_at: str
    answered_at: str | None
    ended_at: str | None
    disconnect_reason: str | None


class Telephones:
    """Typed methods over callees and calls: `async with Telephones(url)`.

    Every method raises ControlError: 404 for an unknown call or agent, 409 for a move that the
    call's state forbids.
    """

    def __init__(self, url: str) -> None:
        self._channel = ControlChannel(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def plan(self, *calls: CalleePlan, number: str = EVERY_NUMBER) -> None:
        """Say how a number's next calls go, the last plan for all that follow."""
        document = {"number": number, "calls": [call.model_dump() for call in calls]}
        await self._channel.call("PUT", "connect/callees", document)

    async def clear(self) -> None:
        """Everybody answers, presses nothing and listens."""
        await self._channel.call("DELETE", "connect/callees")

    async def calls(self, *, number: str | None = None, state: str | None = None) -> list[SeenCall]:
        """Calls that fit, oldest first, ended ones too."""
        return await self._list({"number": number, "state": state}, 1, 0)

    async def wait_for_call(
        self,
        *,
        number: str | None = None,
        state: str | None = None,
        count: int = 1,
        timeout_s: float = 10,
    ) -> SeenCall:
        """The newest call that fits, as soon as there are `count`.

        Raises:
            NoSuchCallError: fewer came within `timeout_s`.
        """
        found = await self._list({"number": number, "state": state}, count, timeout_s)
        if len(found) < count:
            raise NoSuchCallError
        return found[-1]

    async def call(self, contact_id: str) -> SeenCall:
        """One call."""
        return SeenCall(**await self._channel.call("GET", f"connect/calls/{contact_id}"))

    async def wait_until_over(self, contact_id: str, *, timeout_s: float = 10) -> SeenCall:
        """The call, once it has ended.

        Raises:
            NoSuchCallError: it did not within `timeout_s`.
        """
        found = await self._list({"contact_id": contact_id, "state": "ended"}, 1, timeout_s)
        if not found:
            raise NoSuchCallError
        return found[0]

    async def hang_up(
        self, contact_id: str, *, by: Literal["callee", "agent"] = "callee"
    ) -> SeenCall:
        """Someone hangs up."""
        return await self._post(contact_id, "hang-up", {"by": by})

    async def join(self, contact_id: str, agent: str | None = None) -> SeenCall:
        """An agent takes a call that waits."""
        return await self._post(contact_id, "join", {"agent": agent})

    async def emit_contact_event(self, contact_id: str, event_type: str) -> None:
        """Emit a contact event of the call, true or not."""
        path = f"connect/calls/{contact_id}/contact-events"
        await self._channel.call("POST", path, {"event_type": event_type})

    async def contact_records(self, *, after: int = 0) -> list[Mapping[str, Any]]:
        """Contact records past the first `after`, oldest first."""
        found = await self._channel.call("GET", "connect/contact-records", after=after)
        records: list[Mapping[str, Any]] = found["records"]
        return records

    async def _post(self, contact_id: str, move: str, document: Mapping[str, Any]) -> SeenCall:
        path = f"connect/calls/{contact_id}/{move}"
        return SeenCall(**await self._channel.call("POST", path, document))

    async def _list(
        self, filters: Mapping[str, str | None], count: int, wait_s: float
    ) -> list[SeenCall]:
        query: dict[str, Any] = {"count": count, "wait_s": wait_s, **filters}
        found = await self._channel.call("GET", "connect/calls", None, **query)
        return [SeenCall(**one) for one in found["calls"]]
