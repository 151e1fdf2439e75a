"""Sizes, counts and characters, reckoned before a call: emulators let pass what AWS refuses.

Each check raises `PermanentError` with a stable reason and never the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from workers.clients.protocols import ChatStart, OutboundCall, OutgoingText
from workers.errors import PermanentError
from workers.sms_text import (
    MAX_CHAT_BYTES,
    MAX_GSM_UNITS,
    MAX_UCS2_UNITS,
    Encoding,
    clean_for_chat,
    measure,
)

_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")
_ATTRIBUTE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,32767}")
_IDENTITY: Final = re.compile(r"[A-Za-z0-9_:/+-]{1,256}")
_RESOURCE: Final = re.compile(r"[A-Za-z0-9_:/-]{1,256}")
_CONTEXT_KEY: Final = re.compile(r"\S{1,100}")
_CONTEXT_VALUE: Final = re.compile(r"(?!\s)[\s\S]{1,800}(?<!\s)")
_MEDIA_URL: Final = re.compile(r"s3://[a-z0-9.-]{3,63}/.+")
_MAX_ATTRIBUTES_BYTES: Final = 32_768
_MAX_OBJECT_BYTES: Final = 250 * 1024
_MAX_SMS_UNITS: Final = {Encoding.GSM: MAX_GSM_UNITS, Encoding.UCS2: MAX_UCS2_UNITS}


def _require(is_met: object, reason: str) -> None:
    if not is_met:
        raise PermanentError(reason)


def check_token(client_token: str) -> None:
    """A ClientToken of Connect or its participant service."""
    _require(1 <= len(client_token) <= 500, "client_token_length")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Contact attributes: the keys' characters, and the UTF-8 bytes of all together."""
    _require(all(map(_ATTRIBUTE_KEY.fullmatch, attributes)), "attribute_key")
    texts = [*attributes, *attributes.values()]
    _require(all(text == clean_for_chat(text) for text in texts), "attribute_characters")
    size_bytes = sum(len(text.encode()) for text in texts)
    _require(size_bytes <= _MAX_ATTRIBUTES_BYTES, "attributes_size")


def check_start(start: ChatStart) -> None:
    """Everything of a StartChatContact that Connect limits."""
    check_token(start.client_token)
    _require(1 <= len(start.contact_flow_id) <= 500, "contact_flow_id_length")
    _require(1 <= len(start.display_name) <= 256, "display_name_length")
    _require(start.display_name == clean_for_chat(start.display_name), "display_name_characters")
    check_attributes(start.attributes)
    _require(60 <= start.duration_min <= 10_080, "chat_duration")
    _require(start.customer_id is None or 1 <= len(start.customer_id) <= 128, "customer_id_length")


def check_call(call: OutboundCall) -> None:
    """Everything of a StartOutboundVoiceContact that Connect limits."""
    check_token(call.client_token)
    check_number(call.number)
    _require(1 <= len(call.contact_flow_id) <= 500, "contact_flow_id_length")
    check_attributes(call.attributes)
    _require(call.source_number or call.queue_id, "no_source")
    _require(15 <= call.ring_timeout_s <= 60, "ring_timeout")


def check_content(text: str) -> None:
    """The Content of a chat message: 1 to 16,384 bytes, none of the refused characters."""
    _require(text == clean_for_chat(text), "content_characters")
    _require(1 <= len(text.encode()) <= MAX_CHAT_BYTES, "content_size")


def check_number(number: str) -> None:
    """A number a text can go to, E.164: stricter than EUM, which takes 19 digits and no plus."""
    _require(_E164.fullmatch(number), "number_not_e164")


def check_profile_value(value: str) -> None:
    """A value of a profile's standard field, or of a key it is searched by."""
    _require(1 <= len(value) <= 255, "profile_value_length")


def check_object(text: str) -> None:
    """An Object of PutProfileObject; the bound in bytes is the one of the quotas page."""
    _require(1 <= len(text) <= 256_000, "profile_object_length")
    _require(len(text.encode()) <= _MAX_OBJECT_BYTES, "profile_object_size")


def check_opt_out_list(name: str) -> None:
    """A name or ARN of an opt-out list."""
    _require(_RESOURCE.fullmatch(name), "opt_out_list_name")


def check_text(text: OutgoingText) -> None:
    """Everything of a SendTextMessage or SendMediaMessage that EUM limits."""
    check_number(text.destination_number)
    _require(_IDENTITY.fullmatch(text.origination_identity), "origination_identity")
    _require(_RESOURCE.fullmatch(text.configuration_set), "configuration_set")
    _require(text.message_type in {"TRANSACTIONAL", "PROMOTIONAL"}, "message_type")
    _require(5 <= text.ttl_s <= 259_200, "time_to_live")
    _check_context(text.context)
    if text.media_url is None:
        _require(text.body.strip(), "body_blank")
        size = measure(text.body)
        _require(size.units <= _MAX_SMS_UNITS[size.encoding], "body_units")
    else:
        _require(len(text.media_url) <= 2_048 and _MEDIA_URL.fullmatch(text.media_url), "media_url")
    _require(len(text.body) <= 1_600, "body_length")
    _require(text.body == clean_for_chat(text.body), "body_characters")


def _check_context(context: Mapping[str, str]) -> None:
    _require(len(context) <= 5, "context_count")
    _require(all(map(_CONTEXT_KEY.fullmatch, context)), "context_key")
    _require(all(map(_CONTEXT_VALUE.fullmatch, context.values())), "context_value")
