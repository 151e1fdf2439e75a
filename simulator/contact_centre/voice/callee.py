"""Who answers a call: a plan for each number, and for each of its calls if wanted."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

EVERY_NUMBER = "*"
SILENT = "-"

Behaviour = Literal[
    "answers",
    "machine",
    "fax",
    "busy",
    "no_answer",
    "invalid",
    "unreachable",
    "blocked",
    "fails",
]
"""`fails` is a fault of the telephone network; `blocked` a carrier that bars our number."""
DISCONNECT_REASONS: dict[Behaviour, str] = {
    "busy": "TELECOM_BUSY",
    "no_answer": "TELECOM_UNANSWERED",
    "invalid": "TELECOM_NUMBER_INVALID",
    "unreachable": "TELECOM_TIMEOUT",
    "blocked": "TELECOM_POTENTIAL_BLOCKING",
    "fails": "TELECOM_PROBLEM",
}
"""Of calls that nobody and nothing answers (administrator guide, "Contact records data model")."""
CAMPAIGN_REASONS: dict[Behaviour, str] = {
    "busy": "OUTBOUND_DESTINATION_ENDPOINT_ERROR",
    "invalid": "OUTBOUND_DESTINATION_ENDPOINT_ERROR",
    "fails": "OUTBOUND_RESOURCE_ERROR",
}
"""What a contact event of a failed campaign call says; other failures are
OUTBOUND_ATTEMPT_FAILED. UNVERIFIED: which goes with which."""


class CalleePlan(BaseModel):
    """How one call goes on the other side. Times are in a call's seconds (knob `time_scale`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    behaviour: Behaviour = "answers"
    ring_s: float = Field(default=6, ge=0)
    """Until it is answered or busy; longer than the ring timeout is no answer."""
    keys: str = Field(default="", pattern=r"^[0-9*#-]*$")
    """One for each time the flow asks; `-` lets it ask in vain, as does the end of the keys."""
    key_after_s: float = Field(default=3, ge=0)
    hangs_up_after_s: float | None = Field(default=None, ge=0)
    """After the answer, whatever the flow does then."""
    listens_s: float = Field(default=60, ge=0)
    """How long a machine records."""
    patience_s: float = Field(default=300, ge=0)
    """How long the callee waits for an agent."""
    talks_s: float = Field(default=60, ge=0)
    """How long the talk with an agent lasts."""
    talk_ends_by: Literal["callee", "agent"] = "callee"
    detected: str | None = None
    """What answering-machine detection makes of it, where that is not what is true."""

    @property
    def is_answered(self) -> bool:
        """Whether anybody or anything picks up."""
        return self.behaviour not in DISCONNECT_REASONS

    def detection(self, *, awaits_prompt: bool) -> str:
        """AnsweringMachineDetectionStatus, as the service finds it.

        UNVERIFIED: the statuses of calls that are never answered but for busy and invalid ones.
        """
        if self.detected is not None:
            return self.detected
        return {
            "answers": "HUMAN_ANSWERED",
            "machine": "VOICEMAIL_BEEP" if awaits_prompt else "VOICEMAIL_NO_BEEP",
            "fax": "FAX_MACHINE_DETECTED",
            "busy": "SIT_TONE_BUSY",
            "invalid": "SIT_TONE_INVALID_NUMBER",
            "no_answer": "AMD_UNANSWERED",
            "unreachable": "AMD_UNANSWERED",
            "blocked": "SIT_TONE_DETECTED",
            "fails": "AMD_ERROR",
        }[self.behaviour]


class Callees:
    """The plans, and which call of a number is the next."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[CalleePlan, ...]] = {}
        self._called: dict[str, int] = {}

    def put(self, number: str, plans: tuple[CalleePlan, ...]) -> None:
        """Say how a number's next calls go, the last plan for all that follow."""
        self._plans[number] = plans
        self._called.pop(number, None)

    def clear(self) -> None:
        """Everybody answers again, presses nothing and listens."""
        self._plans.clear()
        self._called.clear()

    def next(self, number: str) -> CalleePlan:
        """The plan of the call that is made now."""
        plans = self._plans.get(number) or self._plans.get(EVERY_NUMBER) or (CalleePlan(),)
        place = self._called.get(number, 0)
        self._called[number] = place + 1
        return plans[min(place, len(plans) - 1)]
