"""The operations of Amazon Connect: those of chats and calls here, set-up by what it is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import MAX_STREAMS, Participant
from simulator.contact_centre.content import Role
from simulator.contact_centre.tokens import TokenKind
from simulator.contact_centre.voice.call import VoiceCall
from simulator.ledger import iso
from simulator.services import operation
from simulator.services.connect import errors, starting
from simulator.services.connect.calling import read_order
from simulator.services.connect.describing import describe
from simulator.services.connect.flow_responses import FlowResponses
from simulator.services.connect.instance_responses import InstanceResponses
from simulator.services.connect.models import (
    check_attributes,
    require_any,
    require_contact,
    require_instance,
)
from simulator.wire import Call

_MODEL = "botocore service model and its text"
_BOT_TOKEN_LIFE = timedelta(days=1)


class ConnectResponses(FlowResponses, InstanceResponses):
    """connect over one contact centre."""

    def __init__(self, centre: ContactCentre) -> None:
        FlowResponses.__init__(self, centre)

    @operation(
        true_to=(
            "instance and flow must exist; attribute keys and 32,768 bytes; text/plain always "
            "supported; duration; initial message; PersistentChat rules and delay; concurrent "
            "chats; ClientToken; ConnectionTypes and ChatStreamingConfiguration"
        ),
        source=_MODEL + '; guide, "Enable persistent chat"',
        not_yet=(
            "undocumented and so by knob: how long a ClientToken lives, whether its repetition "
            "brings the ParticipantToken; a repetition with other parameters gets the first chat. "
            "Which error a bad PersistentChat gets is unverified"
        ),
    )
    async def start_chat_contact(self, call: Call) -> dict[str, Any]:
        """StartChatContact."""
        centre, params = self._centre, call.params
        instance = require_instance(centre, params)
        scope = ("StartChatContact", instance.id, params.get("ClientToken", ""))
        started = self._recall(scope)
        if started is not None:
            return starting.answer(centre, started, params, is_replay=True)
        started = starting.start_chat(centre, instance, params)
        self._remember(scope, started)
        return starting.answer(centre, started, params, is_replay=False)

    @operation(
        true_to=(
            "queue or source number, attributes and their 32,768 bytes, related contact's "
            "attributes, ring timeout, ClientToken for 7 days, CAMPAIGN and detection refused "
            "until the quota is raised, blocked destinations, fast busy over the quota of calls; "
            "callees by plan, the flow with its keys, queue, agent, contact events, records"
        ),
        source=_MODEL + '; guide, "Contact events", "Contact records data model", quotas',
        not_yet=(
            "OutboundStrategy, References; transfers; input of several digits; Lambda blocks. "
            "UNVERIFIED: which error CAMPAIGN without a quota and detection without CAMPAIGN get, "
            "events and detection of calls that nobody answers, connect:Telephony"
        ),
    )
    async def start_outbound_voice_contact(self, call: Call) -> dict[str, Any]:
        """StartOutboundVoiceContact."""
        centre, params = self._centre, call.params
        instance = require_instance(centre, params)
        scope = ("StartOutboundVoiceContact", instance.id, params.get("ClientToken", ""))
        known = self._recall(scope)
        if known is not None:
            return {"ContactId": known}
        order = read_order(centre, instance, params)
        placed = centre.place_call(
            instance, order, params.get("RelatedContactId"), params.get("CampaignId")
        )
        self._remember(scope, placed.id)
        return {"ContactId": placed.id}

    @operation(
        true_to="ClientToken, two topics at most, refused after the end, nothing said before",
        source=_MODEL,
        not_yet="the same topic under another token counts again; topic policies are not checked",
    )
    async def start_contact_streaming(self, call: Call) -> dict[str, Any]:
        """StartContactStreaming."""
        chat, _ = require_contact(self._centre, call.params)
        scope = ("StartContactStreaming", chat.id, call.params["ClientToken"])
        known = self._recall(scope)
        if known is not None:
            return {"StreamingId": known}
        if chat.is_ended:
            raise errors.not_found("The contact has ended")
        if len(chat.streams) >= MAX_STREAMS:
            raise errors.limit_exceeded("The contact streams to as many topics as it may")
        streaming_id = self._centre.world.new_id()
        chat.streams[streaming_id] = call.params["ChatStreamingConfiguration"][
            "StreamingEndpointArn"
        ]
        self._remember(scope, streaming_id)
        return {"StreamingId": streaming_id}

    @operation(true_to="the stream must exist; can be started again", source=_MODEL)
    async def stop_contact_streaming(self, call: Call) -> dict[str, Any]:
        """StopContactStreaming."""
        chat, _ = require_contact(self._centre, call.params)
        if chat.streams.pop(call.params["StreamingId"], None) is None:
            raise errors.not_found("The contact has no such stream")
        return {}

    @operation(
        true_to=(
            "ends a chat or a call in any state; 410 ContactNotFoundException once it has ended"
        ),
        source=_MODEL,
        not_yet=(
            "DisconnectReason is ignored; an earlier contact of the chain counts as ended. "
            "UNVERIFIED: a call's disconnect reasons, API and TELECOM_ORIGINATOR_CANCEL"
        ),
    )
    async def stop_contact(self, call: Call) -> dict[str, Any]:
        """StopContact."""
        owner, contact = require_any(self._centre, call.params)
        if contact.is_over:
            raise errors.contact_gone()
        if isinstance(owner, VoiceCall):
            self._centre.dialer.stop(owner)
        else:
            self._centre.lifecycle.end(owner, "API")
        return {}

    @operation(
        true_to=(
            "chain, times, queue, agent, attributes, disconnect reason, related contact; of calls "
            "both endpoints, campaign, answering-machine detection"
        ),
        source=_MODEL,
        not_yet="NextContacts of disconnect flows is a guess; no metrics, routing, recordings",
    )
    async def describe_contact(self, call: Call) -> dict[str, Any]:
        """DescribeContact."""
        return {"Contact": describe(*require_any(self._centre, call.params))}

    @operation(true_to="all user-defined attributes, after the end too", source=_MODEL)
    async def get_contact_attributes(self, call: Call) -> dict[str, Any]:
        """GetContactAttributes."""
        owner, _ = require_any(self._centre, call.params, "InitialContactId")
        return {"Attributes": dict(owner.attributes)}

    @operation(
        true_to="merges, 32,768 bytes in all, after the end too, CONTACT_DATA_UPDATED",
        source=_MODEL + '; guide, "Contact events"',
        not_yet=(
            "an empty value removes the key, where the service may keep it empty; any contact of "
            "the chain is taken for its first; the 24 months are not counted"
        ),
    )
    async def update_contact_attributes(self, call: Call) -> dict[str, Any]:
        """UpdateContactAttributes."""
        owner, _ = require_any(self._centre, call.params, "InitialContactId")
        merged = owner.attributes | call.params["Attributes"]
        check_attributes(merged)
        # The walker of a running flow reads this very dict, so it is changed in place.
        owner.attributes.clear()
        owner.attributes.update({key: value for key, value in merged.items() if value})
        self._centre.delivery.contact_event(
            owner, owner.contact, "CONTACT_DATA_UPDATED", ("UserDefinedAttributes",)
        )
        if isinstance(owner, VoiceCall) and owner.is_over:
            self._centre.dialer.records.write(owner)
        return {}

    @operation(
        true_to="CUSTOM_BOT only, one per contact, not beside an agent, 15 s to connect",
        source=_MODEL + '; guide, "Customize chat flow experiences"',
        not_yet="no WebRTC customers; which error each refusal gets is unverified",
    )
    async def create_participant(self, call: Call) -> dict[str, Any]:
        """CreateParticipant."""
        centre, details = self._centre, call.params["ParticipantDetails"]
        chat, contact = require_contact(centre, call.params)
        scope = ("CreateParticipant", chat.id, call.params.get("ClientToken", ""))
        known = self._recall(scope)
        if known is not None:
            return dict(known)
        if details.get("ParticipantRole") != Role.CUSTOM_BOT:
            raise errors.invalid_request("Only CUSTOM_BOT can be added to a chat")
        if chat.is_ended or contact.is_over:
            raise errors.not_found("The contact has ended")
        bots = [p for p in chat.participants.values() if p.role is Role.CUSTOM_BOT]
        if chat.present(Role.AGENT) or any(not bot.has_left for bot in bots):
            raise errors.conflict("The contact has an agent or a bot already")
        bot = Participant(centre.world.new_id(), Role.CUSTOM_BOT, details.get("DisplayName", "BOT"))
        centre.lifecycle.invite_bot(chat, bot)
        expires_at = centre.now() + _BOT_TOKEN_LIFE
        token = centre.tokens.issue(TokenKind.PARTICIPANT, chat, bot, expires_at)
        credentials = {"ParticipantToken": token.value, "Expiry": iso(expires_at)}
        made = {"ParticipantId": bot.id, "ParticipantCredentials": credentials}
        self._remember(scope, made)
        return made

    def _recall(self, scope: tuple[str, ...]) -> Any | None:
        if not scope[-1]:
            return None
        life_s = self._centre.knobs.client_token_life_s
        return self._centre.client_tokens.recall(scope, self._centre.now(), life_s)

    def _remember(self, scope: tuple[str, ...], result: Any) -> None:
        if scope[-1]:
            self._centre.client_tokens.remember(scope, self._centre.now(), result)
