"""The mailboxes, for tests: routes under `/_simulator/ses`."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from simulator.control import number_of, read_document, wait_s_of
from simulator.services.ses.events import Mail
from simulator.services.ses.mailboxes import EVERY_ADDRESS, MailboxPlan
from simulator.services.ses.post_office import PostOffice


class MailboxOrder(BaseModel):
    """How an address, all of a `@domain`, or `*` takes mail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = EVERY_ADDRESS
    plan: MailboxPlan


class Reading(BaseModel):
    """What somebody does with a mail: opens it, or clicks a link; complains, by address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link: str | None = None


class Complaining(BaseModel):
    """Who calls it spam, or what else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    feedback_type: str = "abuse"


class Bouncing(BaseModel):
    """Whose mail server sends it back late."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    plan: MailboxPlan = MailboxPlan(behaviour="bounce")


class SesControl:
    """Handlers over the post office."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office

    def routes(self) -> tuple[web.RouteDef, ...]:
        """All of them."""
        at = "/_simulator/ses"
        one = f"{at}/mails/{{id}}"
        return (
            web.put(f"{at}/mailboxes", self.put_plan),
            web.delete(f"{at}/mailboxes", self.clear_plans),
            web.get(f"{at}/mailboxes/{{address}}", self.list_arrived),
            web.post(f"{one}/open", self.open),
            web.post(f"{one}/click", self.click),
            web.post(f"{one}/complain", self.complain),
            web.post(f"{one}/bounce", self.bounce),
        )

    async def put_plan(self, request: web.Request) -> web.Response:
        """Say how mailboxes take mail from now on."""
        order = await read_document(request, MailboxOrder)
        self._office.mailboxes.put_plan(order.address, order.plan)
        return web.json_response({})

    async def clear_plans(self, _: web.Request) -> web.Response:
        """Every mailbox takes its mail and nobody reads it."""
        self._office.mailboxes.clear_plans()
        return web.json_response({})

    async def list_arrived(self, request: web.Request) -> web.Response:
        """What is in a mailbox past the first `after`; waits up to `wait_s`."""
        mails = await self._office.mailboxes.wait_arrived(
            request.match_info["address"],
            int(number_of(request, "after")),
            wait_s_of(request, "wait_s"),
        )
        return web.json_response({"mails": [mail.as_json() for mail in mails]})

    async def open(self, request: web.Request) -> web.Response:
        """Somebody opens a mail."""
        await self._office.open(self._mail(request))
        return web.json_response({})

    async def click(self, request: web.Request) -> web.Response:
        """Somebody follows a link: the one given, or the first."""
        mail, reading = self._mail(request), await read_document(request, Reading)
        links = [reading.link] if reading.link else mail.letter.links()
        if not links:
            raise web.HTTPConflict
        await self._office.click(mail, links[0])
        return web.json_response({})

    async def complain(self, request: web.Request) -> web.Response:
        """Somebody complains of a mail, however late."""
        mail, order = self._mail(request), await read_document(request, Complaining)
        await self._office.complain(mail, order.address, order.feedback_type)
        return web.json_response({})

    async def bounce(self, request: web.Request) -> web.Response:
        """A mail comes back, however late."""
        mail, order = self._mail(request), await read_document(request, Bouncing)
        await self._office.bounce(mail, order.address, order.plan)
        return web.json_response({})

    def _mail(self, request: web.Request) -> Mail:
        found = self._office.find(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found
