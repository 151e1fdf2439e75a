"""What a mail says and to whom, from any of SendEmail's three kinds of content."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parseaddr
from typing import Any

from simulator.services.ses import errors
from simulator.services.ses.models import Account

MAX_RECIPIENTS = 50
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_.]+)\s*\}\}")
_LINK = re.compile(r"""<a\s[^>]*href=["'](https?://[^"']+)["']""", re.IGNORECASE)
_KINDS = ("Simple", "Raw", "Template")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, ready to go. Addresses are bare; `source` is as it was given."""

    source: str
    recipients: tuple[str, ...]
    to: tuple[str, ...]
    subject: str
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    template: str | None = None
    rendering_error: str | None = None

    @property
    def sender(self) -> str:
        """The bare address that it is from."""
        return parseaddr(self.source)[1]

    def links(self) -> list[str]:
        """The links of its HTML, in order."""
        return _LINK.findall(self.html)


@dataclass(slots=True)
class _Parts:
    subject: str = ""
    text: str = ""
    html: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    template: str | None = None
    error: str | None = None
    source: str = ""
    to: list[str] = field(default_factory=list)


def compose(account: Account, params: Mapping[str, Any]) -> Letter:
    """The letter that a request means.

    Raises:
        AwsError: BadRequestException, or NotFoundException for its template.
    """
    content = params["Content"]
    given = [kind for kind in _KINDS if kind in content]
    if len(given) != 1:
        raise errors.bad_request("Content must have exactly one of Simple, Raw and Template")
    read = {"Simple": _simple, "Raw": _raw, "Template": _template}[given[0]]
    parts = read(account, content[given[0]])
    listed = params.get("Destination", {})
    to = [*listed.get("ToAddresses", ())] or parts.to
    others = [*listed.get("CcAddresses", ()), *listed.get("BccAddresses", ())]
    source = params.get("FromEmailAddress") or parts.source
    if not source:
        raise errors.bad_request("FromEmailAddress is missing")
    recipients = tuple(_address(one) for one in (*to, *others))
    if not recipients:
        raise errors.bad_request("The mail has no recipient")
    if len(recipients) > MAX_RECIPIENTS:
        raise errors.bad_request(f"Recipient count exceeds {MAX_RECIPIENTS}")
    _address(source)
    return Letter(
        source=source,
        recipients=recipients,
        to=tuple(to),
        subject=parts.subject,
        text=parts.text,
        html=parts.html,
        headers=tuple(parts.headers),
        template=parts.template,
        rendering_error=parts.error,
    )


def _simple(_: Account, content: Mapping[str, Any]) -> _Parts:
    body = content["Body"]
    if not body:
        raise errors.bad_request("Body must have Text or Html")
    return _Parts(
        subject=content["Subject"]["Data"],
        text=body.get("Text", {}).get("Data", ""),
        html=body.get("Html", {}).get("Data", ""),
        headers=_headers(content),
    )


def _raw(_: Account, content: Mapping[str, Any]) -> _Parts:
    message = message_from_bytes(content["Data"])
    everyone = [v for name in ("To", "Cc", "Bcc") for v in message.get_all(name, [])]
    parts = _Parts(
        subject=str(message.get("Subject", "")),
        headers=[(name, str(value)) for name, value in message.items()],
        source=str(message.get("From", "")),
        to=[address for _, address in getaddresses([str(v) for v in everyone]) if address],
    )
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            parts.text = parts.text or _decoded(part)
        elif part.get_content_type() == "text/html":
            parts.html = parts.html or _decoded(part)
    return parts


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _template(account: Account, content: Mapping[str, Any]) -> _Parts:
    name = content.get("TemplateName")
    texts = content.get("TemplateContent")
    if (name is None) == (texts is None):
        raise errors.bad_request("Template must have TemplateName or TemplateContent")
    if texts is None:
        texts = account.templates.get(str(name))
        if texts is None:
            raise errors.not_found(f"Template {name} does not exist")
    values = _template_data(content.get("TemplateData", "{}"))
    missing: list[str] = []
    filled = {
        part: _fill(texts.get(part, ""), values, missing) for part in ("Subject", "Text", "Html")
    }
    error = None
    if missing:
        error = f"Attribute '{missing[0]}' is not present in the rendering data."
    return _Parts(
        filled["Subject"],
        filled["Text"],
        filled["Html"],
        _headers(content),
        template=name or "",
        error=error,
    )


def _template_data(text: str) -> Mapping[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as exc:
        raise errors.bad_request("TemplateData is not JSON") from exc
    if not isinstance(values, dict):
        raise errors.bad_request("TemplateData is not a JSON object")
    return values


def _fill(text: str, values: Mapping[str, Any], missing: list[str]) -> str:
    def value_of(found: re.Match[str]) -> str:
        value: Any = values
        for step in found[1].split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            missing.append(found[1])
        return str(value)

    return _VARIABLE.sub(value_of, text)


def _headers(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(header["Name"], header["Value"]) for header in content.get("Headers", ())]


def _address(text: str) -> str:
    """The bare address. Its local part must be ASCII, its domain Punycode (SES's own text)."""
    address = parseaddr(text)[1]
    if not _ADDRESS.fullmatch(address):
        raise errors.bad_request("Missing final '@domain'")
    if not address.isascii():
        raise errors.bad_request("Domain contains illegal character")
    return address
