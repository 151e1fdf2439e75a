"""The knobs of End User Messaging; their section is called `sms_voice`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from simulator.knobs import KnobSection


class SmsVoiceKnobs(KnobSection):
    """Times are from the acceptance of the send; real carriers take seconds, tests need not."""

    pending_after_ms: int = Field(default=10, ge=0)
    settled_after_ms: int = Field(default=40, ge=0)
    """When the text is on the handset and the final receipt goes out."""
    pending_receipts: tuple[Literal["QUEUED", "PENDING", "SENT"], ...] = ("PENDING",)
    """TEXT_SENT is documented as not supported, yet it is in the model."""
    receipts_on_bus: bool = True
    text_spend_limit_reached: bool = False
    media_spend_limit_reached: bool = False
    voice_spend_limit_reached: bool = False
    voice_messages_per_recipient: int = Field(default=5, ge=0)
    """In 24 hours (service quota)."""
    voice_second_ms: int = Field(default=10, ge=0)
    """How long a second of a voice message's call takes."""
    opt_in_once_per_30_days: bool = True
    end_user_opt_in_refused: bool = False
    """Whether a number that the person itself put on the list may not be taken off."""
    publishes_opt_keywords: bool = True
    """Whether a text that hit a keyword of ours with action OPT_OUT or OPT_IN is published: not
    documented, and accounts differ."""
    sandbox: bool = False
    verified_numbers: tuple[str, ...] = ()
    """Whom a sandboxed account may text."""
