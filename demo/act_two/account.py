"""What the second act needs of an account: mail, customers' profiles, and a number that calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned
from infra.local.toolroom import ROOT

DOMAIN = "northwind"
MAIL_SET = "newsletter"
CALLING = "+12065550192"
CALLS_CONFIG = Path(__file__).with_name("calls.toml")
_TYPES = ROOT / "infra" / "profiles"
_FLOW = ROOT / "infra" / "connect" / "appointment-reminder.flow.json"


def mail_account(made: Provisioned, customers: Sequence[str]) -> Mapping[str, object]:
    """A configuration set that tells of mails, and a profile for each customer's address."""
    events = ("BOUNCE", "COMPLAINT", "OPEN", "CLICK")
    destination = {"topic_arn": made.topic_arns["ses-events"], "event_types": events}
    types = [json.loads(file.read_text("utf-8")) for file in sorted(_TYPES.glob("*.json"))]
    domain = {
        "name": DOMAIN,
        "object_types": {one.pop("ObjectTypeName"): one for one in types},
        "profiles": [{"EmailAddress": address} for address in customers],
    }
    return {
        "ses": {"configuration_sets": [{"name": MAIL_SET, "event_destinations": [destination]}]},
        "customer_profiles": {"domains": [domain]},
    }


def calling_account(made: Provisioned) -> Mapping[str, object]:
    """One number that texts and calls, and the reminder flow that ships."""
    receipts = {"name": "sns", "topic_arn": made.topic_arns["delivery-receipts"]}
    number = {
        "number": CALLING,
        "type": "TEN_DLC",
        "two_way_topic_arn": made.topic_arns["inbound-sms"],
        "self_managed_opt_outs": True,
    }
    flow = json.loads(_FLOW.read_text("utf-8").replace("${QueueArn}", "BasicQueue"))
    reminder = {"id": "22222222-2222-4222-8222-222222222224", "name": "Reminder", "content": flow}
    instance = {"id": LOCAL_INSTANCE_ID, "flows": [reminder], "phone_numbers": [CALLING]}
    return {
        "sms_voice": {
            "phone_numbers": [number],
            "configuration_sets": [{"name": "conversations", "event_destinations": [receipts]}],
        },
        "connect": {"instances": [instance]},
    }
