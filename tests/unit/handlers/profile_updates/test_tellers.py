"""What the other handlers tell, in their own words, arrives in the profile."""

from __future__ import annotations

from tests.unit.handlers.profile_updates.updating import MAIL, PHONE, Updating
from workers.addresses import Channel
from workers.bootstrap import AddressTeller, ReminderTeller
from workers.handlers.bounce_tracking.deps import AddressFact
from workers.handlers.bounce_tracking.standing import State
from workers.handlers.reminders.deps import ReminderResult
from workers.stores.address_records import Kind
from workers.stores.call_records import Result


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
