"""End User Messaging: sending texts and media, and the opt-out list.

No send has an idempotency token. So a send is made once, on a client that never repeats, and every
outcome that is not surely "not sent" is `InDoubt`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from workers.clients.call import Api, Caller
from workers.clients.checks import check_number, check_opt_out_list, check_text
from workers.clients.errors import NOT_ON_THE_LIST, SMS, SPEND_LIMIT
from workers.clients.protocols import OutgoingText, Texting
from workers.clock import Clock
from workers.errors import InDoubt, PermanentError, QuotaFull, Throttled, TransientError
from workers.limits import Priority, RecipientPace

if TYPE_CHECKING:
    from types_aiobotocore_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

_TEXT: Final = Api(SMS, "SendTextMessage", is_repeatable=False)
_MEDIA: Final = Api(SMS, "SendMediaMessage", is_repeatable=False)
_OPT_OUT: Final = Api(SMS, "PutOptedOutNumber", bucket="sms.opt_outs", priority=Priority.URGENT)
_OPT_IN: Final = Api(SMS, "DeleteOptedOutNumber", bucket="sms.opt_outs")

_not_after: ContextVar[float] = ContextVar("not_after", default=float("inf"))


class EumTexting(Texting):
    """`Texting` over End User Messaging.

    `send_timeout_s` bounds a whole send, connecting included: the wait for a receipt must exceed
    the send deadline plus this.

    When the month's spend is used up all sending of that kind pauses for `spend_pause_s` at a
    time: each text would be refused, and the refusals would eat the API's rate.
    """

    def __init__(
        self,
        client: PinpointSMSVoiceV2Client,
        caller: Caller,
        clock: Clock,
        *,
        send_timeout_s: float = 10.0,
        spend_pause_s: float = 60.0,
    ) -> None:
        self._sms = client
        self._caller = caller
        self._clock = clock
        self._pace = RecipientPace(clock)
        self._text_api = replace(_TEXT, timeout_s=send_timeout_s)
        self._media_api = replace(_MEDIA, timeout_s=send_timeout_s)
        self._spend_pause_s = spend_pause_s
        self._paused_until_s: dict[str, float] = {}
        # The last thing that runs before the request goes to a socket: after signing, which may
        # have waited for new credentials.
        client.meta.events.register(f"before-send.{SMS}", self._refuse_when_late)

    async def admit(self, origination_identity: str, parts: int = 1) -> None:
        """Wait for the identity's rate, which counts message parts, before the intent is written.

        Raises `Throttled` when that would take more than a few seconds, and `QuotaFull` while
        sending is paused because the monthly spend is used up.
        """
        self._refuse_when_paused(_TEXT)
        bucket = self._caller.limits.texts_from(origination_identity)
        await self._caller.admit(_TEXT, bucket, parts)

    async def send(self, text: OutgoingText, *, not_after: float) -> str:
        """SendTextMessage or SendMediaMessage, never repeated; returns the message id.

        A second text to the same recipient within a second waits its turn, within `not_after`.

        Raises:
            Throttled, QuotaFull, TransientError, OptedOut, AccountProblem, PermanentError: surely
                not sent.
            InDoubt: it may be out.
        """
        check_text(text)
        api = self._text_api if text.media_url is None else self._media_api
        self._refuse_when_paused(api)
        await self._keep_pace(text.destination_number, not_after)
        token = _not_after.set(not_after)
        try:
            return await self._caller.call(
                api,
                lambda: self._send_once(api, text),
                admitted_by=self._caller.limits.texts_from(text.origination_identity),
            )
        except QuotaFull as refusal:
            if refusal.reason != SPEND_LIMIT:
                raise
            self._paused_until_s[api.operation] = self._clock.monotonic() + self._spend_pause_s
            raise QuotaFull(SPEND_LIMIT, after_s=self._spend_pause_s) from None
        finally:
            _not_after.reset(token)

    async def opt_out(self, opt_out_list: str, number: str) -> None:
        """PutOptedOutNumber. Idempotent."""
        check_opt_out_list(opt_out_list)
        check_number(number)
        await self._caller.call(
            _OPT_OUT,
            lambda: self._sms.put_opted_out_number(
                OptOutListName=opt_out_list, OptedOutNumber=number
            ),
        )

    async def opt_in(self, opt_out_list: str, number: str) -> None:
        """DeleteOptedOutNumber; absent is a success. Raises `PermanentError` when EUM refuses."""
        check_opt_out_list(opt_out_list)
        check_number(number)
        try:
            await self._caller.call(
                _OPT_IN,
                lambda: self._sms.delete_opted_out_number(
                    OptOutListName=opt_out_list, OptedOutNumber=number
                ),
            )
        except PermanentError as refusal:
            if refusal.reason != NOT_ON_THE_LIST:
                raise

    async def _send_once(self, api: Api, text: OutgoingText) -> str:
        request: Any = {
            "DestinationPhoneNumber": text.destination_number,
            "OriginationIdentity": text.origination_identity,
            "ConfigurationSetName": text.configuration_set,
            "TimeToLive": text.ttl_s,
            # The receipt brings it back, so that it can be linked to the send.
            "Context": {**text.context, **self._caller.tracer.headers()},
        }
        if text.body.strip():
            request["MessageBody"] = text.body
        answer: Any
        if text.media_url is None:
            request["MessageType"] = text.message_type
            answer = await self._sms.send_text_message(**request)
        else:
            request["MediaUrls"] = [text.media_url]
            answer = await self._sms.send_media_message(**request)
        message_id = answer.get("MessageId")
        if not isinstance(message_id, str) or not message_id:
            raise InDoubt(api.operation, "unreadable_answer")
        return message_id

    def _refuse_when_paused(self, api: Api) -> None:
        left_s = self._paused_until_s.get(api.operation, 0.0) - self._clock.monotonic()
        if left_s > 0:
            self._caller.count(api, "paused")
            raise QuotaFull(SPEND_LIMIT, after_s=left_s)

    async def _keep_pace(self, number: str, not_after: float) -> None:
        left_s = not_after - self._clock.monotonic()
        wait_s = self._pace.reserve(number, max_wait_s=left_s)
        if wait_s is None:
            raise Throttled("recipient_pace", after_s=1.0)
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def _refuse_when_late(self, **_: Any) -> None:
        if self._clock.monotonic() > _not_after.get():
            raise TransientError("too_late")
