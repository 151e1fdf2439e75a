"""How a call went, by what Connect says of it and what the flow wrote down. Pure.

The flow's word comes first: the key that was pressed stands in the contact attribute `sb_answer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.contact_record import ContactRecord
from workers.clients.protocols import CallFacts
from workers.stores.call_records import CallRef, Result

ANSWER: Final = "sb_answer"
LEFT_MESSAGE: Final = "sb_left_message"
REMINDER: Final = "sb_reminder"
ATTEMPT: Final = "sb_attempt"

INVALID_NUMBER: Final = "invalid_number"
FINAL: Final = frozenset(
    {
        Result.CONFIRMED,
        Result.ANOTHER_TIME,
        Result.WANTS_AGENT,
        Result.TALKED_TO_AGENT,
        Result.OPTED_OUT,
    }
)
"""Answers: what ends the ladder."""

_ANSWERS: Final = {
    "confirmed": Result.CONFIRMED,
    "another_time": Result.ANOTHER_TIME,
    "agent": Result.WANTS_AGENT,
    "opted_out": Result.OPTED_OUT,
}
_DETECTED: Final = {
    "VOICEMAIL_BEEP": Result.MACHINE,
    "VOICEMAIL_NO_BEEP": Result.MACHINE,
    "FAX_MACHINE_DETECTED": Result.MACHINE,
    "AMD_UNANSWERED": Result.NO_ANSWER,
    "SIT_TONE_BUSY": Result.BUSY,
    "SIT_TONE_INVALID_NUMBER": Result.FAILED,
    "SIT_TONE_DETECTED": Result.FAILED,
}
"""What detection is sure of. HUMAN_ANSWERED, AMD_UNRESOLVED and new words prove nothing more than
that somebody picked up, which is known anyhow (administrator guide, "AMD statuses")."""
_REASONS: Final = {
    "TELECOM_BUSY": Result.BUSY,
    "TELECOM_UNANSWERED": Result.NO_ANSWER,
    "TELECOM_TIMEOUT": Result.NO_ANSWER,
}
_INVALID: Final = frozenset({"TELECOM_NUMBER_INVALID", "SIT_TONE_INVALID_NUMBER"})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call went, and the source's word for it."""

    result: Result
    detail: str


def ended(facts: CallFacts) -> Ended:
    """The result of a call that is over."""
    words = [word.upper() for word in (facts.detection, facts.disconnect_reason) if word]
    detail = INVALID_NUMBER if _INVALID & {*words} else "_".join(words[-1:]).lower() or "unsaid"
    return Ended(_result(facts), detail)


def _result(facts: CallFacts) -> Result:
    answer = _ANSWERS.get(facts.attributes.get(ANSWER, "").strip().lower())
    if answer is Result.OPTED_OUT:
        return answer
    if facts.has_met_agent:
        return Result.TALKED_TO_AGENT
    if answer is not None:
        return answer
    detected = _DETECTED.get((facts.detection or "").upper())
    if detected is not None:
        return detected
    if facts.is_answered:
        return Result.MACHINE if facts.attributes.get(LEFT_MESSAGE) else Result.HUMAN
    return _REASONS.get((facts.disconnect_reason or "").upper(), Result.FAILED)


def facts_of(record: ContactRecord) -> CallFacts:
    """What a contact record says of a call."""
    agent = record.agent
    return CallFacts(
        is_over=record.disconnect_timestamp is not None,
        attributes=record.attributes,
        disconnect_reason=record.disconnect_reason,
        detection=record.answering_machine_detection_status,
        is_answered=record.connected_to_system_timestamp is not None,
        has_met_agent=agent is not None and agent.connected_to_agent_timestamp is not None,
        ended_at=record.disconnect_timestamp,
    )


def ref_of_attributes(attributes: Mapping[str, str]) -> CallRef | None:
    """Which call a contact is, by the attributes that we gave it; None for one of others."""
    rid, number = attributes.get(REMINDER, ""), attributes.get(ATTEMPT, "")
    return CallRef(rid, int(number)) if rid and number.isascii() and number.isdigit() else None
