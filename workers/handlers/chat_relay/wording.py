"""The words we add, and the shape of what we pass on. Pure.

Names of placeholders are those of the brand's configuration; `workers.config` has checked them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from workers.brands import Brand
from workers.handlers.chat_relay.entries import FilePayload, Kind
from workers.phone import mask
from workers.sms_text import clean_for_sms, split_for_sms, to_gsm
from workers.stores.protocols import Entry, Session

PASSES_GATE = frozenset({"opt_out_confirmed", "help"})


@dataclass(frozen=True, slots=True)
class OwnText:
    """A text of our own, and what the law says of it."""

    body: str
    passes_gate: bool = False
    confirms_opt_out: bool = False


def own_text(entry: Entry, brand: Brand, session: Session) -> OwnText:
    """What a notice or the end of a chat says to the customer; an empty body is not sent."""
    if entry.kind == Kind.END:
        is_idle = session.marks.get("closing_gen") == entry.gen
        return OwnText(_fill(brand.texts.idle_closed if is_idle else brand.texts.ended, brand))
    notice = str(entry.payload["notice"])
    body = {
        "opt_out_confirmed": brand.texts.opt_out_confirmed,
        "return_confirmed": brand.texts.opt_in_confirmed,
        "help": brand.texts.help,
        "busy": brand.texts.busy,
        "refused": brand.texts.refused,
        "no_match": brand.texts.no_match,
        "idle_warning": brand.texts.idle_warning,
    }.get(notice, "")
    return OwnText(_fill(body, brand), notice in PASSES_GATE, notice == "opt_out_confirmed")


def automatic_kind(entry: Entry) -> str | None:
    """Which text of our own an entry is; None for what a person wrote."""
    if entry.kind == Kind.END:
        return "chat_ended"
    return str(entry.payload["notice"]) if entry.kind == Kind.NOTICE else None


def parts_of(entry: Entry, brand: Brand, session: Session) -> tuple[str | FilePayload, ...]:
    """The texts that one entry becomes, in order: its words, split, then its files.

    The same entry gives the same parts on every worker: their index is what a crash leaves behind.
    """
    if entry.kind != Kind.AGENT:
        return split_for_sms(body) if (body := own_text(entry, brand, session).body) else ()
    words = clean_for_sms(str(entry.payload.get("body", "")))
    if brand.transliterate:
        words = to_gsm(words)
    files = cast("list[FilePayload]", entry.payload.get("files", []))
    return (*(split_for_sms(words) if words.strip() else ()), *files)


def display_name(brand: Brand, session: Session) -> str:
    """What the agent sees as the customer's name, by the brand's rule."""
    number = session.customer_number
    name = brand.display_name.format(masked=mask(number), last4=number[-4:], brand=brand.name)
    return name[:256] or brand.name


def chat_attributes(brand: Brand, session: Session) -> dict[str, str]:
    """The contact attributes that the chat carries; documented in `docs/contact-flow.md`."""
    return {
        "sb_customer_number": session.customer_number,
        "sb_our_number": session.our_number,
        "sb_brand": brand.name,
        "sb_session": session.sid,
        "sb_language": brand.language,
        "sb_channel": "SMS",
    }


def late_prefix(brand: Brand, age_ms: int) -> str:
    """How a text that is older than the brand's limit is marked for the agent."""
    hours = age_ms // 3_600_000
    age = f"{hours} h" if hours < 48 else f"{hours // 24} d"
    return brand.texts.note_late.format(age=age)


def undelivered_note(brand: Brand, reason: str) -> str:
    """What the agent reads when a text did not arrive."""
    return brand.texts.note_undelivered.format(reason=reason.replace("_", " "))


def media_text(brand: Brand, name: str, url: str) -> str:
    """A file as a link."""
    return clean_for_sms(brand.texts.media_link.format(name=name, url=url))


def _fill(text: str, brand: Brand) -> str:
    return text.format(brand=brand.name)
