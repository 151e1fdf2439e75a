"""What is owned, as the describe calls show it."""

from __future__ import annotations

from typing import Any

from simulator.services.sms_voice.models import (
    ConfigurationSet,
    EventDestination,
    OptedOut,
    OptOutList,
    PhoneNumber,
    Pool,
    Registration,
    SenderId,
    TwoWay,
)
from simulator.world import World

_LEASE = {"SHORT_CODE": "995.00", "TOLL_FREE": "2.00", "SIMULATOR": "1.00"}


class Rendering:
    """Members of the answers; ARNs are of the world's account."""

    def __init__(self, world: World) -> None:
        self._world = world

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource of this service."""
        return self._world.arn("sms-voice", f"{kind}/{name}")

    def number(self, number: PhoneNumber, two_way: TwoWay) -> dict[str, Any]:
        """One of PhoneNumbers."""
        shown = {
            "PhoneNumberArn": self.arn("phone-number", number.id),
            "PhoneNumberId": number.id,
            "PhoneNumber": number.number,
            "Status": number.status,
            "IsoCountryCode": number.country,
            "MessageType": number.message_type,
            "NumberCapabilities": list(number.capabilities),
            "NumberType": number.number_type,
            "MonthlyLeasingPrice": _LEASE.get(number.number_type, "1.00"),
            "InternationalSendingEnabled": number.sends_abroad,
            "DeletionProtectionEnabled": number.deletion_protected,
            "CreatedTimestamp": number.created_at,
            "PoolId": number.pool_id,
            "RegistrationId": number.registration_id,
            **_two_way(two_way),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def pool(self, pool: Pool) -> dict[str, Any]:
        """One of Pools."""
        return {
            "PoolArn": self.arn("pool", pool.id),
            "PoolId": pool.id,
            "Status": "ACTIVE",
            "MessageType": pool.message_type,
            "SharedRoutesEnabled": pool.shared_routes,
            "DeletionProtectionEnabled": pool.deletion_protected,
            "CreatedTimestamp": pool.created_at,
            **_two_way(pool.two_way),
        }

    def sender_id(self, sender: SenderId) -> dict[str, Any]:
        """One of SenderIds."""
        return {
            "SenderIdArn": self.arn("sender-id", f"{sender.sender_id}/{sender.country}"),
            "SenderId": sender.sender_id,
            "IsoCountryCode": sender.country,
            "MessageTypes": list(sender.message_types),
            "MonthlyLeasingPrice": "0.00",
            "DeletionProtectionEnabled": False,
            "Registered": sender.registered,
        }

    def configuration_set(self, found: ConfigurationSet) -> dict[str, Any]:
        """One of ConfigurationSets."""
        shown = {
            "ConfigurationSetArn": self.arn("configuration-set", found.name),
            "ConfigurationSetName": found.name,
            "EventDestinations": [destination(d) for d in found.destinations.values()],
            "CreatedTimestamp": found.created_at,
            "DefaultMessageType": found.message_type,
            "DefaultSenderId": found.sender_id,
            "ProtectConfigurationId": found.protect_configuration_id,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def registration(self, found: Registration) -> dict[str, Any]:
        """One of Registrations."""
        return {
            "RegistrationArn": self.arn("registration", found.id),
            "RegistrationId": found.id,
            "RegistrationType": found.registration_type,
            "RegistrationStatus": found.status,
            "CurrentVersionNumber": 1,
            "CreatedTimestamp": found.created_at,
        }

    def opt_out_list(self, found: OptOutList) -> dict[str, Any]:
        """One of OptOutLists."""
        return {
            "OptOutListArn": self.arn("opt-out-list", found.name),
            "OptOutListName": found.name,
            "CreatedTimestamp": found.created_at,
        }

    def opted_out(self, found: OptOutList, number: OptedOut) -> dict[str, Any]:
        """The answer that names one number of a list."""
        return {
            "OptOutListArn": self.arn("opt-out-list", found.name),
            "OptOutListName": found.name,
            **listed(number),
        }


def listed(number: OptedOut) -> dict[str, Any]:
    """One of OptedOutNumbers."""
    return {
        "OptedOutNumber": number.number,
        "OptedOutTimestamp": number.at,
        "EndUserOptedOut": number.by_end_user,
    }


def destination(found: EventDestination) -> dict[str, Any]:
    """One of EventDestinations."""
    shown = {
        "EventDestinationName": found.name,
        "Enabled": found.is_enabled,
        "MatchingEventTypes": list(found.event_types),
        **found.other,
    }
    if found.topic_arn:
        shown["SnsDestination"] = {"TopicArn": found.topic_arn}
    return shown


def _two_way(settings: TwoWay) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "TwoWayEnabled": settings.two_way_topic_arn is not None,
        "SelfManagedOptOutsEnabled": settings.is_self_managed,
        "OptOutListName": settings.opt_out_list,
    }
    if settings.two_way_topic_arn is not None:
        shown["TwoWayChannelArn"] = settings.two_way_topic_arn
    if settings.role_arn is not None:
        shown["TwoWayChannelRole"] = settings.role_arn
    return shown


def rates(number: PhoneNumber) -> dict[str, int]:
    """Messages a second by capability. UNVERIFIED: all but VOICE are shown with the same rate."""
    per_s = max(1, int(number.parts_per_s))
    return {name: per_s for name in number.capabilities if name != "VOICE"}
