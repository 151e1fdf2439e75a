"""What the other handlers tell, in their own words, arrives in the profile."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.handlers.profile_updates.updating import MAIL, PHONE, Updating
from workers.addresses import Channel
from workers.handlers.bounce_tracking.deps import AddressFact
from workers.handlers.bounce_tracking.standing import State
from workers.handlers.reminders.deps import ReminderResult
from workers.stores.address_records import Kind
from workers.stores.call_records import Result
from workers.tools import AddressTeller, ReminderTeller


async def test_a_bounced_address() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    since = worker.ago(hours=3)
    fact = AddressFact(
        channel=Channel.EMAIL,
        address=MAIL,
        state=State.INVALID,
        cause=Kind.HARD_BOUNCE,
        words="Permanent/NoEmail",
        since=since,
        until=None,
        revision=4,
    )
    await AddressTeller(worker.words).address_is(fact)
    assert worker.object("addresses", pat)["email"] == {
        "address": MAIL,
        "state": "invalid",
        "cause": "hard_bounce",
        "words": "Permanent/NoEmail",
        "since": "2026-03-02T09:00:00.000Z",
        "until": "",
    }


async def test_an_address_is_well_again_once_its_suppression_is_over() -> None:
    """Told then by the bounce itself, of whose record nothing has changed meanwhile."""
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    suppressed = AddressFact(
        channel=Channel.EMAIL,
        address=MAIL,
        state=State.SUPPRESSED,
        cause=Kind.SOFT_BOUNCE,
        words="Transient/MailboxFull",
        since=worker.ago(days=1),
        until=worker.ago(days=-6),
        revision=4,
    )
    await AddressTeller(worker.words).address_is(suppressed)
    assert worker.object("addresses", pat)["email"]["state"] == "suppressed"
    worker.clock.advance(6 * 86_400)
    over = replace(suppressed, state=State.OK, cause=None, words="", since=None, until=None)
    await AddressTeller(worker.words).address_is(over)
    told = worker.object("addresses", pat)["email"]
    assert told == {"address": MAIL, "state": "ok"} | dict.fromkeys(
        ("cause", "words", "since", "until"), ""
    )


async def test_a_reminders_result() -> None:
    worker = Updating()
    pat = worker.service.add(phone=PHONE)
    result = ReminderResult(
        reminder_id="visit-1",
        number=PHONE,
        customer_id=None,
        brand="Clinic",
        result=Result.CONFIRMED,
        detail="key_1",
        at=worker.ago(hours=1),
        appointment_at=None,
        calls=2,
    )
    await ReminderTeller(worker.words).reminder_ended(result)
    assert worker.object("reminder", pat) == {
        "id": "visit-1",
        "result": "confirmed",
        "at": "2026-03-02T11:00:00.000Z",
        "attempt": 2,
    }
