"""A thousand mails, what people do with them, and what their profiles must say then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiobotocore.session import get_session

from demo.act_two.account import DOMAIN, MAIL_SET
from infra.local.world import World
from simulator.services.customer_profiles.client import ProfilesView, SeenProfile
from simulator.services.ses.client import Mailroom
from simulator.services.ses.mailboxes import MailboxPlan

OFFER = "Autumn check-up"
SENDER = "Northwind Clinic <news@northwind.example>"
HTML = '<p>Time for your check-up?</p><a href="https://northwind.example/book">Book</a>'
AT_ONCE = 4
PATIENCE_S = 40.0
LOOK_EVERY_S = 2.0
PROFILES = f'\n[profiles]\ndomain = "{DOMAIN}"\nwindow_s = 2\n'
"""What the brands' file lacks for this act."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What some customers do with their mail, by the domain of their mailboxes."""

    domain: str
    count: int
    plan: MailboxPlan
    opened: int = 0
    clicked: int = 0
    state: str = "ok"
    """Of the address, afterwards."""


KINDS = (
    Kind("quiet.example", 700, MailboxPlan()),
    Kind("reads.example", 190, MailboxPlan(opens=1), opened=1),
    Kind("books.example", 80, MailboxPlan(opens=2, clicks=1), opened=1, clicked=1),
    Kind("gone.example", 20, MailboxPlan(behaviour="bounce"), state="invalid"),
    Kind("full.example", 6, MailboxPlan(behaviour="bounce", bounce_sub_type="MailboxFull")),
    Kind("cross.example", 4, MailboxPlan(behaviour="complaint"), state="suppressed"),
)
SHOWN = ("customer0@books.example", "customer0@gone.example", "customer0@cross.example")
CUSTOMERS: Mapping[str, Kind] = {
    f"customer{number}@{kind.domain}": kind for kind in KINDS for number in range(kind.count)
}


@dataclass
class Seen:
    """What was found: profiles by address, before and after, and what is suppressed."""

    before: Mapping[str, SeenProfile] = field(default_factory=dict)
    after: Mapping[str, SeenProfile] = field(default_factory=dict)
    suppressed: frozenset[str] = frozenset()

    def faults(self) -> list[str]:
        """What is not as it must be."""
        wrong = [address for address in CUSTOMERS if not self.is_right(address)]
        found = [f"the profile of {address} is not right" for address in wrong[:5]]
        if len(wrong) > len(found):
            found.append(f"nor are {len(wrong) - len(found)} others")
        left_alone = {address for address, kind in CUSTOMERS.items() if kind.state != "ok"}
        if self.suppressed != left_alone:
            found.append(f"{len(self.suppressed)} addresses are suppressed, not {len(left_alone)}")
        return found

    def is_right(self, address: str) -> bool:
        """Whether somebody's profile says what this customer did."""
        kind, says = CUSTOMERS[address], engagement(self.after.get(address))
        counted = (says.get("opened", 0), says.get("clicked", 0))
        told = state(self.after.get(address))
        return counted == (kind.opened, kind.clicked) and told == kind.state


def engagement(profile: SeenProfile | None) -> Mapping[str, Any]:
    """What a profile says of somebody's mails."""
    found: Mapping[str, Any] = _object(profile, "engagement").get("email", {})
    return found


def state(profile: SeenProfile | None) -> str:
    """Of the address."""
    told = _object(profile, "addresses").get("email")
    return "ok" if told is None else str(told["state"])


def _object(profile: SeenProfile | None, kind: str) -> Mapping[str, Any]:
    objects = profile.objects if profile is not None else ()
    return next((one.content for one in objects if one.type == f"switchboard-{kind}"), {})


async def play(world: World) -> Seen:
    """Send the mails and wait until the profiles say what came of them, or patience ends."""
    seen = Seen()
    async with Mailroom(world.simulator_url) as mailroom, ProfilesView(world.simulator_url) as view:
        for kind in KINDS:
            await mailroom.plan(kind.plan, address=f"@{kind.domain}")
        seen.before = by_address(await view.profiles(DOMAIN))
        await _send(world)
        async with asyncio.timeout(PATIENCE_S) as patience:
            try:
                while not seen.after or seen.faults():
                    await asyncio.sleep(LOOK_EVERY_S)
                    seen.after = by_address(await view.profiles(DOMAIN))
                    if all(map(seen.is_right, CUSTOMERS)):
                        seen.suppressed = await _suppressed(world)
            except TimeoutError:
                if not patience.expired():
                    raise
    return seen


def by_address(profiles: Iterable[SeenProfile]) -> Mapping[str, SeenProfile]:
    """Profiles by the address in them."""
    return {profile.fields["EmailAddress"]: profile for profile in profiles}


async def _send(world: World) -> None:
    """Every mail by a SendEmail of its own."""
    left = iter(CUSTOMERS)
    client = get_session().create_client("sesv2", **world.aws.client_arguments("SESV2"))

    async def send_the_rest() -> None:
        for address in left:
            await sesv2.send_email(
                FromEmailAddress=SENDER,
                Destination={"ToAddresses": [address]},
                Content={"Simple": {"Subject": {"Data": OFFER}, "Body": {"Html": {"Data": HTML}}}},
                ConfigurationSetName=MAIL_SET,
                EmailTags=[{"Name": "offer", "Value": "autumn-check-up"}],
            )

    async with client as sesv2:
        await asyncio.gather(*(send_the_rest() for _ in range(AT_ONCE)))


async def _suppressed(world: World) -> frozenset[str]:
    said = await world.switchboard("suppressions", "list", "--json", "--full")
    if said.status:
        raise RuntimeError(said.err)
    return frozenset(row["address"] for row in json.loads(said.out)["suppressions"])
