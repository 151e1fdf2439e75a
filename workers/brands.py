"""A brand: who we are to the customer. The behaviour half of the configuration, as values.

`switchboard.toml` holds any number of brands. This module owns their shape and the rules that one
brand must keep by itself; `workers.config` reads the file and checks brands against each other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Value(BaseModel):
    """Frozen, and strict about unknown keys: a typing slip is an error that names the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MessageClass(StrEnum):
    """What a text is for; opt-outs are kept per class."""

    TRANSACTIONAL = "transactional"
    PROMOTIONAL = "promotional"


class StartRule(Value):
    """What opens a chat: any text, or one of the keywords (folded, first word or whole text)."""

    on: Literal["any_text", "keyword"] = "any_text"
    keywords: tuple[str, ...] = ()


class Words(Value):
    """The words that steer, folded before they are compared. Those of the law always count."""

    opt_out: tuple[str, ...] = ("stop", "unsubscribe", "cancel", "end", "quit", "arret", "remove")
    help: tuple[str, ...] = ("help", "info", "aide")
    opt_in: tuple[str, ...] = ("start", "unstop", "yes")
    filler: tuple[str, ...] = ("please", "pls", "thanks", "thank you", "now", "texting me")


class Texts(Value):
    """What we say by ourselves. An empty text is not sent."""

    opt_out_confirmed: str = (
        "{brand}: You are unsubscribed and will get no more texts. Reply START to return."
    )
    opt_in_confirmed: str = "{brand}: You are subscribed again. Reply STOP to unsubscribe."
    help: str = "{brand}: Text us here to reach a person. Msg & data rates may apply. Reply STOP to unsubscribe."
    busy: str = "{brand}: All our agents are busy. Your message is kept and will be answered."
    refused: str = "{brand}: We cannot take a new conversation right now. Please try again later."
    no_match: str = ""
    idle_warning: str = "{brand}: Are you still there? This conversation will close soon."
    idle_closed: str = (
        "{brand}: We closed this conversation because it was quiet. Text us again any time."
    )
    ended: str = "{brand}: This conversation has ended. Text us again any time."
    media_link: str = "{name}: {url}"
    note_undelivered: str = "[Not delivered to the customer: {reason}]"
    note_uncertain: str = "[Delivery of your last message could not be confirmed]"
    note_expired: str = "[Not sent, it was too old: the customer did not get your message]"
    note_opted_out: str = "[The customer opted out of texts: replies are not delivered]"
    note_doubtful: str = "[This may be an opt-out request] "
    note_late: str = "[Sent {age} ago] "


class Limits(Value):
    """Ages, idle times and caps."""

    to_customer_max_age_s: Annotated[int, Field(ge=30, le=259_200)] = 900
    to_agent_max_age_s: Annotated[int, Field(ge=60, le=1_209_600)] = 86_400
    text_ttl_s: Annotated[int, Field(ge=5, le=259_200)] = 900
    idle_warn_s: Annotated[int, Field(ge=0, le=604_800)] = 82_800
    idle_close_s: Annotated[int, Field(ge=0, le=604_800)] = 86_400
    chat_duration_min: Annotated[int, Field(ge=60, le=10_080)] = 1_500
    busy_after_s: Annotated[int, Field(ge=0, le=3_600)] = 120
    automatic_texts_per_hour: Annotated[int, Field(ge=0, le=60)] = 3
    chat_starts_per_number_per_hour: Annotated[int, Field(ge=1, le=1_000)] = 5
    chat_starts_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 300


class Brand(Value):
    """One brand: its origination identities, its contact flow, its words, texts and limits."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    numbers: tuple[str, ...] = Field(
        min_length=1, description="E.164 numbers and short codes that customers text to"
    )
    pools: tuple[str, ...] = ()
    sender_ids: tuple[str, ...] = ()
    origination_identity: str | None = Field(
        default=None,
        description="What replies are sent from; the number that was texted when absent",
    )
    configuration_set: str
    opt_out_list: str = "Default"
    opt_out_mode: Literal["self_managed", "managed"] = "self_managed"
    message_class: MessageClass = MessageClass.TRANSACTIONAL
    contact_flow_id: str
    language: str = "en-US"
    display_name: str = Field(
        default="{masked}", description="{masked}, {last4}, {brand}; what the agent sees"
    )
    start: StartRule = StartRule()
    words: Words = Words()
    texts: Texts = Texts()
    limits: Limits = Limits()
    end_chat_on_opt_out: bool = True
    in_doubt: Literal["uncertain", "resend"] = "uncertain"
    receipt_wait_s: Annotated[int, Field(ge=15, le=900)] = 120
    transliterate: bool = Field(
        default=True, description="Put agents' texts into GSM 03.38 where meaning survives"
    )
    media: Literal["mms", "link"] = "link"
    media_link_ttl_s: Annotated[int, Field(ge=60, le=604_800)] = 86_400
