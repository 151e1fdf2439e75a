"""What a voice message may say, to whom and how often.

Sources: botocore's text of SendVoiceMessage; End User Messaging User Guide, "Quotas".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.rates import Rate
from simulator.services.sms_voice import errors
from simulator.services.sms_voice.carrier import Spoken
from simulator.services.sms_voice.receipts import PRICE_PER_MINUTE_USD
from simulator.services.sms_voice.sending import clear
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call

_MAX_SPOKEN_CHARS = 3_000
_DAY_S = 24 * 3600
_DEFAULT_TIME_TO_LIVE_S = 259_200
_A_MINUTE = Rate("voice messages", 20 / 60, 20)
_TAG = re.compile(r"<[^>]*>")
_SSML = re.compile(r"\s*<speak[\s>].*</speak>\s*", re.DOTALL)


def accept_voice(state: SmsVoiceState, call: Call) -> Spoken:
    """Check one voice message and make the call of it. Nobody is called yet.

    Raises:
        AwsError: the first reason against it, in the order in which a fault can be told apart.
    """
    params = call.params
    body = _spoken(params)
    cleared = clear(state, params, "VOICE")
    _check_price(params)
    _check_count(state, cleared.destination)
    if state.world.knobs.frame.rates and not state.rates.take(_A_MINUTE):
        raise errors.throttled()
    configuration_set = cleared.configuration_set
    return Spoken(
        message_id=state.world.new_id(),
        origination=cleared.origin.shown,
        destination=cleared.destination,
        body=body,
        origination_country=cleared.origin.country,
        accepted_at=call.received_at,
        accepted_at_monotonic=state.world.clock.monotonic(),
        time_to_live_s=params.get("TimeToLive", _DEFAULT_TIME_TO_LIVE_S),
        configuration_set=configuration_set.name if configuration_set else None,
        context=dict(params.get("Context", {})),
    )


def _spoken(params: Mapping[str, Any]) -> str:
    """The body without its tags."""
    body = params.get("MessageBody")
    if body is None:
        raise errors.validation("MISSING_PARAMETER", "A message needs a MessageBody", "messageBody")
    if params.get("MessageBodyTextType") == "SSML":
        if not _SSML.fullmatch(body):
            message = "The body is not SSML in a speak element"
            raise errors.validation("INVALID_PARAMETER", message, "messageBody")
        body = _TAG.sub("", body)
    if len(body) > _MAX_SPOKEN_CHARS:
        message = "The message is longer than a voice message may be"
        raise errors.validation("MAXIMUM_SIZE_EXCEEDED", message, "messageBody")
    return str(body)


def _check_price(params: Mapping[str, Any]) -> None:
    limit = params.get("MaxPricePerMinute")
    if limit is not None and float(limit) < PRICE_PER_MINUTE_USD:
        message = "A minute would cost more than MaxPricePerMinute"
        raise errors.validation("PRICE_OVER_THRESHOLD", message, "maxPricePerMinute")


def _check_count(state: SmsVoiceState, destination: str) -> None:
    used = state.line.calls_within(destination, _DAY_S)
    if used >= state.knobs.voice_messages_per_recipient:
        message = "The destination was called as often as it may be in 24 hours"
        raise errors.quota("DAILY_DESTINATION_CALL_LIMIT", message)
