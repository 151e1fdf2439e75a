"""The carrier and the customers, for tests: routes under `/_simulator/sms`."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from simulator.control import bad_request, number_of, read_document, wait_s_of
from simulator.services.sms_voice.carrier import Behaviour, Rule
from simulator.services.sms_voice.inbound import FromCustomer, receive
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.services.sms_voice.voice_line import VoiceBehaviour, VoiceRule
from simulator.wire import AwsError


class InboundText(BaseModel):
    """What a customer sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    origination: str = Field(alias="from")
    destination: str = Field(alias="to")
    body: str
    previous_message_id: str | None = Field(default=None, alias="previousPublishedMessageId")


class CarrierRule(BaseModel):
    """How a number behaves; `*` is every number without a rule of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    behaviour: Behaviour = "delivered"
    delay_ms: int = Field(default=0, ge=0)


class VoiceRuleOrder(BaseModel):
    """How a number takes voice messages; `*` is every number without a rule of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    behaviour: VoiceBehaviour = "listens"
    ring_s: float = Field(default=6, ge=0)


class SmsControl:
    """Handlers over the service's state."""

    def __init__(self, state: SmsVoiceState) -> None:
        self._state = state

    def routes(self) -> tuple[web.RouteDef, ...]:
        """All of them."""
        at = "/_simulator/sms"
        return (
            web.post(f"{at}/inbound", self.inbound),
            web.get(f"{at}/handset/{{number}}", self.handset),
            web.put(f"{at}/carrier", self.put_carrier),
            web.delete(f"{at}/carrier", self.clear_carrier),
            web.put(f"{at}/voice-line", self.put_voice_line),
            web.delete(f"{at}/voice-line", self.clear_voice_line),
        )

    async def inbound(self, request: web.Request) -> web.Response:
        """A customer sends a text; answers once it is published."""
        sent = await read_document(request, InboundText)
        text = FromCustomer(sent.origination, sent.destination, sent.body, sent.previous_message_id)
        try:
            received = await receive(self._state, text)
        except AwsError as exc:
            raise bad_request(exc.message) from exc
        return web.json_response(received.as_json(), status=201)

    async def handset(self, request: web.Request) -> web.Response:
        """What arrived on a customer's phone past `after`; waits up to `wait_s`."""
        arrived = await self._state.carrier.wait_handset(
            request.match_info["number"],
            int(number_of(request, "after")),
            wait_s_of(request, "wait_s"),
        )
        return web.json_response({"texts": [text.as_json() for text in arrived]})

    async def put_carrier(self, request: web.Request) -> web.Response:
        """Say how a number behaves from now on."""
        rule = await read_document(request, CarrierRule)
        self._state.carrier.put_rule(rule.number, Rule(rule.behaviour, rule.delay_ms))
        return web.json_response({})

    async def clear_carrier(self, _: web.Request) -> web.Response:
        """Every number takes its texts again."""
        self._state.carrier.clear_rules()
        return web.json_response({})

    async def put_voice_line(self, request: web.Request) -> web.Response:
        """Say how a number takes voice messages from now on."""
        rule = await read_document(request, VoiceRuleOrder)
        self._state.line.put_rule(rule.number, VoiceRule(rule.behaviour, rule.ring_s))
        return web.json_response({})

    async def clear_voice_line(self, _: web.Request) -> web.Response:
        """Every number listens again."""
        self._state.line.clear_rules()
        return web.json_response({})
