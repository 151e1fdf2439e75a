"""How a call went: one row for each word that Connect or the flow may have for it."""

from __future__ import annotations

import pytest

from schemas.contact_record import ContactRecord, RecordedAgent
from tests.unit.handlers.reminders.office import BEGIN
from workers.clients.protocols import CallFacts
from workers.handlers.reminders.results import ended, facts_of, ref_of_attributes
from workers.stores.call_records import CallRef, Result

ANSWERED = {"is_answered": True, "disconnect_reason": "CUSTOMER_DISCONNECT"}


def said(answer: str, **keys: object) -> dict[str, object]:
    return {**ANSWERED, "attributes": {"sb_answer": answer}, **keys}


@pytest.mark.parametrize(
    ("facts", "result", "detail"),
    [
        (said("confirmed"), Result.CONFIRMED, "customer_disconnect"),
        (said(" CONFIRMED "), Result.CONFIRMED, "customer_disconnect"),
        (said("another_time"), Result.ANOTHER_TIME, "customer_disconnect"),
        (said("agent"), Result.WANTS_AGENT, "customer_disconnect"),
        (said("agent", has_met_agent=True), Result.TALKED_TO_AGENT, "customer_disconnect"),
        (said("opted_out", has_met_agent=True), Result.OPTED_OUT, "customer_disconnect"),
        (said("dance"), Result.HUMAN, "customer_disconnect"),
        (ANSWERED, Result.HUMAN, "customer_disconnect"),
        ({**ANSWERED, "has_met_agent": True}, Result.TALKED_TO_AGENT, "customer_disconnect"),
        (
            {**ANSWERED, "attributes": {"sb_left_message": "yes"}},
            Result.MACHINE,
            "customer_disconnect",
        ),
        ({**ANSWERED, "detection": "VOICEMAIL_BEEP"}, Result.MACHINE, "customer_disconnect"),
        ({**ANSWERED, "detection": "VOICEMAIL_NO_BEEP"}, Result.MACHINE, "customer_disconnect"),
        ({**ANSWERED, "detection": "FAX_MACHINE_DETECTED"}, Result.MACHINE, "customer_disconnect"),
        ({**ANSWERED, "detection": "HUMAN_ANSWERED"}, Result.HUMAN, "customer_disconnect"),
        ({**ANSWERED, "detection": "AMD_UNRESOLVED"}, Result.HUMAN, "customer_disconnect"),
        ({**ANSWERED, "detection": "A_NEW_WORD"}, Result.HUMAN, "customer_disconnect"),
        ({"detection": "AMD_UNANSWERED"}, Result.NO_ANSWER, "amd_unanswered"),
        ({"detection": "SIT_TONE_BUSY"}, Result.BUSY, "sit_tone_busy"),
        ({"detection": "SIT_TONE_INVALID_NUMBER"}, Result.FAILED, "invalid_number"),
        ({"detection": "AMD_ERROR", "disconnect_reason": "TELECOM_BUSY"}, Result.BUSY,
         "telecom_busy"),
        ({"disconnect_reason": "TELECOM_BUSY"}, Result.BUSY, "telecom_busy"),
        ({"disconnect_reason": "TELECOM_UNANSWERED"}, Result.NO_ANSWER, "telecom_unanswered"),
        ({"disconnect_reason": "TELECOM_TIMEOUT"}, Result.NO_ANSWER, "telecom_timeout"),
        ({"disconnect_reason": "TELECOM_NUMBER_INVALID"}, Result.FAILED, "invalid_number"),
        ({"disconnect_reason": "TELECOM_POTENTIAL_BLOCKING"}, Result.FAILED,
         "telecom_potential_blocking"),
        ({"disconnect_reason": "OUTBOUND_RESOURCE_ERROR"}, Result.FAILED,
         "outbound_resource_error"),
        ({"disconnect_reason": "A_NEW_WORD"}, Result.FAILED, "a_new_word"),
        ({}, Result.FAILED, "unsaid"),
    ],
)  # fmt: skip
def test_one_row_for_each_word(facts: dict[str, object], result: Result, detail: str) -> None:
    found = ended(CallFacts(is_over=True, **facts))  # type: ignore[arg-type] # rows of a table
    assert (found.result, found.detail) == (result, detail)


def test_a_contact_record_says_the_same() -> None:
    record = ContactRecord(
        contact_id="c-1",
        attributes={"sb_answer": "agent"},
        agent=RecordedAgent(connected_to_agent_timestamp=BEGIN),
        connected_to_system_timestamp=BEGIN,
        disconnect_timestamp=BEGIN,
        disconnect_reason="AGENT_DISCONNECT",
    )
    facts = facts_of(record)
    assert facts.is_over
    assert facts.ended_at == BEGIN
    assert ended(facts).result is Result.TALKED_TO_AGENT


@pytest.mark.parametrize(
    ("attributes", "ref"),
    [
        ({"sb_reminder": "r", "sb_attempt": "2"}, CallRef("r", 2)),
        ({"sb_reminder": "r", "sb_attempt": "²"}, None),
        ({"sb_reminder": "r", "sb_attempt": "-1"}, None),
        ({"sb_reminder": "", "sb_attempt": "2"}, None),
        ({"sb_attempt": "2"}, None),
        ({}, None),
    ],
)
def test_a_contact_of_ours_is_known_by_its_attributes(
    attributes: dict[str, str], ref: CallRef | None
) -> None:
    assert ref_of_attributes(attributes) == ref
