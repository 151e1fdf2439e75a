"""The knobs of SES; their section is called `ses`."""

from __future__ import annotations

from pydantic import Field

from simulator.knobs import KnobSection


class SesKnobs(KnobSection):
    """Times are from the acceptance of the mail; real mailboxes take seconds to days."""

    settled_after_ms: int = Field(default=30, ge=0)
    """Until the mailbox has it, or has refused it."""
    complained_after_ms: int = Field(default=60, ge=0)
    read_after_ms: int = Field(default=60, ge=0)
    """Until the first open; clicks follow."""
    delayed_ms: int = Field(default=60, ge=0)
    """Between the delay that is told and the end of it."""
    sends_per_s: float = Field(default=14, gt=0)
    """Recipients a second while rates are on; accounts differ."""
    sends_per_day: int = Field(default=50_000, ge=0)
    """Recipients in 24 hours, counted always."""
    sending_paused: bool = False
    account_suspended: bool = False
    sandbox: bool = False
    """Whether recipients must be verified too."""
