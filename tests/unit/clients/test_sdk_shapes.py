"""Pins what botocore's models say of every operation we call.

An SDK upgrade that changes one fails here by name: look at what changed, adapt the client and its
checks, then pin the new value.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel, Shape

PINNED = {
    ("connect", "StartChatContact"): "abbd47a50772effa",
    ("connect", "StartContactStreaming"): "7f3af3c431b2be46",
    ("connect", "StopContact"): "f4da309f56ceb53b",
    ("connect", "UpdateContactAttributes"): "1a920db255a4725d",
    ("connect", "StartOutboundVoiceContact"): "ed631a3a32878366",
    ("connect", "DescribeContact"): "d5708423f8f2ba4e",
    ("connectparticipant", "CreateParticipantConnection"): "162943b65c2e6f40",
    ("connectparticipant", "SendMessage"): "2bf884d7c9f2ed62",
    ("connectparticipant", "SendEvent"): "a32197953110d9c6",
    ("connectparticipant", "DisconnectParticipant"): "83c6ae2016d7a285",
    ("connectparticipant", "GetAttachment"): "080987ce6ef80fb5",
    ("pinpoint-sms-voice-v2", "SendTextMessage"): "26c935ac5583a007",
    ("pinpoint-sms-voice-v2", "SendMediaMessage"): "34bf6078656fb296",
    ("pinpoint-sms-voice-v2", "PutOptedOutNumber"): "a24386063ad88ea6",
    ("pinpoint-sms-voice-v2", "DeleteOptedOutNumber"): "762b371ee18544e0",
    ("pinpoint-sms-voice-v2", "DescribeOptedOutNumbers"): "522cc4a9cd8367e1",
    ("sesv2", "PutSuppressedDestination"): "f35eb34d93981265",
    ("sesv2", "DeleteSuppressedDestination"): "475fc947cc5daeeb",
    ("events", "PutEvents"): "973c031a0b3be476",
    ("customer-profiles", "SearchProfiles"): "2547e2723fdad21a",
    ("customer-profiles", "CreateProfile"): "954a9942c4716942",
    ("customer-profiles", "PutProfileObject"): "996000dfd5e96e08",
    ("s3", "PutObject"): "d8bf0acd3774136f",
    ("s3", "GetObject"): "ecef18e118d55c1a",
    ("s3", "DeleteObject"): "3edddaf20d7d9ec4",
    ("scheduler", "CreateSchedule"): "51b9a3d3252fef73",
    ("sqs", "GetQueueAttributes"): "60e63c655369e012",
    # What `switchboard setup` and `switchboard doctor` call of services that no emulator has.
    ("connect", "ListContactFlows"): "00455dc41d78a98d",
    ("connect", "DescribeContactFlow"): "639493d86007dee2",
    ("connect", "CreateContactFlow"): "6aa69a33f39dde2f",
    ("connect", "UpdateContactFlowContent"): "341f73b2ba23618a",
    ("connect", "ListQueues"): "6929b3d6f1849db0",
    ("connect", "ListLambdaFunctions"): "c95888610b3d3d01",
    ("connect", "AssociateLambdaFunction"): "72c07cf374a5f058",
    ("connect", "DescribeInstance"): "91ddf9d3659f790b",
    ("connect", "ListInstanceStorageConfigs"): "48e2a651a14ed24d",
    ("pinpoint-sms-voice-v2", "DescribePhoneNumbers"): "d68a70f50eace1d2",
    ("pinpoint-sms-voice-v2", "DescribePools"): "46a191225c6151ab",
    ("pinpoint-sms-voice-v2", "DescribeConfigurationSets"): "4c193888bff9614a",
    ("pinpoint-sms-voice-v2", "DescribeOptOutLists"): "780cf5983009b1a3",
    ("pinpoint-sms-voice-v2", "DescribeRegistrations"): "e9e4e0131c2d9c76",
    ("pinpoint-sms-voice-v2", "DescribeSpendLimits"): "250eede7b2b578b8",
    ("pinpoint-sms-voice-v2", "DescribeAccountAttributes"): "000439932644098a",
    ("pinpoint-sms-voice-v2", "CreateConfigurationSet"): "e96e0dcf885d13c7",
    ("pinpoint-sms-voice-v2", "CreateEventDestination"): "4679e6ec89139b9c",
    ("pinpoint-sms-voice-v2", "UpdateEventDestination"): "2b74138738abf0ce",
    ("pinpoint-sms-voice-v2", "CreateOptOutList"): "f6b8666b9c336446",
    ("pinpoint-sms-voice-v2", "UpdatePhoneNumber"): "af2be900871749df",
    ("pinpoint-sms-voice-v2", "UpdatePool"): "95169cff21b7ee1e",
    ("pinpoint-sms-voice-v2", "DescribeSenderIds"): "31281b48adf4476d",
    ("sesv2", "GetConfigurationSetEventDestinations"): "b95f2345a5ed104f",
    ("sesv2", "GetAccount"): "b8ccf9da8cffed95",
    ("service-quotas", "ListServiceQuotas"): "9951556d42b43f19",
    ("customer-profiles", "GetDomain"): "e212faa69082252e",
    ("customer-profiles", "GetProfileObjectType"): "05ed0a43f547cbcc",
    ("customer-profiles", "PutProfileObjectType"): "1fc8a76a04627f39",
}


def described(shape: Shape | None, seen: tuple[str, ...] = ()) -> Any:
    """The shape with everything that is sent or checked, without its documentation."""
    if shape is None or shape.name in seen:
        return None
    seen = (*seen, shape.name)
    members = getattr(shape, "members", {})
    inner = {name: described(member, seen) for name, member in members.items()}
    for part in ("member", "key", "value"):
        if hasattr(shape, part):
            inner[part] = described(getattr(shape, part), seen)
    return {
        "type": shape.type_name,
        "limits": {key: str(value) for key, value in sorted(shape.metadata.items())},
        "wire": {key: str(value) for key, value in sorted(shape.serialization.items())},
        "inner": inner,
    }


def fingerprint(model: ServiceModel, operation: str) -> str:
    found = model.operation_model(operation)
    document = {
        "http": dict(found.http),
        "input": described(found.input_shape),
        "output": described(found.output_shape),
        "errors": {shape.name: described(shape) for shape in found.error_shapes},
    }
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("service", "operation", "pinned"),
    [pytest.param(*key, value, id=".".join(key)) for key, value in PINNED.items()],
)
def test_the_sdk_still_says_the_same(service: str, operation: str, pinned: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    assert fingerprint(model, operation) == pinned
