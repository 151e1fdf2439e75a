"""Envelopes: SQS, SNS, EventBridge, Pipes, Kinesis, Lambda, Firehose; in any sensible nesting.

Each is told by a few keys and opened once. What is inside may be another envelope, text, a list
of either, or the event. Message attributes and the bus's words are kept on the way in: an inbound
text's only time and a chat message's visibility stand there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas import email
from schemas.archive import documents_of
from schemas.decoded import Notice, SnsMeta, Undecodable
from schemas.event_class import EventClass
from schemas.json_text import NotJsonError, parse_json
from schemas.service_event import FAMILY_OF_SOURCE
from schemas.shape import Folded, fold_keys
from schemas.timestamps import read_time_or_none

MAX_STEPS = 16
"""Envelopes, lists and texts within each other. Real ones stay below eight."""

_KPL_MAGIC = b"\xf3\x89\x9a\xc2"


# What follows is made several times for every message, as named tuples: a frozen dataclass costs
# three times as much to make, and that was a fifth of all decoding.


class Bus(NamedTuple):
    """What EventBridge said around the detail."""

    source: str
    detail_type: str
    id: str | None
    time: datetime | None


class Wrapping(NamedTuple):
    """What has been taken off so far. `attributes`: the SQS message's, for raw delivery."""

    layers: tuple[str, ...] = ()
    attributes: Mapping[str, str] = MappingProxyType({})
    sns: SnsMeta | None = None
    bus: Bus | None = None

    @property
    def is_from_known_service(self) -> bool:
        """Whether EventBridge said that one of the services that we read sent it."""
        return self.bus is not None and self.bus.source in FAMILY_OF_SOURCE

    def off(self, *layers: str) -> Wrapping:
        """The same, with more layers taken off."""
        return Wrapping(self.layers + layers, self.attributes, self.sns, self.bus)


class Payload(NamedTuple):
    """An object that is no envelope: as it came, and folded."""

    document: Mapping[str, Any]
    keys: Folded
    wrapping: Wrapping


class _Inner(NamedTuple):
    value: object
    wrapping: Wrapping


Unwrapped = Payload | Notice | Undecodable
_Opened = _Inner | Unwrapped


def unwrap(value: object, wrapping: Wrapping) -> Iterator[Unwrapped]:
    """Take off all envelopes, and give what is in them one by one."""
    pending: list[tuple[_Opened, int]] = [(_Inner(value, wrapping), 0)]
    while pending:
        opened, steps = pending.pop()
        # What holds one thing, as nearly all does, is followed inwards on the spot.
        while isinstance(opened, _Inner):
            if steps > MAX_STEPS:
                opened = Undecodable("too_many_envelopes", "", opened.wrapping.layers)
                break
            steps += 1
            inside = _open(opened.value, opened.wrapping)
            opened = inside[0]
            if len(inside) > 1:
                pending.extend([(one, steps) for one in reversed(inside[1:])])
        yield opened


def _open(value: object, wrapping: Wrapping) -> Sequence[_Opened]:
    if isinstance(value, dict):
        return _open_object(value, wrapping)
    if isinstance(value, str):
        return _open_text(value, wrapping)
    if isinstance(value, list):
        return _each(value, wrapping)
    return (Undecodable("not_an_object", "", wrapping.layers),)


def _open_object(document: dict[str, Any], wrapping: Wrapping) -> Sequence[_Opened]:
    keys = fold_keys(document)
    # What a service puts on the bus, and what we write ourselves, is an event, no envelope.
    is_event = wrapping.is_from_known_service or "switchboard" in document
    if not is_event and not _ENVELOPE_KEYS.isdisjoint(keys):
        for needed, is_it, opener in _ENVELOPES:
            if needed in keys and is_it(keys):
                return opener(keys, wrapping)
    return (Payload(document, keys, wrapping),)


def _each(values: list[Any], wrapping: Wrapping) -> Sequence[_Opened]:
    if not values:
        return (Undecodable("empty_list", "", wrapping.layers),)
    return [_Inner(value, wrapping) for value in values]


def _open_text(text: str, wrapping: Wrapping) -> Sequence[_Opened]:
    try:
        return (_Inner(parse_json(text), wrapping),)
    except NotJsonError as exc:
        reason = exc.reason
    if text.strip() == email.SETUP_TEXT:
        return (Notice("ses_topic_validated", wrapping.layers, EventClass.SES_EVENT, "setup"),)
    several = documents_of(text) if reason == "not_json" else None
    if several is None:
        return (Undecodable(reason, "", wrapping.layers),)
    return [_Inner(value, wrapping) for value in several]


# SNS


def _is_sns(keys: Folded) -> bool:
    if "message" not in keys or "endpoints" in keys:
        return False
    kind = keys.get("type")
    if isinstance(kind, str) and kind in _SNS_TYPES:
        return True
    has_signs = not _SNS_SIGNS.isdisjoint(keys) or len(keys) == 1
    return isinstance(keys["message"], str) and has_signs


_SNS_SIGNS = frozenset({"topicarn", "messageid", "timestamp", "messageattributes", "signature"})
_SNS_TYPES = frozenset({"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"})


def _open_sns(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    layers, attributes, _, bus = wrapping.off("sns")
    kind = keys.get("type")
    if kind == "SubscriptionConfirmation":
        return (Notice("sns_subscription_confirmation", layers),)
    if kind == "UnsubscribeConfirmation":
        return (Notice("sns_unsubscribe_confirmation", layers),)
    meta = SnsMeta(
        _text(keys.get("messageid")) or "",
        _text(keys.get("topicarn")),
        _time(keys.get("timestamp")),
        _attributes(keys.get("messageattributes")),
    )
    return (_Inner(keys["message"], Wrapping(layers, attributes, meta, bus)),)


# SQS


def _is_sqs(keys: Folded) -> bool:
    return "body" in keys and not _SQS_SIGNS.isdisjoint(keys)


_SQS_SIGNS = frozenset({"messageid", "receipthandle", "md5ofbody", "eventsource"})


def _open_sqs(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    attributes = _attributes(keys.get("messageattributes"))
    inner = wrapping.off("sqs")._replace(attributes=attributes)
    return (_Inner(keys["body"], inner),)


def _is_sqs_answer(keys: Folded) -> bool:
    return isinstance(keys.get("messages"), list) and len(keys) <= 2


def _open_sqs_answer(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return _each(keys["messages"], wrapping)


# Lambda


def _is_lambda(keys: Folded) -> bool:
    return isinstance(keys.get("records"), list)


def _open_lambda(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return _each(keys["records"], wrapping.off("lambda"))


def _is_sns_record(keys: Folded) -> bool:
    return isinstance(keys.get("sns"), dict)


def _open_sns_record(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    inside = fold_keys(keys["sns"])
    if "message" not in inside:
        return (Undecodable("sns_field_missing", "Sns.Message", wrapping.layers),)
    return _open_sns(inside, wrapping)


def _is_kinesis_record(keys: Folded) -> bool:
    return isinstance(keys.get("kinesis"), dict)


def _open_kinesis_record(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    inside = fold_keys(keys["kinesis"])
    return _open_data(inside.get("data"), wrapping.off("kinesis"))


def _is_kinesis_answer(keys: Folded) -> bool:
    return isinstance(keys.get("records"), list) and not _KINESIS_ANSWER_SIGNS.isdisjoint(keys)


_KINESIS_ANSWER_SIGNS = frozenset({"nextsharditerator", "millisbehindlatest"})


def _open_kinesis_answer(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    """What GetRecords answers: its records lie flat, like those of a pipe."""
    inner = wrapping.off("kinesis")
    records = keys["records"]
    data = [fold_keys(one).get("data") if isinstance(one, dict) else None for one in records]
    opened = [part for one in data for part in _open_data(one, inner)]
    return opened or (Undecodable("empty_list", "", inner.layers),)


def _is_ses_record(keys: Folded) -> bool:
    return isinstance(keys.get("ses"), dict) and keys.get("eventsource") == "aws:ses"


def _open_ses_record(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    """A mail that came in by a receipt rule. Over SNS the same names itself `Received`."""
    return (_Inner({"notificationType": "Received", **keys["ses"]}, wrapping),)


# Pipes and Firehose: the record lies flat, its data in base64 unless a template decoded it.


def _is_flat_record(keys: Folded) -> bool:
    if "data" not in keys:
        return False
    return not _FLAT_SIGNS.isdisjoint(keys) or len(keys) == 1


_FLAT_SIGNS = frozenset({"kinesisschemaversion", "sequencenumber", "partitionkey"})


def _open_flat_record(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return _open_data(keys["data"], wrapping.off("pipes", "kinesis"))


def _is_firehose_record(keys: Folded) -> bool:
    return "data" in keys and "recordid" in keys


def _open_firehose_record(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return _open_data(keys["data"], wrapping)


def _is_firehose_failure(keys: Folded) -> bool:
    return "rawdata" in keys and "errorcode" in keys


def _open_firehose_failure(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return _open_data(keys["rawdata"], wrapping)


def _open_data(data: object, wrapping: Wrapping) -> Sequence[_Opened]:
    if isinstance(data, dict | list):
        return (_Inner(data, wrapping),)
    if not isinstance(data, str):
        return (Undecodable("kinesis_field_missing", "data", wrapping.layers),)
    if data.lstrip()[:1] in ("{", "["):
        return _open_text(data, wrapping)
    return _open_base64(data, wrapping)


def _open_base64(data: str, wrapping: Wrapping) -> Sequence[_Opened]:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return (Undecodable("not_base64", "data", wrapping.layers),)
    if raw.startswith(_KPL_MAGIC):
        return (Undecodable("kpl_aggregated_record", "data", wrapping.layers),)
    try:
        return _open_text(raw.decode(), wrapping)
    except UnicodeDecodeError:
        return (Undecodable("not_utf8", "data", wrapping.layers),)


# EventBridge


def _is_bus_event(keys: Folded) -> bool:
    return "detailtype" in keys and "detail" in keys


def _open_bus_event(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    bus = Bus(
        source=_text(keys.get("source")) or "",
        detail_type=_text(keys.get("detailtype")) or "",
        id=_text(keys.get("id")),
        time=_time(keys.get("time")),
    )
    return (_Inner(keys["detail"], wrapping.off("eventbridge")._replace(bus=bus)),)


# Somebody's export of contact records, each under the name of its type.


def _is_named_contact_record(keys: Folded) -> bool:
    return isinstance(keys.get("contacttracerecord"), dict | list)


def _open_named_contact_record(keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return (_Inner(keys["contacttracerecord"], wrapping),)


def _is_agent_event(keys: Folded) -> bool:
    return "currentagentsnapshot" in keys or "previousagentsnapshot" in keys


def _refuse_agent_event(_keys: Folded, wrapping: Wrapping) -> Sequence[_Opened]:
    return (Undecodable("connect_agent_event_unused", "", wrapping.layers),)


# A key that each of them has, so that an event is not asked a dozen questions; then the question.
_ENVELOPES: tuple[
    tuple[str, Callable[[Folded], bool], Callable[[Folded, Wrapping], Sequence[_Opened]]], ...
] = (
    ("message", _is_sns, _open_sns),
    ("detail", _is_bus_event, _open_bus_event),
    ("body", _is_sqs, _open_sqs),
    ("records", _is_kinesis_answer, _open_kinesis_answer),
    ("records", _is_lambda, _open_lambda),
    ("sns", _is_sns_record, _open_sns_record),
    ("kinesis", _is_kinesis_record, _open_kinesis_record),
    ("ses", _is_ses_record, _open_ses_record),
    ("recordid", _is_firehose_record, _open_firehose_record),
    ("data", _is_flat_record, _open_flat_record),
    ("rawdata", _is_firehose_failure, _open_firehose_failure),
    ("messages", _is_sqs_answer, _open_sqs_answer),
    ("contacttracerecord", _is_named_contact_record, _open_named_contact_record),
    ("currentagentsnapshot", _is_agent_event, _refuse_agent_event),
    ("previousagentsnapshot", _is_agent_event, _refuse_agent_event),
)

_ENVELOPE_KEYS = frozenset(needed for needed, _, _ in _ENVELOPES)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    try:
        return read_time_or_none(value)
    except ValueError:
        return None


def _attributes(value: object) -> dict[str, str]:
    """Message attributes as SNS (`Value`) and SQS (`StringValue`, `stringValue`) write them."""
    if not isinstance(value, dict):
        return {}
    return {name: text for name, one in value.items() if (text := _attribute(one)) is not None}


def _attribute(value: object) -> str | None:
    if isinstance(value, dict):
        keys = fold_keys(value)
        value = keys.get("value", keys.get("stringvalue"))
    return value if isinstance(value, str) else None
