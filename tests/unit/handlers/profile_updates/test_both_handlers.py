"""What concerns bounce tracking and profiles reaches both, once each, in one message's life."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from schemas.timestamps import to_ms
from tests.unit.handlers.bounce_tracking.tracking import Tracking
from tests.unit.handlers.profile_updates.updating import (
    MAIL,
    PHONE,
    RULES,
    Updating,
    channel_call,
    ses,
)
from workers.config import BounceRules
from workers.errors import AccountProblem, Throttled
from workers.handlers.profile_updates.door import Told
from workers.routing import Doors, Router
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Batched, Item, Job
from workers.runtime.outcome import Defer, Discard, Done, Outcome, Wait

if TYPE_CHECKING:
    from schemas.sms_voice import InboundSms


@dataclass
class Relay:
    """The chat relay, as far as anybody here needs one."""

    taken: list[str] = field(default_factory=list)
    says: Outcome = field(default_factory=Done)

    async def handle(self, event: InboundSms, *_: Any) -> Outcome:
        self.taken.append(getattr(event, "message_body", ""))
        return self.says


class Worker:
    """One worker's router over both handlers."""

    def __init__(self, *, writes_profiles: bool = True, bounces: BounceRules | None = None) -> None:
        self.tracking, self.relay = Tracking(bounces), Relay()
        self.updating = Updating(RULES)
        doors: dict[str, Any] = dict.fromkeys(("stream", "contacts", "commands", "opt_out_sync"))
        self.router = Router(
            Doors(
                inbound=cast("Any", self.relay),
                receipts=cast("Any", Relay(says=Discard("not_ours"))),
                bounces=self.tracking.door,
                profiles=self.updating.door if writes_profiles else None,
                **doors,
            )
        )

    def job(self, document: Mapping[str, Any]) -> tuple[Job, Delivery]:
        """A message as the runtime plans it."""
        delivery = replace(self.updating.item(document).delivery, body=json.dumps(document))
        job = self.router.plan(delivery)
        assert isinstance(job, Job), job
        return job, delivery

    async def take(self, document: Mapping[str, Any]) -> Told:
        """Through to its outcome, alone in its batch."""
        job, delivery = self.job(document)
        if not isinstance(job.run, Batched):
            return await job.run(delivery)
        item = Item(job.run.event, delivery)
        return (await job.run.handle([item]))[item]


async def test_a_failed_text_is_a_stage_now_and_comes_back_when_its_suppression_ends() -> None:
    worker = Worker(bounces=BounceRules(soft_count=1))
    pat = worker.updating.service.add(phone=PHONE)
    at = worker.updating.ago(hours=1)
    failed = {
        "eventType": "TEXT_UNREACHABLE",
        "messageStatus": "UNREACHABLE",
        "messageId": "t-1",
        "isFinal": True,
        "eventTimestamp": to_ms(at),
        "destinationPhoneNumber": PHONE,
        "originationPhoneNumber": "+12065550190",
    }
    for _ in range(2):
        assert await worker.take(failed) == Defer(at + timedelta(days=7), "suppression_ends")
    assert worker.updating.object("engagement", pat)["sms"]["sent"] == 1


async def test_a_delivery_is_evidence_and_engagement() -> None:
    worker = Worker()
    pat = worker.updating.service.add(email=MAIL)
    arrived = ses("Delivery", at=worker.updating.ago(hours=1))
    for _ in range(2):
        assert await worker.take(arrived) == Done()
    record = await worker.tracking.record(MAIL)
    assert record is not None
    assert sum(record.counts.values()) == 1
    assert worker.updating.object("engagement", pat)["email"]["delivered"] == 1


async def test_a_message_that_profiles_cannot_finish_comes_back_to_both() -> None:
    worker = Worker()
    pat = worker.updating.service.add(email=MAIL)
    worker.updating.service.failures["put"] = [Throttled("throttled", after_s=2.0)]
    arrived = ses("Delivery", at=worker.updating.ago(hours=1))
    job, delivery = worker.job(arrived)
    assert isinstance(job.run, Batched)
    item = Item(job.run.event, delivery)
    assert await job.run.handle([item]) == {item: Wait("throttled", 2.0)}
    worker.updating.clock.advance(2)
    assert await job.run.handle([item]) == {item: Done()}
    record = await worker.tracking.record(MAIL)
    assert record is not None
    assert sum(record.counts.values()) == 1
    assert worker.updating.object("engagement", pat)["email"]["delivered"] == 1


async def test_a_stranger_to_profiles_is_evidence_all_the_same() -> None:
    worker = Worker()
    assert await worker.take(ses("Delivery", at=worker.updating.ago(hours=1))) == Done()
    assert await worker.tracking.record(MAIL) is not None
    opened = ses("Open", at=worker.updating.ago(hours=1))
    assert await worker.take(opened) == Discard("customer_unknown")


async def test_without_profiles_each_event_is_handled_by_itself() -> None:
    worker = Worker(writes_profiles=False)
    job, _ = worker.job(ses("Delivery", at=worker.updating.ago(hours=1)))
    assert not isinstance(job.run, Batched)


async def test_an_answer_is_relayed_first_and_waits_for_no_batch_and_no_window() -> None:
    worker = Worker()
    pat = worker.updating.service.add(phone=PHONE)
    answer = {
        "originationNumber": PHONE,
        "destinationNumber": "+12065550199",
        "messageKeyword": "K",
        "messageBody": "yes",
        "inboundMessageId": "in-1",
        "previousPublishedMessageId": "t-1",
    }
    job, delivery = worker.job(answer)
    assert not isinstance(job.run, Batched)
    worker.updating.service.failures["search"] = [AccountProblem("access_denied")]
    try:
        await job.run(delivery)
    except AccountProblem:
        assert worker.relay.taken == ["yes"]
    assert await job.run(delivery) == Done()
    record = await worker.updating.people.find(pat)
    assert record is not None
    assert len(record.state.channels) == 1


async def test_a_call_of_the_offer_channel_is_for_profiles_alone() -> None:
    worker = Worker()
    pat = worker.updating.service.add(customer_id="u-4")
    assert await worker.take(channel_call("false", at=worker.updating.ago(hours=1))) == Done()
    assert worker.updating.object("offers", pat)["last"]["viewed"] == "false"
