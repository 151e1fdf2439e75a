"""A brand: who we are to the customer. The behaviour half of the configuration, as values.

`switchboard.toml` holds any number of brands. This module owns their shape and what one key must
keep by itself; `workers.config` reads the file and checks keys and brands against each other.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from workers.phone import is_short_code, normalise


class Value(BaseModel):
    """Frozen, and strict about unknown keys: a typing slip is an error that names the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _our_number(number: str) -> str:
    """A number that customers can text, in E.164 or as a short code."""
    written = number.strip()
    if is_short_code(written):
        return written
    if written.startswith("rcs-"):
        raise ValueError("an RCS agent is no number, and conversations over RCS are not relayed")
    if re.search(r"[^\W\d_]", written):
        raise ValueError("a sender ID cannot receive texts; list it under sender_ids")
    normal = normalise(written)
    if normal is None:
        raise ValueError(
            'write it in E.164, "+" and country code first ("+12065550100"),'
            ' or as a short code of 3 to 8 digits ("12345")'
        )
    return normal


def _sender_id(sender_id: str) -> str:
    """1 to 11 letters, digits, hyphens and underscores, and at least one letter."""
    if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{1,11}", sender_id):
        raise ValueError(
            "a sender ID has 1 to 11 letters, digits, hyphens or underscores, and at least one"
            " letter"
        )
    return sender_id


OurNumber = Annotated[
    str,
    AfterValidator(_our_number),
    WithJsonSchema({"type": "string", "pattern": r"^(\+[1-9][0-9 ().-]{1,20}|[0-9]{3,8})$"}),
]
SenderId = Annotated[
    str,
    AfterValidator(_sender_id),
    WithJsonSchema({"type": "string", "pattern": r"^(?=.*[A-Za-z])[A-Za-z0-9_-]{1,11}$"}),
]
Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30)]


class MessageClass(StrEnum):
    """What a text is for; opt-outs are kept per class."""

    TRANSACTIONAL = "transactional"
    PROMOTIONAL = "promotional"


class StartRule(Value):
    """What opens a chat. A running chat takes every text."""

    on: Literal["any_text", "keyword"] = Field(
        default="any_text", description="Any text opens a chat, or only one that begins so"
    )
    keywords: tuple[Word, ...] = Field(
        default=(), description="Folded; the text's first words. Asked for by `on = keyword`"
    )


class Words(Value):
    """The words that steer, folded before they are compared. Those of the law always count."""

    opt_out: tuple[Word, ...] = Field(
        default=("stop", "unsubscribe", "cancel", "end", "quit", "arret", "remove"),
        description="End the texts: alone, or with nothing but `filler`",
    )
    help: tuple[Word, ...] = Field(
        default=("help", "info", "aide"), description="Answered with `texts.help`, by the same rule"
    )
    opt_in: tuple[Word, ...] = Field(
        default=("start", "unstop", "yes"),
        description="Undo an opt-out, by the same rule; plain words to everybody else",
    )
    filler: tuple[Word, ...] = Field(
        default=("please", "pls", "thanks", "thank you", "now", "texting me"),
        description="Courtesies that may stand beside a word without changing what it means",
    )


class Texts(Value):
    """What we say by ourselves. An empty text is not sent; `note_*` go to the agent only."""

    opt_out_confirmed: str = Field(
        default="{brand}: You are unsubscribed and will get no more texts. Reply START to return.",
        description="Answers an opt-out; beside help, the one text that an opted-out number gets",
    )
    opt_in_confirmed: str = Field(
        default="{brand}: You are subscribed again. Reply STOP to unsubscribe.",
        description="Answers an opt-in of a number that had opted out",
    )
    help: str = Field(
        default="{brand}: Text us here to reach a person. Msg & data rates may apply."
        " Reply STOP to unsubscribe.",
        description="Answers a help word, also to a number that opted out",
    )
    busy: str = Field(
        default="{brand}: All our agents are busy. Your message is kept and will be answered.",
        description="Told once, when no chat could be started within `limits.busy_after_s`",
    )
    refused: str = Field(
        default="{brand}: We cannot take a new conversation right now. Please try again later.",
        description="Told once, to a number that starts too many chats",
    )
    no_match: str = Field(default="", description="Answers a text that opens no chat")
    idle_warning: str = Field(
        default="{brand}: Are you still there? This conversation will close soon.",
        description="After `limits.idle_warn_s` of silence from both sides",
    )
    idle_closed: str = Field(
        default="{brand}: We closed this conversation because it was quiet."
        " Text us again any time.",
        description="When an idle chat was closed",
    )
    ended: str = Field(
        default="{brand}: This conversation has ended. Text us again any time.",
        description="When the chat ended in any other way",
    )
    media_link: str = Field(
        default="{name}: {url}", description="An agent's file as a link: its name, its address"
    )
    note_undelivered: str = Field(
        default="[Not delivered to the customer: {reason}]",
        description="To the agent: a text was refused, or did not arrive",
    )
    note_uncertain: str = Field(
        default="[Delivery of your last message could not be confirmed]",
        description="To the agent: it may have gone out or not, and is not sent again",
    )
    note_expired: str = Field(
        default="[Not sent, it was too old: the customer did not get your message]",
        description="To the agent: older than `limits.to_customer_max_age_s`",
    )
    note_opted_out: str = Field(
        default="[The customer opted out of texts: replies are not delivered]",
        description="To the agent, once",
    )
    note_doubtful: str = Field(
        default="[This may be an opt-out request] ",
        description="Before a customer's text that may be an opt-out",
    )
    note_late: str = Field(
        default="[Sent {age} ago] ",
        description="Before a customer's text older than `limits.to_agent_max_age_s`",
    )


PLACEHOLDERS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(
        (
            "opt_out_confirmed",
            "opt_in_confirmed",
            "help",
            "busy",
            "refused",
            "no_match",
            "idle_warning",
            "idle_closed",
            "ended",
        ),
        frozenset({"brand"}),
    ),
    "media_link": frozenset({"name", "url"}),
    "note_undelivered": frozenset({"reason"}),
    "note_late": frozenset({"age"}),
    "note_uncertain": frozenset(),
    "note_expired": frozenset(),
    "note_opted_out": frozenset(),
    "note_doubtful": frozenset(),
}
"""What may stand in braces in each of `Texts`. Where nothing may, braces are plain characters."""
DISPLAY_NAME_PLACEHOLDERS: Final = frozenset({"masked", "last4", "brand"})


class Limits(Value):
    """Ages, idle times and caps. Seconds end in `_s`; 0 switches an idle time off."""

    to_customer_max_age_s: int = Field(
        default=900,
        ge=30,
        le=259_200,
        description="An agent's message older than this is not texted any more: the agent is told",
    )
    to_agent_max_age_s: int = Field(
        default=86_400,
        ge=60,
        le=1_209_600,
        description="A customer's text older than this opens no chat, and is marked in an open one",
    )
    text_ttl_s: int = Field(
        default=900,
        ge=5,
        le=259_200,
        description="TimeToLive of each send: how long End User Messaging may hold a text back",
    )
    idle_warn_s: int = Field(
        default=82_800, ge=0, le=604_800, description="Silence after which the customer is warned"
    )
    idle_close_s: int = Field(
        default=86_400, ge=0, le=604_800, description="Silence after which the chat is closed"
    )
    chat_duration_min: int = Field(
        default=1_500,
        ge=60,
        le=10_080,
        description="Minutes after which Connect ends the chat, whatever happens in it",
    )
    busy_after_s: int = Field(
        default=120,
        ge=0,
        le=3_600,
        description="How long a text waits for a chat before the customer is told that we are busy",
    )
    automatic_texts_per_hour: int = Field(
        default=3,
        ge=0,
        le=60,
        description="Texts of our own to one number; the confirmation of an opt-out is not counted",
    )
    chat_starts_per_number_per_hour: int = Field(
        default=5, ge=1, le=1_000, description="New chats that one customer number may open"
    )
    chat_starts_per_minute: int = Field(
        default=300, ge=1, le=100_000, description="New chats of the whole brand; more must wait"
    )


class BrandCalls(Value):
    """How a brand's reminders are dialled, and the text that follows calls in vain."""

    contact_flow_id: Named = Field(description="The outbound contact flow that speaks the reminder")
    source_number: OurNumber | None = Field(
        default=None, description="The number that callees see; a number of the Connect instance"
    )
    queue_id: Named | None = Field(
        default=None,
        description="The routing queue of calls that ask for an agent. One of both must be there",
    )
    ring_timeout_s: int = Field(
        default=30, ge=15, le=60, description="How long it rings before nobody answered"
    )
    detect_machines: bool = Field(
        default=False,
        description="Answering-machine detection. Needs campaign traffic, whose quota is 0 until"
        " AWS raises it",
    )
    text: str = Field(
        default="{brand}: we tried to call you about your appointment on {when}. Reply 1 to"
        " confirm, 2 for another time, 3 to talk to us. Reply STOP for no more texts.",
        max_length=600,
        description="Sent after calls in vain; empty = none",
    )
    text_undated: str = Field(
        default="{brand}: we tried to call you about your appointment. Reply 1 to confirm, 2 for"
        " another time, 3 to talk to us. Reply STOP for no more texts.",
        max_length=600,
        description="Sent in place of a `text` that says when, where the reminder says no time;"
        " empty = none",
    )

    def text_of(self, *, is_dated: bool) -> str:
        """The text that follows calls in vain; empty where there is to be none."""
        says_when = "{when}" in self.text
        return (self.text_undated if says_when and not is_dated else self.text).strip()

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.source_number is None and self.queue_id is None:
            raise ValueError("give source_number or queue_id: Connect needs one of them to call")
        return self


CALL_PLACEHOLDERS: Final = {
    "text": frozenset({"brand", "when", "name"}),
    "text_undated": frozenset({"brand", "name"}),
}


class Brand(Value):
    """One brand: its origination identities, its contact flow, its words, texts and limits."""

    name: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1,
        max_length=64,
        description="What customers and agents read; unique in the file",
    )
    numbers: tuple[OurNumber, ...] = Field(
        min_length=1,
        description="Our numbers that customers text: E.164, or short codes of 3 to 8 digits",
    )
    pools: tuple[Named, ...] = Field(
        default=(), description="Pools (id or ARN) that our numbers are in"
    )
    sender_ids: tuple[SenderId, ...] = Field(
        default=(), description="Sender IDs: send only, nobody can answer them"
    )
    origination_identity: Named | None = Field(
        default=None,
        description="What replies are sent from: number, pool or sender ID. When absent, the"
        " number that was texted",
    )
    configuration_set: Named = Field(
        description="EUM configuration set; its event destination brings the delivery receipts"
    )
    opt_out_list: Named = Field(
        default="Default", description="EUM opt-out list; brands that name the same share it"
    )
    opt_out_mode: Literal["self_managed", "managed"] = Field(
        default="self_managed",
        description="Who answers STOP: we do, or EUM does and keeps it from us",
    )
    message_class: MessageClass = Field(
        default=MessageClass.TRANSACTIONAL,
        description="MessageType of each send; opt-outs are kept per class",
    )
    contact_flow_id: Named = Field(description="The inbound contact flow that takes the chats")
    language: str = Field(
        default="en-US",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="BCP 47 tag such as `en-US`; goes with the chat as `sb_language`",
    )
    display_name: str = Field(
        default="{masked}",
        min_length=1,
        max_length=256,
        description="The customer's name in the agent's desk",
    )
    start: StartRule = Field(default=StartRule(), description="What opens a chat")
    words: Words = Field(default=Words(), description="The words that steer")
    texts: Texts = Field(default=Texts(), description="What we say by ourselves")
    limits: Limits = Field(default=Limits(), description="Ages, idle times, caps")
    end_chat_on_opt_out: bool = Field(
        default=True, description="End the running chat when the customer opts out"
    )
    in_doubt: Literal["uncertain", "resend"] = Field(
        default="uncertain",
        description="What follows a send without an answer or a receipt: tell the agent, or send"
        " again, up to three times, and risk as many copies",
    )
    receipt_wait_s: int = Field(
        default=120,
        ge=25,
        le=900,
        description="How long a receipt is waited for before a send counts as in doubt. At least"
        " 15 s more than the 10 s that one send may take",
    )
    transliterate: bool = Field(
        default=True, description="Put agents' texts into GSM 03.38 where meaning survives"
    )
    media: Literal["mms", "link"] = Field(
        default="link",
        description="How an agent's picture goes out: as MMS, or as a link to our bucket. Other"
        " files are always links",
    )
    media_link_ttl_s: int = Field(
        default=86_400, ge=60, le=604_800, description="How long such a link works"
    )
    calls: BrandCalls | None = Field(
        default=None, description="Reminder calls; without this table the brand makes none"
    )
