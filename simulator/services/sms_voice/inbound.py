"""Texts from customers: what End User Messaging answers itself, and what it publishes.

Sources: End User Messaging User Guide, "Two-way SMS messaging", "Keywords", "Self-managed
opt-outs".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from simulator.services.sms_voice.carrier import SERVICE, Sent
from simulator.services.sms_voice.encoding import encode
from simulator.services.sms_voice.models import Keyword, OptedOut, PhoneNumber, TwoWay
from simulator.services.sms_voice.state import SmsVoiceState

OPT_OUT_WORDS = (
    "ARRET",
    "CANCEL",
    "END",
    "OPT-OUT",
    "OPTOUT",
    "QUIT",
    "REMOVE",
    "STOP",
    "TD",
    "UNSUBSCRIBE",
)
"""The keywords that opt a person out wherever the law requires it."""
_STOP_ANSWER = "You have opted out and will receive no further messages."
_HELP_ANSWER = "Reply STOP to opt out. Message and data rates may apply."
REQUIRED_KEYWORDS = {
    **{word: Keyword(word, _STOP_ANSWER, "OPT_OUT") for word in OPT_OUT_WORDS},
    "HELP": Keyword("HELP", _HELP_ANSWER, "AUTOMATIC_RESPONSE"),
}


@dataclass(frozen=True, slots=True)
class FromCustomer:
    """A text as the customer sent it."""

    origination: str
    destination: str
    body: str
    previous_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a customer's text. No id: it was not published."""

    inbound_message_id: str | None
    keyword: str
    answered: bool

    def as_json(self) -> dict[str, Any]:
        """As the control API answers."""
        return {
            "inboundMessageId": self.inbound_message_id,
            "keyword": self.keyword,
            "answered": self.answered,
        }


async def receive(state: SmsVoiceState, text: FromCustomer) -> Received:
    """Take a customer's text; returns once it is published, if it is.

    Raises:
        AwsError: the destination is none of our numbers.
    """
    number = state.account.number(text.destination)
    settings = state.account.two_way_of(number)
    keyword = _keyword(state, number, text.body)
    is_required = keyword is not None and keyword.word in REQUIRED_KEYWORDS
    if keyword is not None and not (is_required and settings.is_self_managed):
        _act(state, number, settings, text, keyword)
        if is_required or not _is_published(state, keyword):
            state.world.ledger.fact(
                SERVICE, "inbound_text_answered", origination=text.origination, body=text.body
            )
            return Received(None, keyword.word, answered=True)
    word = keyword.word if keyword else f"KEYWORD_{state.world.settings.account_id}"
    inbound_id = await _publish(state, number, settings, text, word)
    return Received(inbound_id, word, answered=False)


def _keyword(state: SmsVoiceState, number: PhoneNumber, body: str) -> Keyword | None:
    """The longest keyword that the text begins with, as a word, in any case."""
    owner = number.pool_id if number.pool_id in state.account.pools else number.id
    known = {**REQUIRED_KEYWORDS, **state.account.keywords.get(owner or "", {})}
    begun = [w for w in known if re.match(rf"\s*{re.escape(w)}(?!\w)", body, re.IGNORECASE)]
    return known[max(begun, key=len)] if begun else None


def _is_published(state: SmsVoiceState, keyword: Keyword) -> bool:
    return keyword.action == "AUTOMATIC_RESPONSE" or state.knobs.publishes_opt_keywords


def _act(
    state: SmsVoiceState,
    number: PhoneNumber,
    settings: TwoWay,
    text: FromCustomer,
    keyword: Keyword,
) -> None:
    now = state.world.clock.now()
    listed = state.account.opt_out_lists[settings.opt_out_list].numbers
    if keyword.action == "OPT_OUT":
        listed[text.origination] = OptedOut(text.origination, now, by_end_user=True)
    if keyword.action == "OPT_IN":
        listed.pop(text.origination, None)
    answer = Sent(
        message_id=state.world.new_id(),
        channel="TEXT",
        origination=number.number,
        destination=text.origination,
        body=keyword.answer,
        encoded=encode(keyword.answer),
        message_type=number.message_type,
        origination_country=number.country,
        accepted_at=now,
        accepted_at_monotonic=state.world.clock.monotonic(),
        time_to_live_s=0,
        configuration_set=None,
        context={},
    )
    state.carrier.put_on_handset(answer, "auto_reply")


async def _publish(
    state: SmsVoiceState, number: PhoneNumber, settings: TwoWay, text: FromCustomer, word: str
) -> str | None:
    if settings.two_way_topic_arn is None:
        return None
    inbound_id = state.world.new_id()
    payload = {
        "originationNumber": text.origination,
        "destinationNumber": number.number,
        "messageKeyword": word,
        "messageBody": text.body,
        "inboundMessageId": inbound_id,
    }
    # Which message the person answers is guessed by recency, unless the test knows better.
    pair = (number.number, text.origination)
    previous = text.previous_message_id or state.carrier.last_message_ids.get(pair)
    if previous is not None:
        payload["previousPublishedMessageId"] = previous
    state.world.ledger.fact(SERVICE, "inbound_text_published", **payload)
    await state.world.publisher.to_topic(
        settings.two_way_topic_arn,
        json.dumps(payload, ensure_ascii=False),
        {},
        "inbound_sms",
    )
    return inbound_id
