"""The text after calls in vain, what its receipts say, and its answers.

A send has no token. It is written down before, and a send whose answer is not known is waited for
by its receipt and never repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, assert_never

import structlog

from schemas.sms_voice import InboundSms
from workers.addresses import Channel
from workers.brands import Brand
from workers.clients.protocols import OutgoingText
from workers.config.reminders import Replies
from workers.errors import (
    AccountProblem,
    InDoubt,
    OptedOut,
    PermanentError,
    TransientError,
)
from workers.handlers.reminders import changes
from workers.handlers.reminders.asking import Asker
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.dialing import Dialer, when
from workers.handlers.reminders.ending import Ender
from workers.handlers.reminders.ladder import text_of, useful_of
from workers.handlers.reminders.policy import Later, Never, Now
from workers.handlers.reminders.telling import Teller
from workers.phone import normalise
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.sms_text import clean_for_sms, measure, to_gsm
from workers.stores.call_records import (
    OpenText,
    Person,
    RecordMoved,
    Reminder,
    Result,
    SentText,
    TextStage,
)
from workers.words import Meaning, fold, read_words

log = structlog.get_logger(__name__)

CONTEXT_KEY: Final = "sbr"
BY_TEXT: Final = "by_text"
SEND_WITHIN_S: Final = 10.0
_TRIES: Final = 8


class Texter:
    """Sends the text once, and reads its receipts."""

    def __init__(self, deps: Deps, asker: Asker, dialer: Dialer, ender: Ender) -> None:
        self._deps = deps
        self._asker = asker
        self._dialer = dialer
        self._ender = ender

    async def send(self, reminder: Reminder, brand: Brand, delivery: Delivery) -> Outcome:
        """Send it, or say when."""
        key, epoch = f"{reminder.rid}.text", datetime.fromtimestamp(0, UTC)
        judgement, person = await self._asker.judge(reminder, brand, Channel.SMS, key, epoch)
        match judgement:
            case Never(reason):
                return await self._ender.close_unmade(reminder, reason)
            case Later():
                return await self._dialer.put_off(reminder, judgement)
            case Now():
                return await self._claim(reminder, brand, person, delivery)
            case _:
                assert_never(judgement)

    async def _claim(
        self, reminder: Reminder, brand: Brand, person: Person, delivery: Delivery
    ) -> Outcome:
        text = self._text(reminder, brand)
        await self._deps.texting.admit(text.origination_identity, measure(text.body).parts)
        until = useful_of(reminder.job, self._deps.config.reminders).until
        answerable = OpenText(reminder.rid, brand.name, int(until.timestamp() * 1000))
        if not await self._asker.note(person, f"{reminder.rid}.text", answerable):
            return Wait("judged_anew", 1.0)
        delivery.lease.require()
        reminder = await self._deps.calls.save(
            changes.texting(reminder, now_ms=self._deps.clock.now_ms())
        )
        return await self._sent(reminder, brand, text)

    async def settle(self, reminder: Reminder, brand: Brand, text: SentText) -> Outcome:
        """Somebody was about to send it: wait for a receipt, then call it uncertain."""
        left_ms = text.intent_ms + brand.receipt_wait_s * 1000 - self._deps.clock.now_ms()
        if left_ms > 0:
            return Wait("text_in_doubt", left_ms / 1000)
        self._deps.meter.effect("reminder_text", "uncertain")
        await self._deps.calls.save(changes.texted(reminder, TextStage.UNCERTAIN))
        return Wait("text_uncertain", 1.0)

    async def receipt(self, context: Mapping[str, str], message_id: str) -> Outcome:
        """Any receipt proves that it went out; it carries the reminder in its context."""
        rid = context.get(CONTEXT_KEY)
        reminder = await self._deps.calls.find(rid) if rid else None
        for _ in range(_TRIES):
            if reminder is None or reminder.text is None:
                return Discard("receipt_not_ours")
            if reminder.text.stage in (TextStage.SENT, TextStage.REFUSED):
                return Done()
            try:
                await self._deps.calls.save(changes.texted(reminder, TextStage.SENT, message_id))
            except RecordMoved as moved:
                reminder = moved.record
            else:
                return Done()
        raise TransientError("reminder_contended", after_s=1.0)

    async def _sent(self, reminder: Reminder, brand: Brand, text: OutgoingText) -> Outcome:
        not_after = self._deps.clock.monotonic() + SEND_WITHIN_S
        try:
            message_id = await self._deps.texting.send(text, not_after=not_after)
        except InDoubt:
            self._deps.meter.effect("reminder_text", "in_doubt")
            return Wait("text_in_doubt", float(brand.receipt_wait_s))
        except (TransientError, AccountProblem):
            await self._deps.calls.save(changes.untexted(reminder))  # surely not sent
            raise
        except (OptedOut, PermanentError) as refusal:
            self._deps.meter.effect("reminder_text", "refused")
            log.warning("reminder_text_refused", reminder=reminder.rid, reason=refusal.reason)
            await self._deps.calls.save(changes.texted(reminder, TextStage.REFUSED))
            return Wait("text_refused", 1.0)
        self._deps.meter.effect("reminder_text", "sent")
        log.info("reminder_text_sent", reminder=reminder.rid, sms_message_id=message_id)
        self._deps.meter.sms_parts(brand.name, measure(text.body).parts)
        sent = await self._mark_sent(reminder, message_id)
        if sent.result is not None:  # an answer was faster
            return Wait("text_answered", 1.0)
        last = sent.attempts[-1]
        return await self._ender.close(sent, last.result or Result.FAILED, last.detail)

    async def _mark_sent(self, reminder: Reminder, message_id: str) -> Reminder:
        try:
            return await self._deps.calls.save(changes.texted(reminder, TextStage.SENT, message_id))
        except RecordMoved as moved:  # its receipt was faster
            found: Reminder = moved.record
            return found

    def _text(self, reminder: Reminder, brand: Brand) -> OutgoingText:
        if brand.calls is None:
            raise PermanentError("brand_makes_no_calls")
        job = reminder.job
        body = text_of(reminder, brand).format(
            brand=brand.name,
            when=when(reminder, job.language or brand.language),
            name=job.name or "",
        )
        body = clean_for_sms(body)
        return OutgoingText(
            destination_number=job.number,
            body=to_gsm(body) if brand.transliterate else body,
            origination_identity=brand.origination_identity or brand.numbers[0],
            configuration_set=brand.configuration_set,
            message_type=brand.message_class.value.upper(),
            ttl_s=brand.limits.text_ttl_s,
            context={CONTEXT_KEY: reminder.rid},
        )


class ReplyDoor:
    """Answers to the text: after an opt-out, before the brand's keywords."""

    def __init__(self, deps: Deps, teller: Teller) -> None:
        self._deps = deps
        self._teller = teller

    async def take(self, sms: InboundSms) -> Outcome | None:
        """Take an answer to an open text; None for what is none, which goes on to the relay.

        Someone who talks with an agent answers the agent, not a machine's text.
        """
        brand = self._deps.config.brand_of(sms.destination_number)
        number = normalise(sms.origination_number)
        if brand is None or brand.calls is None or number is None:
            return None
        if read_words(brand.words, sms.message_body) in (Meaning.OPT_OUT, Meaning.HELP):
            return None
        result = answer_of(sms.message_body, self._deps.config.reminders.replies)
        rid = await self._open_text(brand, number) if result is not None else None
        if result is None or rid is None:
            return None
        if await self._deps.gate.closed_for(brand, number) is not None:
            return None  # "yes" of somebody who had opted out means to come back
        if await self._deps.has_open_chat(sms.destination_number, number):
            return None
        await self._answered(rid, result)
        return None if result is Result.WANTS_AGENT else Done()

    async def _open_text(self, brand: Brand, number: str) -> str | None:
        now_ms = self._deps.clock.now_ms()
        person = await self._deps.calls.person(number)
        mine = [t for t in person.texts if t.brand == brand.name and t.until_ms > now_ms]
        return mine[-1].rid if mine else None

    async def _answered(self, rid: str, result: Result) -> None:
        reminder = await self._deps.calls.find(rid)
        for _ in range(_TRIES):
            if reminder is None:
                return
            if (reminder.result, reminder.detail) == (result, BY_TEXT):
                await self._teller.tell(reminder)  # the same text again
                return
            now_ms = self._deps.clock.now_ms()
            answered = changes.closed(reminder, result, BY_TEXT, now_ms=now_ms)
            if answered.text is not None and answered.text.stage is TextStage.SENDING:
                answered = replace(answered, text=replace(answered.text, stage=TextStage.SENT))
            try:
                saved = await self._deps.calls.save(answered)
            except RecordMoved as moved:
                reminder = moved.record
                continue
            self._deps.meter.effect("reminder_reply", result.value)
            await self._teller.tell(saved)
            return
        raise TransientError("reminder_contended", after_s=1.0)


def answer_of(body: str, replies: Replies) -> Result | None:
    """What a text answers, the whole of it folded; None for what is no listed answer."""
    said = fold(body)
    for result, words in (
        (Result.CONFIRMED, replies.confirm),
        (Result.ANOTHER_TIME, replies.another_time),
        (Result.WANTS_AGENT, replies.agent),
    ):
        if said and said in {fold(word) for word in words}:
            return result
    return None
