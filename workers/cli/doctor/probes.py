"""Calls of the workers' own that cannot have an effect, to see whether the role may make them.

What is asked about does not exist, or the condition is never met, or the call says itself that it
is a rehearsal. A refusal for lack of permission is all that counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from schemas.topology import Table
from workers.cli.doctor.needs import TABLES_OF, capabilities, tables
from workers.cli.doctor.site import SMS, Site

_DESTINATION: Final = "+14254147755"
"""A simulator number of End User Messaging, that stands for a handset in the USA (guide, "SMS
simulator"). Nothing is sent to it: the call is a dry run."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One call, and the IAM action that it needs."""

    action: str
    call: Callable[[], Any]


def probes(site: Site) -> Iterator[Probe]:
    """All of them that the queues that are taken, and what is configured, ask for."""
    of = capabilities(site)
    yield from _tables(site, of)
    if "relay" in of:
        yield from _connect(site)
    if of & {"relay", "calls"}:
        yield from _texts(site)


def _tables(site: Site, of: frozenset[str]) -> Iterator[Probe]:
    client = site.aws.client("dynamodb")
    names = tables(site)
    for table in site.topology.tables:
        if not TABLES_OF[table.name] & of:
            continue
        condition = f"attribute_exists({table.partition_key})"
        never = {"TableName": names[table.name], "ConditionExpression": condition}
        yield Probe("dynamodb:PutItem", partial(client.put_item, Item=_no_item(table), **never))
        yield Probe(
            "dynamodb:UpdateItem", partial(client.update_item, Key=_no_item(table), **never)
        )
        yield Probe(
            "dynamodb:DeleteItem", partial(client.delete_item, Key=_no_item(table), **never)
        )
        read = partial(client.get_item, TableName=names[table.name], Key=_no_item(table))
        yield Probe("dynamodb:GetItem", read)


def _no_item(table: Table) -> dict[str, Any]:
    """The key of an item that is nowhere."""
    keys = [table.partition_key, *([table.sort_key] if table.sort_key else [])]
    return {key: {"S": f"doctor#{uuid.uuid4()}"} for key in keys}


def _connect(site: Site) -> Iterator[Probe]:
    client = site.aws.client("connect")
    instance, nobody = site.settings.connect_instance_id, str(uuid.uuid4())
    contact = {"InstanceId": instance, "ContactId": nobody}
    yield Probe("connect:DescribeContact", partial(client.describe_contact, **contact))
    yield Probe("connect:StopContact", partial(client.stop_contact, **contact))
    yield Probe(
        "connect:UpdateContactAttributes",
        partial(
            client.update_contact_attributes,
            InstanceId=instance,
            InitialContactId=nobody,
            Attributes={},
        ),
    )
    yield Probe(
        "connect:StartContactStreaming",
        partial(
            client.start_contact_streaming,
            **contact,
            ChatStreamingConfiguration={
                "StreamingEndpointArn": site.settings.chat_stream_topic_arn
            },
            ClientToken=nobody,
        ),
    )
    yield Probe(
        "connect:StartChatContact",
        partial(
            client.start_chat_contact,
            InstanceId=instance,
            ContactFlowId=nobody,
            ParticipantDetails={"DisplayName": "doctor"},
        ),
    )


def _texts(site: Site) -> Iterator[Probe]:
    for brand in site.brands:
        for number in site.numbers_of(brand)[:1]:
            request = {
                "DestinationPhoneNumber": _DESTINATION,
                "OriginationIdentity": number["PhoneNumberArn"],
                "MessageBody": "Switchboard doctor",
                "MessageType": brand.message_class.value.upper(),
                "ConfigurationSetName": brand.configuration_set,
                "DryRun": True,
            }
            call = partial(site.aws.client(SMS).send_text_message, **request)
            yield Probe("sms-voice:SendTextMessage", call)
