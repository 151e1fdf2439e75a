"""What a test can turn about outbound calls; the section is called `voice`."""

from __future__ import annotations

from pydantic import Field

from simulator.knobs import KnobSection


class VoiceKnobs(KnobSection):
    """Time and quotas of calls. Defaults are AWS's, where AWS documents them, but for the time."""

    time_scale: float = Field(default=0.01, ge=0, le=1)
    """How long a second of a call takes: rings, prompts, keys, talks. A real one is 1."""
    dial_after_s: float = Field(default=0.5, ge=0)
    """From the request to the first ring, in a call's seconds, as all below."""
    prompt_s: float = Field(default=4, ge=0)
    detection_s: float = Field(default=3, ge=0)
    """How long answering-machine detection listens."""

    concurrent_calls: int = Field(default=10, ge=0)
    """Active calls per instance. One more is taken and ends with a fast busy (service quota)."""
    concurrent_campaign_calls: int = Field(default=0, ge=0)
    """Zero until AWS raises it: TrafficType CAMPAIGN, which detection needs, is refused."""
    outbound_permitted: bool = True
    """Whether the instance may make calls at all."""
    blocked_prefixes: tuple[str, ...] = ("+447",)
    """Destinations that AWS has not allowed: UK mobiles are blocked by default."""
    contact_records: str | None = None
    """The SQS queue that gets a contact record of each call that is over, as an EventBridge pipe
    from Kinesis puts it there; None keeps them for the control API only."""
