"""The mailboxes on the other side: how each takes mail, and what has come."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EVERY_ADDRESS = "*"
SIMULATOR_DOMAIN = "simulator.amazonses.com"

Behaviour = Literal["delivered", "bounce", "complaint", "delayed", "reject", "silent", "auto_reply"]
_BOUNCE_TYPES = {
    "General": "Permanent",
    "NoEmail": "Permanent",
    "Suppressed": "Permanent",
    "MailboxFull": "Transient",
    "MessageTooLarge": "Transient",
    "ContentRejected": "Transient",
    "AttachmentRejected": "Transient",
    "Undetermined": "Undetermined",
}
_SMTP = {
    "General": ("5.1.1", "smtp; 550 5.1.1 user unknown"),
    "NoEmail": ("5.1.1", "smtp; 550 5.1.1 the mailbox does not exist"),
    "Suppressed": ("5.1.1", "Amazon SES did not send the message: the address is suppressed"),
    "MailboxFull": ("4.2.2", "smtp; 452 4.2.2 the mailbox is full"),
    "MessageTooLarge": ("5.3.4", "smtp; 552 5.3.4 the message is too large"),
    "ContentRejected": ("5.7.1", "smtp; 554 5.7.1 the content is not accepted"),
    "AttachmentRejected": ("5.7.1", "smtp; 554 5.7.1 the attachment is not accepted"),
}


class MailboxPlan(BaseModel):
    """How a mailbox takes its mails.

    `silent` has them and no event ever says so; `auto_reply` has them and answers that its owner
    is out of office, which SES takes for a bounce, Transient and General.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    behaviour: Behaviour = "delivered"
    bounce_sub_type: str = Field(default="General", pattern="^[A-Za-z]+$")
    bounce_type: Literal["Permanent", "Transient", "Undetermined"] | None = None
    """By its sub-type when None; General is Permanent then."""
    then: Literal["delivered", "bounce"] = "delivered"
    """How a delay ends."""
    delay_type: str = "TransientCommunicationFailure"
    feedback_type: Literal["abuse", "auth-failure", "fraud", "not-spam", "other", "virus"] = "abuse"
    opens: int = Field(default=0, ge=0, le=100)
    """How often it is opened once delivered; only HTML can be seen being opened."""
    clicks: int = Field(default=0, ge=0, le=100)
    """How many of the HTML's links are clicked, from the first on, again from the start."""

    @property
    def kind_of_bounce(self) -> str:
        """The bounceType."""
        return self.bounce_type or _BOUNCE_TYPES.get(self.bounce_sub_type, "Transient")

    @property
    def smtp(self) -> tuple[str, str] | None:
        """Status and diagnostic code; None where no mail server said anything."""
        if self.kind_of_bounce == "Transient" and self.bounce_sub_type == "General":
            return None
        return _SMTP.get(self.bounce_sub_type)


_SIMULATED = {
    "success": MailboxPlan(),
    "bounce": MailboxPlan(behaviour="bounce"),
    "ooto": MailboxPlan(behaviour="auto_reply"),
    "complaint": MailboxPlan(behaviour="complaint"),
    "suppressionlist": MailboxPlan(behaviour="bounce", bounce_sub_type="Suppressed"),
}
"""SES Developer Guide, "Using the mailbox simulator"; anything may follow a plus sign.

That an out-of-office reply comes as a Transient bounce, without a DSN, is from a user's captured
notifications of 2013; that the Delivery comes too is UNVERIFIED.
"""


def is_simulated(address: str) -> bool:
    """Whether it is one of SES's mailbox simulator: it never gets onto a suppression list."""
    return address.lower().endswith(f"@{SIMULATOR_DOMAIN}")


@dataclass(frozen=True, slots=True)
class InMailbox:
    """One mail that arrived."""

    place: int
    at: str
    message_id: str
    source: str
    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return asdict(self)


class Mailboxes:
    """All mailboxes. Addresses are compared without regard to case."""

    def __init__(self) -> None:
        self._plans: dict[str, MailboxPlan] = {}
        self._mails: dict[str, list[InMailbox]] = {}
        self._something_arrived = asyncio.Event()

    def put_plan(self, address: str, plan: MailboxPlan) -> None:
        """Say how an address, all of a `@domain`, or `*` takes mail from now on."""
        self._plans[address.lower()] = plan

    def clear_plans(self) -> None:
        """Every mailbox takes its mail again and nobody reads it."""
        self._plans.clear()

    def plan(self, address: str) -> MailboxPlan:
        """How an address takes mail."""
        address = address.lower()
        local, _, domain = address.rpartition("@")
        if is_simulated(address):
            return _SIMULATED.get(local.partition("+")[0], _SIMULATED["success"])
        for name in (address, f"@{domain}", EVERY_ADDRESS):
            if name in self._plans:
                return self._plans[name]
        return MailboxPlan()

    def arrived(self, address: str, after: int = 0) -> list[InMailbox]:
        """What is in a mailbox past the first `after`, in order."""
        return self._mails.get(address.lower(), [])[max(0, after) :]

    async def wait_arrived(self, address: str, after: int, timeout_s: float) -> list[InMailbox]:
        """As `arrived`, but waits up to `timeout_s` real seconds for something new."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := self.arrived(address, after)):
                    await self._something_arrived.wait()
        except TimeoutError:
            return []
        return found

    def put(self, address: str, mail: InMailbox) -> None:
        """A mail arrives."""
        self._mails.setdefault(address.lower(), []).append(mail)
        arrived, self._something_arrived = self._something_arrived, asyncio.Event()
        arrived.set()
