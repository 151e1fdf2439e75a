"""The callees and the calls, for tests: routes under `/_simulator/connect`."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.voice.call import VoiceCall
from simulator.contact_centre.voice.callee import EVERY_NUMBER, CalleePlan
from simulator.contact_centre.voice.dialing import Dialer, WrongMomentError
from simulator.control import number_of, read_document, wait_s_of
from simulator.ledger import iso


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CalleeOrder(_Document):
    """How a number's calls go, one plan for each and the last for all that follow."""

    number: str = EVERY_NUMBER
    calls: tuple[CalleePlan, ...] = Field(min_length=1)


class Ending(_Document):
    """Who hangs up."""

    by: Literal["callee", "agent"] = "callee"


class Joining(_Document):
    """Which agent takes it; the first if None."""

    agent: str | None = None


class CallEventOrder(_Document):
    """Emit a contact event of the call, whatever its state."""

    event_type: str


class VoiceControl:
    """The routes."""

    def __init__(self, dialer: Dialer, delivery: Delivery) -> None:
        self._dialer = dialer
        self._delivery = delivery

    def routes(self) -> tuple[web.RouteDef, ...]:
        """All of them."""
        at = "/_simulator/connect"
        one = f"{at}/calls/{{id}}"
        return (
            web.put(f"{at}/callees", self.put_callee),
            web.delete(f"{at}/callees", self.clear_callees),
            web.get(f"{at}/calls", self.list_calls),
            web.get(one, self.get_call),
            web.post(f"{one}/hang-up", self.hang_up),
            web.post(f"{one}/join", self.join),
            web.post(f"{one}/contact-events", self.emit),
            web.get(f"{at}/contact-records", self.list_records),
        )

    async def put_callee(self, request: web.Request) -> web.Response:
        """Say how a number's calls go from now on; `*` is every number without plans."""
        order = await read_document(request, CalleeOrder)
        self._dialer.callees.put(order.number, order.calls)
        return web.json_response({})

    async def clear_callees(self, _: web.Request) -> web.Response:
        """Everybody answers and listens."""
        self._dialer.callees.clear()
        return web.json_response({})

    async def list_calls(self, request: web.Request) -> web.Response:
        """Calls, oldest first. Filters: contact_id, number, state, attribute.<key>.

        With `wait_s`, waits that long until at least `count` (1) fit; answers what there is then.
        """
        count, wait_s = int(number_of(request, "count")) or 1, wait_s_of(request, "wait_s")
        if wait_s > 0:
            await self._dialer.feed.wait_until(lambda: len(self._fitting(request)) >= count, wait_s)
        return web.json_response({"calls": [call_view(call) for call in self._fitting(request)]})

    async def get_call(self, request: web.Request) -> web.Response:
        """One call."""
        return web.json_response(call_view(self._call(request)))

    async def hang_up(self, request: web.Request) -> web.Response:
        """The callee hangs up, or the agent; 409 when the call is over."""
        call, ending = self._call(request), await read_document(request, Ending)
        try:
            if ending.by == "callee":
                self._dialer.hang_up(call)
            else:
                self._dialer.agent_hangs_up(call)
        except WrongMomentError as exc:
            raise _conflict(exc) from exc
        return web.json_response(call_view(call))

    async def join(self, request: web.Request) -> web.Response:
        """An agent takes a call that waits in the queue; 409 when it does not."""
        call, joining = self._call(request), await read_document(request, Joining)
        try:
            self._dialer.join(call, call.instance.agent(joining.agent))
        except KeyError as exc:
            raise web.HTTPNotFound from exc
        except WrongMomentError as exc:
            raise _conflict(exc) from exc
        return web.json_response(call_view(call))

    async def emit(self, request: web.Request) -> web.Response:
        """Emit a contact event, true or not: the bus repeats, delays and forgets too."""
        call, order = self._call(request), await read_document(request, CallEventOrder)
        self._delivery.contact_event(call, call.contact, order.event_type)
        return web.json_response({})

    async def list_records(self, request: web.Request) -> web.Response:
        """Contact records past the first `after`."""
        after = max(0, int(number_of(request, "after")))
        return web.json_response({"records": self._dialer.records.all[after:]})

    def _fitting(self, request: web.Request) -> list[VoiceCall]:
        query = request.query
        wanted = {k.removeprefix("attribute."): v for k, v in query.items() if "attribute." in k}
        return [
            call
            for call in self._dialer.calls()
            if query.get("contact_id", call.id) == call.id
            and query.get("number", call.order.destination) == call.order.destination
            and query.get("state", call.state.value) == call.state.value
            and wanted.items() <= call.attributes.items()
        ]

    def _call(self, request: web.Request) -> VoiceCall:
        found = self._dialer.find(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found


def call_view(call: VoiceCall) -> dict[str, Any]:
    """A call as tests see it."""
    contact = call.contact
    return {
        "contact_id": call.id,
        "instance_id": call.instance.id,
        "number": call.order.destination,
        "source": call.order.source,
        "state": call.state.value,
        "attributes": dict(call.attributes),
        "said": list(call.said),
        "pressed": "".join(call.pressed),
        "agent": call.agent.display_name if call.agent else None,
        "detection": contact.amd_status,
        "started_at": iso(contact.initiated_at),
        "answered_at": iso(contact.connected_at) if contact.connected_at else None,
        "ended_at": iso(contact.disconnected_at) if contact.disconnected_at else None,
        "disconnect_reason": contact.disconnect_reason,
    }


def _conflict(error: WrongMomentError) -> web.HTTPConflict:
    body = web.json_response({"error": str(error)}).text
    return web.HTTPConflict(text=body, content_type="application/json")
