"""The results of reminders on an EventBridge bus, for whoever wants to know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from workers.clients.call import Api, Caller
from workers.clients.errors import EVENTS
from workers.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from workers.clients.aws import EventBus

SOURCE: Final = "switchboard.reminders"
_PUT: Final = Api(EVENTS, "PutEvents", bucket="events.put")
_THEIRS: Final = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})


class EventBridgeResults:
    """Puts events on one bus. At least once: each detail has an `id` to tell repetitions by."""

    def __init__(self, client: EventBus, bus: str, caller: Caller) -> None:
        self._events = client
        self._bus = bus
        self._caller = caller

    async def publish(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Pairs of detail-type and detail. A 200 may still refuse some of them.

        Raises:
            TransientError: not all are surely there; all may be put again.
            PermanentError: the bus takes no such event.
        """
        entries = [
            {
                "Source": SOURCE,
                "DetailType": kind,
                "Detail": json.dumps(detail),
                "EventBusName": self._bus,
            }
            for kind, detail in events
        ]
        answer = await self._caller.call(_PUT, lambda: self._events.put_events(Entries=entries))
        codes = {str(e["ErrorCode"]) for e in answer.get("Entries", ()) if e.get("ErrorCode")}
        if not codes:
            return
        if codes & _THEIRS:
            raise TransientError("result_bus_failed")
        raise PermanentError("result_bus_refused", operation="PutEvents")
