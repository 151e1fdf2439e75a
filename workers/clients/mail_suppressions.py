"""SES's account suppression list: whom SES itself is to refuse.

Both calls are idempotent. The list knows no message classes: it suppresses all mail of the account.
"""

from __future__ import annotations

from typing import Final, Literal

from workers.clients.aws import MailSuppressions
from workers.clients.call import Api, Caller
from workers.clients.errors import NOT_SUPPRESSED, SES
from workers.errors import PermanentError

_PUT: Final = Api(SES, "PutSuppressedDestination", bucket="ses.suppressions")
_DELETE: Final = Api(SES, "DeleteSuppressedDestination", bucket="ses.suppressions")


class SesSuppressionList:
    """The list of the account that the credentials are of."""

    def __init__(self, client: MailSuppressions, caller: Caller) -> None:
        self._ses = client
        self._caller = caller

    async def suppress(self, address: str, reason: Literal["BOUNCE", "COMPLAINT"]) -> None:
        """PutSuppressedDestination. One that stands is replaced. Raises as every client does."""
        await self._caller.call(
            _PUT,
            lambda: self._ses.put_suppressed_destination(EmailAddress=address, Reason=reason),
        )

    async def release(self, address: str) -> bool:
        """DeleteSuppressedDestination; False when it was not there."""
        try:
            await self._caller.call(
                _DELETE, lambda: self._ses.delete_suppressed_destination(EmailAddress=address)
            )
        except PermanentError as refusal:
            if refusal.reason != NOT_SUPPRESSED:
                raise
            return False
        return True
