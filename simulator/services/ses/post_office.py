"""What becomes of an accepted mail: who gets it, who reads it, and the events that tell."""

from __future__ import annotations

import json
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

from simulator.ledger import iso
from simulator.services.ses import events
from simulator.services.ses.events import Mail
from simulator.services.ses.knobs import SesKnobs
from simulator.services.ses.mailboxes import InMailbox, Mailboxes, MailboxPlan, is_simulated
from simulator.services.ses.models import Account, Reason, Suppressed
from simulator.world import World

SERVICE = "sesv2"
KIND = "email_event"


class PostOffice:
    """Carries mails. Events of one mail to one recipient come in order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.account = Account()
        self.mailboxes = Mailboxes()
        self._mails: dict[str, Mail] = {}

    @property
    def knobs(self) -> SesKnobs:
        """The service's knobs as they stand."""
        return self._world.knobs.of(SesKnobs)

    def find(self, message_id: str) -> Mail | None:
        """A mail that was accepted."""
        return self._mails.get(message_id)

    def take(self, mail: Mail) -> None:
        """Carry an accepted mail on, in the background."""
        self._mails[mail.message_id] = mail
        if mail.letter.rendering_error is not None:
            failure = {
                "errorMessage": mail.letter.rendering_error,
                "templateName": mail.letter.template,
            }
            self._start(self._tell(mail, "Rendering Failure", failure))
            return
        plans = {address: self.mailboxes.plan(address) for address in mail.letter.recipients}
        if any(plan.behaviour == "reject" for plan in plans.values()):
            self._start(self._tell(mail, "Reject", {"reason": "Bad content"}))
            return
        self._start(self._send_off(mail, plans))

    def suppress(self, address: str, reason: Reason) -> None:
        """Put an address on the account's list by hand; what stood there is replaced."""
        now = self._world.clock.now()
        self.account.suppressed[address] = Suppressed(address, reason, now)

    async def open(self, mail: Mail) -> None:
        """Somebody opens it; seen in HTML only, and where tracking is on."""
        if mail.opens_seen and mail.letter.html:
            await self._tell(mail, "Open", events.opened(self._world.clock.now()))

    async def click(self, mail: Mail, link: str) -> None:
        """Somebody follows a link of it."""
        if mail.clicks_seen:
            await self._tell(mail, "Click", events.clicked(link, self._world.clock.now()))

    async def complain(self, mail: Mail, address: str, feedback_type: str = "abuse") -> None:
        """Somebody calls it spam. Everyone of that domain is named: SES cannot tell them apart."""
        domain = address.lower().rpartition("@")[2]
        named = [a for a in mail.letter.recipients if a.lower().rpartition("@")[2] == domain]
        feedback_id = _feedback_id()
        now = self._world.clock.now()
        found = events.complained(named, feedback_type, feedback_id, now)
        if feedback_type != "not-spam":
            self._suppress(mail, address, "COMPLAINT", feedback_id)
        await self._tell(mail, "Complaint", found)

    async def bounce(self, mail: Mail, address: str, plan: MailboxPlan) -> None:
        """A mail server refuses it, or gives up."""
        feedback_id = _feedback_id()
        found = events.bounced([address], plan, feedback_id, self._world.clock.now())
        is_hard = plan.kind_of_bounce == "Permanent" and plan.bounce_sub_type in (
            "General",
            "NoEmail",
        )
        if is_hard:
            self._suppress(mail, address, "BOUNCE", feedback_id)
        await self._tell(mail, "Bounce", found)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._world.tasks.start("mail", work)

    async def _send_off(self, mail: Mail, plans: Mapping[str, MailboxPlan]) -> None:
        await self._tell(mail, "Send", {})
        for address, plan in plans.items():
            self._start(self._carry(mail, address, plan))

    async def _carry(self, mail: Mail, address: str, plan: MailboxPlan) -> None:
        chosen = self.account.sets.get(mail.configuration_set or "")
        suppressed = self.account.suppression(address, chosen)
        if suppressed is not None:
            await self._hold_back(mail, address, suppressed)
            return
        await self._sleep(self.knobs.settled_after_ms)
        if plan.behaviour == "delayed":
            now = self._world.clock.now()
            await self._tell(mail, "DeliveryDelay", events.delayed(address, plan.delay_type, now))
            await self._sleep(self.knobs.delayed_ms)
        is_bounced = plan.behaviour == "bounce" or (
            plan.behaviour == "delayed" and plan.then == "bounce"
        )
        if is_bounced:
            await self.bounce(mail, address, plan)
        else:
            await self._deliver(mail, address, plan)

    async def _hold_back(self, mail: Mail, address: str, suppressed: Suppressed) -> None:
        """SES accepted it and does not send it: a list said so, for a bounce or a complaint."""
        now, listed = self._world.clock.now(), "OnAccountSuppressionList"
        if suppressed.reason == "COMPLAINT":
            found = events.complained([address], "", _feedback_id(), now, listed)
            await self._tell(mail, "Complaint", found)
            return
        plan = MailboxPlan(bounce_sub_type=listed, bounce_type="Permanent")
        await self._tell(mail, "Bounce", events.bounced([address], plan, _feedback_id(), now))

    async def _deliver(self, mail: Mail, address: str, plan: MailboxPlan) -> None:
        letter, now = mail.letter, self._world.clock.now()
        place = len(self.mailboxes.arrived(address)) + 1
        arrived = InMailbox(
            place,
            iso(now),
            mail.message_id,
            letter.source,
            letter.subject,
            letter.text,
            letter.html,
            letter.headers,
        )
        self.mailboxes.put(address, arrived)
        self._world.ledger.fact(
            SERVICE, "mail_arrived", address=address, message_id=mail.message_id
        )
        if plan.behaviour == "silent":
            return
        await self._tell(mail, "Delivery", events.delivered(address, mail.at, now))
        await self._read(mail, plan)
        if plan.behaviour == "complaint":
            await self._sleep(self.knobs.complained_after_ms)
            await self.complain(mail, address, plan.feedback_type)
        elif plan.behaviour == "auto_reply":
            await self.bounce(mail, address, MailboxPlan(bounce_type="Transient"))

    async def _read(self, mail: Mail, plan: MailboxPlan) -> None:
        if plan.opens or plan.clicks:
            await self._sleep(self.knobs.read_after_ms)
        for _ in range(plan.opens):
            await self.open(mail)
        links = mail.letter.links()
        for number in range(plan.clicks if links else 0):
            await self.click(mail, links[number % len(links)])

    def _suppress(self, mail: Mail, address: str, reason: Reason, feedback_id: str) -> None:
        if is_simulated(address) or reason not in self.account.suppressed_reasons:
            return
        now = self._world.clock.now()
        one = Suppressed(address, reason, now, mail.message_id, feedback_id)
        self.account.suppressed[address] = one
        self._world.ledger.fact(SERVICE, "address_suppressed", address=address, reason=reason)

    async def _sleep(self, milliseconds: int) -> None:
        await self._world.clock.sleep(milliseconds / 1000)

    async def _tell(self, mail: Mail, event_type: str, found: Mapping[str, Any]) -> None:
        member = events.MEMBERS[event_type]
        event = {"eventType": event_type, "mail": mail.as_event(), member: dict(found)}
        self._world.ledger.fact(
            SERVICE, "email_event", message_id=mail.message_id, event_type=event_type
        )
        chosen = self.account.sets.get(mail.configuration_set or "")
        for destination in list(chosen.destinations.values()) if chosen else []:
            if not destination.wants(events.API_NAMES[event_type]):
                continue
            if destination.topic_arn is not None:
                await self._publish(destination.topic_arn, event)
            elif destination.is_bus and chosen is not None:
                arn = self._world.arn("ses", f"configuration-set/{chosen.name}")
                detail_type = events.DETAIL_TYPES[event_type]
                await self._world.publisher.to_bus("aws.ses", detail_type, event, (arn,))
        await self._notify(mail, event_type, found)

    async def _notify(self, mail: Mail, event_type: str, found: Mapping[str, Any]) -> None:
        identity = self.account.identity(mail.letter.sender)
        topic = identity.topics.get(event_type) if identity is not None else None
        if identity is None or topic is None or event_type not in events.NOTIFIED:
            return
        notification = {
            "notificationType": event_type,
            events.MEMBERS[event_type]: dict(found),
            "mail": mail.as_notification(with_headers=identity.with_headers),
        }
        await self._publish(topic, notification)

    async def _publish(self, topic: str, document: Mapping[str, Any]) -> None:
        message = json.dumps(document, ensure_ascii=False)
        await self._world.publisher.to_topic(topic, message, {}, KIND)


def _feedback_id() -> str:
    return f"010001{uuid.uuid4().hex[:10]}-{uuid.uuid4()}-000000"
