"""`[bounces]`: what bounces, complaints and receipts lead to."""

from __future__ import annotations

from pydantic import Field

from workers.brands import MessageClass, Named, Value


class BounceRules(Value):
    """How many soft bounces suppress an address and for how long, and who else is told."""

    soft_count: int = Field(
        default=3,
        ge=1,
        le=20,
        description="So many soft bounces (or unreachable phones) within `soft_window_days`"
        " suppress an address for a while; a delivery clears the count",
    )
    soft_window_days: int = Field(
        default=14, ge=1, le=90, description="The days within which soft bounces add up"
    )
    soft_suppress_days: int = Field(
        default=7, ge=1, le=365, description="How long such an address is left alone"
    )
    record_days: int = Field(
        default=400,
        ge=100,
        le=3_650,
        description="How long what is known of an address is kept after its last event. What"
        " suppresses it for good is kept for good",
    )
    class_tag: Named = Field(
        default="message_class",
        description="The SES message tag that says `transactional` or `promotional`",
    )
    email_classes: dict[str, MessageClass] = Field(
        default_factory=dict,
        description="The message class of mail without that tag, by SES configuration set. Mail of"
        " no known class counts as both: a complaint about it suppresses every class",
    )
    eventbridge_receipts: bool = Field(
        default=False,
        description="Remember for four days which number each text went to, so that receipts on"
        " EventBridge, which name none, say something. A write for each text",
    )
    ses_suppression_list: bool = Field(
        default=False,
        description="Put hard bounces and complaints on SES's account suppression list, too",
    )
    eum_opt_out_list: bool = Field(
        default=False,
        description="Put numbers that opted out, by what receipts tell, on the End User Messaging"
        " opt-out list of the brand that had texted them",
    )
