"""Amazon Connect: outbound calls, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workers.clients.call import Api, Caller
from workers.clients.checks import check_call
from workers.clients.errors import CONNECT
from workers.clients.protocols import CallFacts, Dialing, OutboundCall
from workers.errors import TransientError
from workers.limits import Priority

if TYPE_CHECKING:
    from types_aiobotocore_connect import ConnectClient

_DIAL: Final = Api(CONNECT, "StartOutboundVoiceContact", bucket="connect.start_call")
_DESCRIBE: Final = Api(
    CONNECT, "DescribeContact", bucket="connect.describe_contact", priority=Priority.LOW
)


class ConnectDialing(Dialing):
    """`Dialing` in one instance."""

    def __init__(self, client: ConnectClient, instance_id: str, caller: Caller) -> None:
        caller.watch(client, CONNECT)
        self._connect = client
        self._instance_id = instance_id
        self._caller = caller

    async def dial(self, call: OutboundCall) -> str:
        """StartOutboundVoiceContact; the same token gives the same contact."""
        check_call(call)
        request = self._request(call)
        answer = await self._caller.call(
            _DIAL, lambda: self._connect.start_outbound_voice_contact(**request)
        )
        contact_id = answer.get("ContactId")
        if not contact_id:
            raise TransientError("unreadable_answer")
        return contact_id

    def _request(self, call: OutboundCall) -> Any:
        request: dict[str, Any] = {
            "InstanceId": self._instance_id,
            "ContactFlowId": call.contact_flow_id,
            "DestinationPhoneNumber": call.number,
            "Attributes": dict(call.attributes),
            "ClientToken": call.client_token,
            "RingTimeoutInSeconds": call.ring_timeout_s,
        }
        if call.source_number is not None:
            request["SourcePhoneNumber"] = call.source_number
        if call.queue_id is not None:
            request["QueueId"] = call.queue_id
        if call.detect_machines:
            request["TrafficType"] = "CAMPAIGN"
            request["AnswerMachineDetectionConfig"] = {
                "EnableAnswerMachineDetection": True,
                "AwaitAnswerMachinePrompt": True,
            }
        return request

    async def call_facts(self, contact_id: str) -> CallFacts:
        """DescribeContact, after chats' in the queue for its rate."""
        answer: Any = await self._caller.call(
            _DESCRIBE,
            lambda: self._connect.describe_contact(
                InstanceId=self._instance_id, ContactId=contact_id
            ),
        )
        contact = answer.get("Contact")
        if not contact:
            raise TransientError("unreadable_answer")
        ended_at = contact.get("DisconnectTimestamp")
        return CallFacts(
            is_over=ended_at is not None,
            attributes=contact.get("Attributes") or {},
            disconnect_reason=contact.get("DisconnectReason"),
            detection=contact.get("AnsweringMachineDetectionStatus"),
            is_answered=contact.get("ConnectedToSystemTimestamp") is not None,
            has_met_agent=(contact.get("AgentInfo") or {}).get("ConnectedToAgentTimestamp")
            is not None,
            ended_at=ended_at,
        )
