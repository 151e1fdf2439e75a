"""An operator's word: added, lifted, listed, and always written down first."""

from __future__ import annotations

import pytest

from tests.unit.handlers.bounce_tracking.tracking import MAIL, PHONE, Tracking, bounce, receipt
from workers.addresses import Channel
from workers.brands import MessageClass
from workers.handlers.bounce_tracking.desk import SuppressionDesk
from workers.handlers.bounce_tracking.standing import State
from workers.stores.address_health import AddressBook
from workers.stores.address_records import Kind
from workers.stores.audit import AuditTrail
from workers.stores.memory import MemorySuppressions, MemoryTable, memory_keys
from workers.stores.protocols import Suppression
from workers.stores.suppressions import OptOutBook

TRANSACTIONAL, PROMOTIONAL = MessageClass
ANNA = {"by": "anna on ops-1", "reason": "asked by phone"}


class Office:
    """A desk over the stores of a worker's bounce tracking."""

    def __init__(self) -> None:
        self.tracking = Tracking()
        self.suppressions = MemorySuppressions()
        keys = memory_keys()
        self.desk = SuppressionDesk(
            health=self.tracking.health,
            addresses=AddressBook(self.tracking.health.table, keys),
            opt_outs=OptOutBook(self.suppressions.table, keys),
            suppressions=self.suppressions,
            trail=AuditTrail(MemoryTable(), keys),
            rules=self.tracking.rules,
            clock=self.tracking.clock,
        )

    async def opt_out(self, number: str = PHONE) -> None:
        stop = Suppression("opted_out", self.tracking.clock.now(), "text.x1")
        await self.suppressions.add("Clinic", number, None, stop)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_an_operators_word_holds_for_its_class_until_it_is_lifted(office: Office) -> None:
    desk, tracking = office.desk, office.tracking
    assert await desk.add(Channel.EMAIL, MAIL, PROMOTIONAL, **ANNA)
    assert not await desk.add(Channel.EMAIL, MAIL, PROMOTIONAL, **ANNA)
    found = await tracking.standing()
    assert found.against(PROMOTIONAL) is not None
    assert found.against(TRANSACTIONAL) is None
    tracking.clock.advance(1)
    lifted = await desk.lift(Channel.EMAIL, MAIL, (), with_opt_outs=False, **ANNA)
    assert [hold.cause for hold in lifted.before.holds] == [Kind.ADDED]
    assert (await tracking.standing()).state is State.OK
    tracking.clock.advance(1)
    assert await desk.add(Channel.EMAIL, MAIL, PROMOTIONAL, **ANNA)


async def test_what_is_lifted_stays_lifted_when_an_old_event_comes_late(office: Office) -> None:
    tracking = office.tracking
    await tracking.take(bounce(at=tracking.ago(hours=5)))
    await office.desk.lift(Channel.EMAIL, MAIL, (), with_opt_outs=False, **ANNA)
    await tracking.take(bounce(at=tracking.ago(hours=4), message="late"))
    assert (await tracking.standing()).state is State.OK
    tracking.clock.advance(60)
    await tracking.take(bounce(at=tracking.ago(), message="new"))
    assert (await tracking.standing()).state is State.INVALID


async def test_an_opt_out_stays_unless_it_is_named(office: Office) -> None:
    await office.opt_out()
    left = await office.desk.lift(Channel.SMS, PHONE, ("Clinic",), with_opt_outs=False, **ANNA)
    assert left.opt_outs_left == ("Clinic",)
    gone = await office.desk.lift(Channel.SMS, PHONE, ("Clinic",), with_opt_outs=True, **ANNA)
    assert gone.opt_outs_removed == ("Clinic",)
    assert await office.suppressions.find("Clinic", PHONE, TRANSACTIONAL) is None


async def test_the_list_has_addresses_and_opt_outs(office: Office) -> None:
    tracking = office.tracking
    await office.opt_out()
    await tracking.take(bounce("Permanent", "NoEmail", at=tracking.ago()))
    await tracking.take(receipt("DELIVERED", at=tracking.ago(), messageId="ok"))
    found = {(one.channel, one.address, one.cause, one.words) async for one in office.desk.each()}
    assert found == {
        (Channel.EMAIL, MAIL, "hard_bounce", "Permanent/NoEmail"),
        (Channel.SMS, PHONE, "opted_out", "text"),
    }


async def test_who_when_and_why_is_kept_sealed(office: Office) -> None:
    await office.desk.add(Channel.EMAIL, MAIL, None, **ANNA)
    await office.desk.lift(Channel.EMAIL, MAIL, (), with_opt_outs=False, **ANNA)
    now = office.tracking.clock.now()
    acts = await office.desk.trail.of_month(now.year, now.month)
    assert {(a.act, a.by, a.reason, a.address, a.at) for a in acts} == {
        ("suppression_added", "anna on ops-1", "asked by phone", MAIL, now),
        ("suppression_removed", "anna on ops-1", "asked by phone", MAIL, now),
    }
