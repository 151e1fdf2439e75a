"""Configuration sets, their destinations, identities and templates."""

from __future__ import annotations

from typing import Any

from simulator.services import operation
from simulator.services.ses import errors
from simulator.services.ses.models import ConfigurationSet, Destination, Identity
from simulator.services.ses.post_office import PostOffice
from simulator.wire import AwsError, Call

MODEL = "botocore service model and its text"
_KINDS = (
    "KinesisFirehoseDestination",
    "CloudWatchDestination",
    "SnsDestination",
    "EventBridgeDestination",
    "PinpointDestination",
)


class SetupResponses:
    """What `setup` tools call."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office

    @operation(
        true_to="sandbox, paused or suspended (knobs); rates; reasons of the suppression list",
        source=MODEL,
        not_yet="details, reviews, dedicated IPs, VDM, pricing; what was sent in 24 hours",
    )
    async def get_account(self, _: Call) -> dict[str, Any]:
        """GetAccount."""
        knobs, account = self._office.knobs, self._office.account
        return {
            "EnforcementStatus": "SHUTDOWN" if knobs.account_suspended else "HEALTHY",
            "ProductionAccessEnabled": not knobs.sandbox,
            "SendingEnabled": not knobs.sending_paused,
            "SendQuota": {
                "Max24HourSend": float(knobs.sends_per_day),
                "MaxSendRate": float(knobs.sends_per_s),
            },
            "SuppressionAttributes": {"SuppressedReasons": sorted(account.suppressed_reasons)},
        }

    @operation(
        true_to="refused when it exists; its own reasons for suppression; sending switched off",
        source=MODEL,
        not_yet="tracking, delivery, archiving and reputation options are accepted and ignored",
    )
    async def create_configuration_set(self, call: Call) -> dict[str, Any]:
        """CreateConfigurationSet."""
        name, sets = call.params["ConfigurationSetName"], self._office.account.sets
        if name in sets:
            raise errors.already_exists(f"Configuration set <{name}> already exists.")
        reasons = call.params.get("SuppressionOptions", {}).get("SuppressedReasons")
        sending = call.params.get("SendingOptions", {}).get("SendingEnabled", True)
        sets[name] = ConfigurationSet(
            name, {}, None if reasons is None else frozenset(reasons), sending
        )
        return {}

    @operation(true_to="the set goes with its destinations", source=MODEL)
    async def delete_configuration_set(self, call: Call) -> dict[str, Any]:
        """DeleteConfigurationSet."""
        name = call.params["ConfigurationSetName"]
        del self._office.account.sets[self._office.account.configuration_set(name).name]
        return {}

    @operation(true_to="which reasons of the account's list count for this set", source=MODEL)
    async def put_configuration_set_suppression_options(self, call: Call) -> dict[str, Any]:
        """PutConfigurationSetSuppressionOptions."""
        chosen = self._office.account.configuration_set(call.params["ConfigurationSetName"])
        reasons = call.params.get("SuppressedReasons")
        chosen.suppressed_reasons = None if reasons is None else frozenset(reasons)
        return {}

    @operation(
        true_to="exactly one destination, ten per set, refused when it exists",
        source=MODEL + '; Developer Guide, "Service quotas"',
        not_yet="only SNS and EventBridge destinations get events",
    )
    async def create_configuration_set_event_destination(self, call: Call) -> dict[str, Any]:
        """CreateConfigurationSetEventDestination."""
        params = call.params
        chosen = self._office.account.configuration_set(params["ConfigurationSetName"])
        name, given = params["EventDestinationName"], params["EventDestination"]
        if name in chosen.destinations:
            raise errors.already_exists(f"Event destination <{name}> already exists.")
        document = {kind: given[kind] for kind in _KINDS if kind in given}
        if len(document) != 1:
            raise errors.bad_request("Exactly one kind of destination must be given")
        if not given.get("MatchingEventTypes"):
            raise errors.bad_request("MatchingEventTypes must not be empty")
        if len(chosen.destinations) >= 10:
            raise AwsError("LimitExceededException", "Too many event destinations")
        chosen.destinations[name] = Destination(
            name, tuple(given["MatchingEventTypes"]), document, given.get("Enabled", False)
        )
        return {}

    @operation(true_to="as they were created", source=MODEL)
    async def get_configuration_set_event_destinations(self, call: Call) -> dict[str, Any]:
        """GetConfigurationSetEventDestinations."""
        chosen = self._office.account.configuration_set(call.params["ConfigurationSetName"])
        shown = [
            {
                "Name": one.name,
                "Enabled": one.is_enabled,
                "MatchingEventTypes": list(one.event_types),
                **one.document,
            }
            for one in chosen.destinations.values()
        ]
        return {"EventDestinations": shown}

    @operation(true_to="the destination goes", source=MODEL)
    async def delete_configuration_set_event_destination(self, call: Call) -> dict[str, Any]:
        """DeleteConfigurationSetEventDestination."""
        chosen = self._office.account.configuration_set(call.params["ConfigurationSetName"])
        if chosen.destinations.pop(call.params["EventDestinationName"], None) is None:
            raise errors.not_found("Event destination does not exist.")
        return {}

    @operation(
        true_to="refused when it exists",
        source=MODEL,
        not_yet="verified at once; without identities in the world document any sender is good",
    )
    async def create_email_identity(self, call: Call) -> dict[str, Any]:
        """CreateEmailIdentity."""
        name, account = call.params["EmailIdentity"], self._office.account
        if any(one.name == name for one in account.identities or ()):
            raise errors.already_exists(f"Email identity {name} already exist.")
        account.identities = [*(account.identities or ()), Identity(name)]
        kind = "EMAIL_ADDRESS" if "@" in name else "DOMAIN"
        return {"IdentityType": kind, "VerifiedForSendingStatus": True}

    @operation(true_to="refused when it exists", source=MODEL, not_yet="the texts are not parsed")
    async def create_email_template(self, call: Call) -> dict[str, Any]:
        """CreateEmailTemplate."""
        name, templates = call.params["TemplateName"], self._office.account.templates
        if name in templates:
            raise errors.already_exists(f"Template {name} already exists.")
        templates[name] = dict(call.params["TemplateContent"])
        return {}
