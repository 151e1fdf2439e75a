"""What the tests' contact centre and carrier account consist of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned
from infra.local.toolroom import ROOT

CONFIG = Path(__file__).with_name("brands.toml")
PROFILES_CONFIG = Path(__file__).with_name("profiles.toml")
DOMAIN = "clinic"
TYPES = Path(__file__).parents[2] / "infra" / "profiles"
PLAIN = "+12065550110"
TALKING_FLOW = "+12065550111"
PICTURES = "+12065550112"
MANAGED = "+12065550113"
OPEN_ENDED = "+12065550114"
SHORT_LIMITS = "+12065550115"
ONE_A_MINUTE = "+12065550116"
KEYWORD = "+12065550117"
REMINDING = "+12065550118"
NOBODYS = "+12065550119"
"""A number that texts come in on and that no brand has."""

WELCOME = "Welcome! An agent will be with you shortly."
_REMINDER = (ROOT / "infra" / "connect" / "appointment-reminder.flow.json").read_text("utf-8")
_SILENT = {"welcome": "", "closed": "", "no_agent": ""}
_LISTS = {TALKING_FLOW: "Other", MANAGED: "Managed", OPEN_ENDED: "OpenEnded"}


def contact_centre(made: Provisioned) -> Mapping[str, object]:
    """Nine brands' numbers and one that is nobody's; flows that are silent, talk, and call."""
    ours = (PLAIN, TALKING_FLOW, PICTURES, MANAGED, OPEN_ENDED, SHORT_LIMITS, ONE_A_MINUTE)
    numbers = [
        {
            "number": number,
            "type": "TEN_DLC",
            "two_way_topic_arn": made.topic_arns["inbound-sms"],
            "self_managed_opt_outs": number != MANAGED,
            "opt_out_list": _LISTS.get(number, "Default"),
        }
        for number in (*ours, KEYWORD, REMINDING, NOBODYS)
    ]
    destination = {"name": "sns", "topic_arn": made.topic_arns["delivery-receipts"]}
    flows = [
        {"id": "22222222-2222-4222-8222-222222222222", "name": "Silent", "texts": _SILENT},
        {
            "id": "22222222-2222-4222-8222-222222222223",
            "name": "Talking",
            "texts": {**_SILENT, "welcome": WELCOME},
        },
        {
            "id": "22222222-2222-4222-8222-222222222224",
            "name": "Reminder",
            "content": json.loads(_REMINDER.replace("${QueueArn}", "BasicQueue")),
        },
    ]
    agents = [
        {"id": "44444444-4444-4444-8444-444444444444", "display_name": "Jane"},
        {"id": "44444444-4444-4444-8444-444444444445", "display_name": "Omar"},
    ]
    return {
        "sms_voice": {
            "phone_numbers": numbers,
            "configuration_sets": [
                {"name": "conversations", "event_destinations": [destination]},
                {"name": "silent"},
            ],
            "opt_out_lists": [{"name": name} for name in ("Default", *sorted(_LISTS.values()))],
        },
        "ses": _mail(made.topic_arns["ses-events"]),
        "customer_profiles": {"domains": [{"name": DOMAIN, "object_types": _object_types()}]},
        "connect": {
            "instances": [
                {
                    "id": LOCAL_INSTANCE_ID,
                    "flows": flows,
                    "agents": agents,
                    "phone_numbers": [REMINDING],
                }
            ]
        },
    }


def _object_types() -> Mapping[str, object]:
    """The types that the project ships, as they would be put into an account."""
    shipped = (json.loads(file.read_text("utf-8")) for file in sorted(TYPES.glob("*.json")))
    return {one.pop("ObjectTypeName"): one for one in shipped}


def _mail(topic_arn: str) -> Mapping[str, object]:
    """An account that tells of each mail in every way there is."""
    destinations = [{"name": "topic", "topic_arn": topic_arn}, {"name": "bus"}]
    return {
        "configuration_sets": [{"name": "mail", "event_destinations": destinations}],
        "identities": [
            {
                "name": "example.org",
                "topics": dict.fromkeys(("Bounce", "Complaint", "Delivery"), topic_arn),
            }
        ],
    }
