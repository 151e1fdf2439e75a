"""The operations of End User Messaging SMS: the sends here, the rest by what they are about."""

from __future__ import annotations

from typing import Any

from simulator.services import operation
from simulator.services.sms_voice.carrier import Sent
from simulator.services.sms_voice.describe_responses import DescribeResponses
from simulator.services.sms_voice.opt_out_responses import OptOutResponses
from simulator.services.sms_voice.sending import accept
from simulator.services.sms_voice.setup_responses import SetupResponses
from simulator.services.sms_voice.speaking import accept_voice
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call

_SOURCES = "botocore service model; End User Messaging User Guide (limits, quotas, two-way)"


class SmsVoiceResponses(OptOutResponses, DescribeResponses, SetupResponses):
    """pinpoint-sms-voice-v2, one method per operation, by botocore's snake name."""

    def __init__(self, state: SmsVoiceState) -> None:
        OptOutResponses.__init__(self, state)

    @operation(
        true_to=(
            "sizes by encoding, identities, capabilities, opt-outs, protect, price, spend and "
            "sandbox refusals; receipts; TimeToLive; no deduplication; with rates on, parts a "
            "second by number type and one message a second to one recipient"
        ),
        source=_SOURCES,
        not_yet=(
            "RCS agents; DestinationCountryParameters and MessageFeedbackEnabled are accepted "
            "and ignored. UNVERIFIED: which refusal comes first when several apply"
        ),
    )
    async def send_text_message(self, call: Call) -> dict[str, Any]:
        """SendTextMessage."""
        return self._sent(call, accept(self._state, call, "TEXT"))

    @operation(
        true_to="exactly one s3:// URL, MMS capability, receipts, else as SendTextMessage",
        source=_SOURCES,
        not_yet="the file is not fetched: neither its type nor its size is looked at",
    )
    async def send_media_message(self, call: Call) -> dict[str, Any]:
        """SendMediaMessage."""
        return self._sent(call, accept(self._state, call, "MEDIA"))

    @operation(
        true_to=(
            "text of 3,000 or SSML of 6,000 characters and 3,000 spoken ones, VOICE capability, "
            "five calls to one recipient in 24 hours, price, spend, opt-outs, protect; VOICE_ "
            "events with the call's length; with rates on, 20 a minute"
        ),
        source=_SOURCES + '; guide, "Event format"',
        not_yet=(
            "VoiceId is not heard; MessageFeedbackEnabled is ignored; SSML is looked at from "
            "outside only. UNVERIFIED: which events come before a busy and a failed call, that "
            "opt-out lists hold for voice"
        ),
    )
    async def send_voice_message(self, call: Call) -> dict[str, Any]:
        """SendVoiceMessage."""
        spoken = accept_voice(self._state, call)
        if not call.params.get("DryRun"):
            self._state.line.take(spoken)
        return {"MessageId": spoken.message_id}

    def _sent(self, call: Call, sent: Sent) -> dict[str, Any]:
        if not call.params.get("DryRun"):
            self._state.carrier.take(sent)
        return {"MessageId": sent.message_id}
