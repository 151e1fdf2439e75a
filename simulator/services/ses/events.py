"""The exact JSON of SES's events, for configuration sets and for identities' notifications.

Source: SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS",
"Contents of notifications", "Monitoring with EventBridge".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.ledger import iso
from simulator.services.ses.composing import Letter
from simulator.services.ses.mailboxes import MailboxPlan

API_NAMES = {
    "Send": "SEND",
    "Reject": "REJECT",
    "Bounce": "BOUNCE",
    "Complaint": "COMPLAINT",
    "Delivery": "DELIVERY",
    "Open": "OPEN",
    "Click": "CLICK",
    "Rendering Failure": "RENDERING_FAILURE",
    "DeliveryDelay": "DELIVERY_DELAY",
}
"""How MatchingEventTypes spells an eventType."""
DETAIL_TYPES = {
    "Send": "Email Sent",
    "Reject": "Email Rejected",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Delivery": "Email Delivered",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Rendering Failure": "Email Rendering Failed",
    "DeliveryDelay": "Email Delivery Delayed",
}
MEMBERS = {
    "Send": "send",
    "Reject": "reject",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "Open": "open",
    "Click": "click",
    "Rendering Failure": "failure",
    "DeliveryDelay": "deliveryDelay",
}
NOTIFIED = frozenset({"Bounce", "Complaint", "Delivery"})
"""What an identity's topics get."""
_MTA = "a8-53.smtp-out.amazonses.com"
_REMOTE_IP = "192.0.2.10"
_READER_IP = "192.0.2.1"
_READER = "Mozilla/5.0"
_GIVES_UP_AFTER = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Mail:
    """An accepted mail, as its events name it."""

    message_id: str
    letter: Letter
    at: datetime
    account_id: str
    region: str
    configuration_set: str | None
    tags: dict[str, list[str]]
    opens_seen: bool = True
    clicks_seen: bool = True

    def as_event(self) -> dict[str, Any]:
        """The `mail` object of published events."""
        domain = self.letter.sender.rpartition("@")[2]
        own = {
            "ses:source-ip": ["192.0.2.3"],
            "ses:from-domain": [domain],
            "ses:caller-identity": ["switchboard"],
        }
        if self.configuration_set is not None:
            own["ses:configuration-set"] = [self.configuration_set]
        return self._base() | {"tags": own | self.tags}

    def as_notification(self, *, with_headers: bool) -> dict[str, Any]:
        """The `mail` object of an identity's notifications: no tags, headers only if wanted."""
        mail = self._base() | {"sourceIp": "192.0.2.3", "callerIdentity": "switchboard"}
        if not with_headers:
            del mail["headers"], mail["commonHeaders"], mail["headersTruncated"]
        return mail

    def _base(self) -> dict[str, Any]:
        letter = self.letter
        domain = letter.sender.rpartition("@")[2]
        headers = [
            ("From", letter.source),
            ("To", ", ".join(letter.to)),
            ("Subject", letter.subject),
            *letter.headers,
        ]
        return {
            "timestamp": iso(self.at),
            "source": letter.source,
            "sourceArn": f"arn:aws:ses:{self.region}:{self.account_id}:identity/{domain}",
            "sendingAccountId": self.account_id,
            "messageId": self.message_id,
            "destination": list(letter.recipients),
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, value in headers],
            "commonHeaders": {
                "from": [letter.source],
                "to": list(letter.to),
                "messageId": self.message_id,
                "subject": letter.subject,
            },
        }


def bounced(
    recipients: Sequence[str], plan: MailboxPlan, feedback_id: str, now: datetime
) -> dict[str, Any]:
    """The `bounce` object."""
    found: dict[str, Any] = {
        "bounceType": plan.kind_of_bounce,
        "bounceSubType": plan.bounce_sub_type,
        "feedbackId": feedback_id,
        "timestamp": iso(now),
        "bouncedRecipients": [_bounced_recipient(address, plan) for address in recipients],
    }
    if plan.smtp is not None:
        found["reportingMTA"] = f"dsn; {_MTA}"
    return found


def _bounced_recipient(address: str, plan: MailboxPlan) -> dict[str, Any]:
    if plan.smtp is None:
        return {"emailAddress": address}
    status, diagnostic = plan.smtp
    return {
        "emailAddress": address,
        "action": "failed",
        "status": status,
        "diagnosticCode": diagnostic,
    }


def complained(
    recipients: Sequence[str],
    feedback_type: str,
    feedback_id: str,
    now: datetime,
    sub_type: str | None = None,
) -> dict[str, Any]:
    """The `complaint` object: everyone of the complainer's domain who got the mail."""
    found: dict[str, Any] = {
        "feedbackId": feedback_id,
        "complaintSubType": sub_type,
        "complainedRecipients": [{"emailAddress": address} for address in recipients],
        "timestamp": iso(now),
    }
    if sub_type is None:
        found |= {
            "userAgent": "ExampleFBL/1.0",
            "complaintFeedbackType": feedback_type,
            "arrivalDate": iso(now),
        }
    return found


def delivered(recipient: str, accepted_at: datetime, now: datetime) -> dict[str, Any]:
    """The `delivery` object."""
    return {
        "timestamp": iso(now),
        "processingTimeMillis": int((now - accepted_at) / timedelta(milliseconds=1)),
        "recipients": [recipient],
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": _REMOTE_IP,
        "reportingMTA": _MTA,
    }


def delayed(recipient: str, delay_type: str, now: datetime) -> dict[str, Any]:
    """The `deliveryDelay` object."""
    return {
        "timestamp": iso(now),
        "delayType": delay_type,
        "expirationTime": iso(now + _GIVES_UP_AFTER),
        "delayedRecipients": [
            {
                "emailAddress": recipient,
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1 Unable to connect",
            }
        ],
    }


def opened(now: datetime) -> dict[str, Any]:
    """The `open` object."""
    return {"timestamp": iso(now), "userAgent": _READER, "ipAddress": _READER_IP}


def clicked(link: str, now: datetime) -> dict[str, Any]:
    """The `click` object."""
    return opened(now) | {"link": link, "linkTags": None}
