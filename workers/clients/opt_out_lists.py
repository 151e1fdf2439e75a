"""End User Messaging's opt-out lists, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from workers.clients.call import Api, Caller
from workers.clients.checks import check_opt_out_list
from workers.clients.errors import SMS
from workers.clients.protocols import ListedNumber, Page
from workers.limits import Priority
from workers.phone import normalise

if TYPE_CHECKING:
    from types_aiobotocore_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

PAGE_MAX = 100
_DESCRIBE: Final = Api(
    SMS, "DescribeOptedOutNumbers", bucket="sms.opt_out_pages", priority=Priority.LOW
)


class EumOptOutPages:
    """`OptOutPages` over End User Messaging, at one page a second."""

    def __init__(self, client: PinpointSMSVoiceV2Client, caller: Caller) -> None:
        self._sms = client
        self._caller = caller

    async def page(self, opt_out_list: str, token: str | None) -> Page:
        """DescribeOptedOutNumbers. Raises as every client does; no such list: `AccountProblem`."""
        check_opt_out_list(opt_out_list)
        request: dict[str, Any] = {"OptOutListName": opt_out_list, "MaxResults": PAGE_MAX}
        if token is not None:
            request["NextToken"] = token
        answer: Any = await self._caller.call(
            _DESCRIBE, lambda: self._sms.describe_opted_out_numbers(**request)
        )
        return Page(
            tuple(_listed(entry) for entry in answer.get("OptedOutNumbers", ())),
            answer.get("NextToken"),
        )


def _listed(entry: Any) -> ListedNumber:
    written = str(entry["OptedOutNumber"])
    since = entry.get("OptedOutTimestamp")
    return ListedNumber(
        normalise(written) or written,
        since if isinstance(since, datetime) else datetime(1970, 1, 1, tzinfo=UTC),
    )
