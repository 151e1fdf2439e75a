"""What exists in the demo's contact centre and carrier account at the start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned

CONFIG = Path(__file__).with_name("brands.toml")
CLINIC = "+12065550190"
BIKES = "+12065550191"

# What the brands' file has them say by themselves, by the number they say it from.
OWN_TEXTS: Mapping[str, Mapping[str, str]] = {
    brand["numbers"][0]: brand["texts"] for brand in tomllib.loads(CONFIG.read_text())["brands"]
}


def contact_centre(made: Provisioned) -> Mapping[str, object]:
    """Two numbers that answer to our topic, one configuration set with its event destination."""
    numbers = [
        {
            "number": number,
            "type": "TEN_DLC",
            "two_way_topic_arn": made.topic_arns["inbound-sms"],
            "self_managed_opt_outs": True,
            "opt_out_list": opt_out_list,
        }
        for number, opt_out_list in ((CLINIC, "Default"), (BIKES, "HarbourBikes"))
    ]
    destination = {"name": "sns", "topic_arn": made.topic_arns["delivery-receipts"]}
    return {
        "sms_voice": {
            "phone_numbers": numbers,
            "configuration_sets": [
                {"name": "conversations", "event_destinations": [destination]},
            ],
            "opt_out_lists": [{"name": "Default"}, {"name": "HarbourBikes"}],
        },
        "connect": {"instances": [{"id": LOCAL_INSTANCE_ID}]},
    }


def silent_contact_centre(made: Provisioned) -> Mapping[str, object]:
    """The same with a flow that says nothing: nobody but people is to be heard."""
    silent = {"texts": {"welcome": "", "closed": "", "no_agent": ""}}
    instance = {"id": LOCAL_INSTANCE_ID, "flows": [silent]}
    return {**contact_centre(made), "connect": {"instances": [instance]}}
