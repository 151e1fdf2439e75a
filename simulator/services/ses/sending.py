"""Who may send what: every refusal of SendEmail that the model itself does not make.

Sources: botocore's text of SendEmail; SES Developer Guide, "Service quotas", "Verified identities".
"""

from __future__ import annotations

import re
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

from simulator.rates import Rate, RateLimiter
from simulator.services.ses import errors
from simulator.services.ses.composing import Letter, compose
from simulator.services.ses.events import Mail
from simulator.services.ses.knobs import SesKnobs
from simulator.services.ses.mailboxes import is_simulated
from simulator.services.ses.models import Account, ConfigurationSet
from simulator.wire import AwsError, Call
from simulator.world import World

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_DAY_S = 24 * 3600


class Sending:
    """Checks mails, and counts them against the account's quotas."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rates = RateLimiter(world.clock)
        self._sent_at: deque[float] = deque()

    def accept(self, account: Account, call: Call) -> Mail:
        """The mail of a request; it counts against the quotas from now on.

        Raises:
            AwsError: as SendEmail refuses it.
        """
        params, knobs = call.params, self._world.knobs.of(SesKnobs)
        _check_account(knobs)
        name = params.get("ConfigurationSetName")
        chosen = account.configuration_set(name) if name else None
        if chosen is not None and not chosen.is_sending:
            raise _paused("Email sending is disabled for this configuration set.")
        tags = _tags(params)
        letter = compose(account, params)
        _check_verified(account, letter, knobs, self._world.settings.region)
        self._count(len(letter.recipients), knobs)
        return self._mail(call, letter, chosen, tags)

    def _mail(
        self,
        call: Call,
        letter: Letter,
        chosen: ConfigurationSet | None,
        tags: dict[str, list[str]],
    ) -> Mail:
        tracking = call.params.get("ConfigurationOverrides", {}).get("Tracking", {})
        return Mail(
            message_id=f"010001{uuid.uuid4().hex[:10]}-{uuid.uuid4()}-000000",
            letter=letter,
            at=call.received_at,
            account_id=self._world.settings.account_id,
            region=self._world.settings.region,
            configuration_set=chosen.name if chosen else None,
            tags=tags,
            opens_seen=tracking.get("OpenTrackingEnabled") != "DISABLED",
            clicks_seen=tracking.get("ClickTrackingEnabled") != "DISABLED",
        )

    def _count(self, recipients: int, knobs: SesKnobs) -> None:
        now = self._world.clock.monotonic()
        while self._sent_at and self._sent_at[0] <= now - _DAY_S:
            self._sent_at.popleft()
        if len(self._sent_at) + recipients > knobs.sends_per_day:
            # UNVERIFIED: SES v1 throttles here; v2's model has both errors.
            raise AwsError("LimitExceededException", "Daily message quota exceeded.")
        rate = Rate("ses recipients", knobs.sends_per_s, max(1.0, knobs.sends_per_s))
        needed = min(float(recipients), rate.burst)
        if self._world.knobs.frame.rates and not self._rates.take(rate, needed):
            raise AwsError("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        self._sent_at.extend([now] * recipients)


def _check_account(knobs: SesKnobs) -> None:
    if knobs.account_suspended:
        raise AwsError("AccountSuspendedException", "The account is suspended.")
    if knobs.sending_paused:
        raise _paused("Email sending is disabled for your account.")


def _paused(message: str) -> AwsError:
    return AwsError("SendingPausedException", message)


def _tags(params: Mapping[str, Any]) -> dict[str, list[str]]:
    """EmailTags by name, each with a list of values as events show them."""
    found: dict[str, list[str]] = {}
    for tag in params.get("EmailTags", ()):
        if not (_TAG.fullmatch(tag["Name"]) and _TAG.fullmatch(tag["Value"])):
            raise errors.bad_request(
                "EmailTags: only ASCII letters, digits, underscores and dashes, 256 at most"
            )
        found.setdefault(tag["Name"], []).append(tag["Value"])
    return found


def _check_verified(account: Account, letter: Letter, knobs: SesKnobs, region: str) -> None:
    if account.identities is None:
        return
    wanted = [letter.sender]
    if knobs.sandbox:
        wanted += [address for address in letter.recipients if not is_simulated(address)]
    failed = [address for address in wanted if account.identity(address) is None]
    if failed:
        raise errors.rejected(
            "Email address is not verified. The following identities failed the check in region "
            f"{region.upper()}: {', '.join(failed)}"
        )
