"""The account's suppression list."""

from __future__ import annotations

from typing import Any

from simulator.pages import page
from simulator.services import operation
from simulator.services.ses import errors
from simulator.services.ses.models import Suppressed
from simulator.services.ses.post_office import PostOffice
from simulator.services.ses.setup_responses import MODEL
from simulator.wire import Call

_GUIDE = '; Developer Guide, "Using the account-level suppression list"'
_PAGE = 100


class SuppressionResponses:
    """Whom the account does not write to."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office

    @operation(
        true_to="replaces what stood there; upper and lower case are told apart",
        source=MODEL + _GUIDE,
        not_yet="tenants' lists",
    )
    async def put_suppressed_destination(self, call: Call) -> dict[str, Any]:
        """PutSuppressedDestination."""
        address, reason = call.params["EmailAddress"], call.params["Reason"]
        if "@" not in address:
            raise errors.bad_request("The email address is not valid.")
        self._office.suppress(address, reason)
        return {}

    @operation(true_to="404 when it is not listed", source=MODEL, not_yet="tenants' lists")
    async def get_suppressed_destination(self, call: Call) -> dict[str, Any]:
        """GetSuppressedDestination."""
        one = self._listed(call)
        shown: dict[str, Any] = {
            "EmailAddress": one.address,
            "Reason": one.reason,
            "LastUpdateTime": one.at,
        }
        if one.message_id is not None:
            shown["Attributes"] = {"MessageId": one.message_id, "FeedbackId": one.feedback_id}
        return {"SuppressedDestination": shown}

    @operation(true_to="404 when it is not listed", source=MODEL, not_yet="tenants' lists")
    async def delete_suppressed_destination(self, call: Call) -> dict[str, Any]:
        """DeleteSuppressedDestination."""
        del self._office.account.suppressed[self._listed(call).address]
        return {}

    @operation(true_to="filters by reason and time, pages", source=MODEL, not_yet="tenants' lists")
    async def list_suppressed_destinations(self, call: Call) -> dict[str, Any]:
        """ListSuppressedDestinations."""
        params = call.params
        fitting = [
            {"EmailAddress": one.address, "Reason": one.reason, "LastUpdateTime": one.at}
            for one in self._office.account.suppressed.values()
            if one.reason in params.get("Reasons", (one.reason,))
            and params.get("StartDate", one.at) <= one.at <= params.get("EndDate", one.at)
        ]
        return page(
            fitting,
            "SuppressedDestinationSummaries",
            token=params.get("NextToken"),
            size=params.get("PageSize", _PAGE),
            refusal=lambda: errors.bad_request("NextToken is invalid"),
        )

    @operation(
        true_to="which bounces and complaints put an address on the list, and count when sending",
        source=MODEL + _GUIDE,
        not_yet="validation attributes are ignored",
    )
    async def put_account_suppression_attributes(self, call: Call) -> dict[str, Any]:
        """PutAccountSuppressionAttributes."""
        reasons = frozenset(call.params.get("SuppressedReasons", ()))
        self._office.account.suppressed_reasons = reasons
        return {}

    def _listed(self, call: Call) -> Suppressed:
        found = self._office.account.suppressed.get(call.params["EmailAddress"])
        if found is None:
            raise errors.not_found("Email address is not on the suppression list for your account.")
        return found
