"""The mailboxes of the other side, from Python: for tests, demos and soaks."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import quote

from simulator.control_channel import ControlChannel
from simulator.services.ses.mailboxes import EVERY_ADDRESS, InMailbox, MailboxPlan


class Mailroom:
    """Typed methods over `/_simulator/ses`: `async with Mailroom(url)`.

    What is done with a mail raises ControlError 404 when it was never sent, and a click 409 when
    it has no link.
    """

    def __init__(self, url: str) -> None:
        self._channel = ControlChannel(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def plan(self, plan: MailboxPlan, *, address: str = EVERY_ADDRESS) -> None:
        """Say how an address, all of a `@domain`, or every mailbox takes mail from now on."""
        document = {"address": address, "plan": plan.model_dump()}
        await self._channel.call("PUT", "ses/mailboxes", document)

    async def clear(self) -> None:
        """Every mailbox takes its mail and nobody reads it."""
        await self._channel.call("DELETE", "ses/mailboxes")

    async def arrived(self, address: str, *, after: int = 0, wait_s: float = 0) -> list[InMailbox]:
        """What is in a mailbox past the first `after`, in order."""
        path = f"ses/mailboxes/{quote(address, safe='')}"
        found = await self._channel.call("GET", path, after=after, wait_s=wait_s)
        return [_mail(one) for one in found["mails"]]

    async def open(self, message_id: str) -> None:
        """Somebody opens a mail."""
        await self._channel.call("POST", f"ses/mails/{message_id}/open", {})

    async def click(self, message_id: str, link: str | None = None) -> None:
        """Somebody follows a link of it, the first if none is given."""
        await self._channel.call("POST", f"ses/mails/{message_id}/click", {"link": link})

    async def complain(
        self, message_id: str, address: str, *, feedback_type: str = "abuse"
    ) -> None:
        """Somebody complains of it, however late."""
        document = {"address": address, "feedback_type": feedback_type}
        await self._channel.call("POST", f"ses/mails/{message_id}/complain", document)

    async def bounce(self, message_id: str, address: str, plan: MailboxPlan | None = None) -> None:
        """It comes back, however late."""
        document: dict[str, Any] = {"address": address}
        if plan is not None:
            document["plan"] = plan.model_dump()
        await self._channel.call("POST", f"ses/mails/{message_id}/bounce", document)


def _mail(document: dict[str, Any]) -> InMailbox:
    headers = tuple((name, value) for name, value in document["headers"])
    return InMailbox(**{**document, "headers": headers})
