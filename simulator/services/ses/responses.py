"""The operations of SES: SendEmail here, the rest by what they are about."""

from __future__ import annotations

from typing import Any

from simulator.services import operation
from simulator.services.ses.post_office import PostOffice
from simulator.services.ses.sending import Sending
from simulator.services.ses.setup_responses import MODEL, SetupResponses
from simulator.services.ses.suppression_responses import SuppressionResponses
from simulator.wire import Call


class SesResponses(SetupResponses, SuppressionResponses):
    """sesv2, one method per operation, by botocore's snake name."""

    def __init__(self, office: PostOffice, sending: Sending) -> None:
        SetupResponses.__init__(self, office)
        self._sending = sending

    @operation(
        true_to=(
            "simple, raw and template content; 50 recipients; tags; verified senders; no token "
            "and nothing deduplicated; suppressed addresses accepted and bounced; mailbox "
            "simulator; Send, Delivery, Bounce, Complaint, DeliveryDelay, Reject, Open, Click, "
            "Rendering Failure to SNS and EventBridge; identity notifications; tracking overrides"
        ),
        source=(
            MODEL + '; Developer Guide, "Event publishing", "Contents of notifications", "Using '
            'the mailbox simulator", "Using the account-level suppression list"'
        ),
        not_yet=(
            "attachments, contact lists and Subscription events, tenants, 40 MB (8 MB here), "
            "Handlebars helpers, rewritten links. UNVERIFIED: the texts of refusals, that a Send "
            "comes before a suppressed address's bounce, the error for the daily quota"
        ),
    )
    async def send_email(self, call: Call) -> dict[str, Any]:
        """SendEmail."""
        mail = self._sending.accept(self._office.account, call)
        self._office.take(mail)
        return {"MessageId": mail.message_id}
