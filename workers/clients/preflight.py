"""What must hold in the account before a worker starts.

A send has no idempotency token, so a worker that takes over a doubtful one waits for the receipt
that carries its context. Only an SNS event destination brings that; without one, every crash in a
send would cost a text or send it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from workers.errors import SettingsError

if TYPE_CHECKING:
    from types_aiobotocore_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

RECEIPTS = frozenset({"ALL", "TEXT_ALL"})


async def check_configuration_sets(client: PinpointSMSVoiceV2Client, names: Iterable[str]) -> None:
    """Every configuration set exists and publishes text receipts to SNS.

    Raises:
        SettingsError: one does not, or End User Messaging cannot be asked.
    """
    wanted = sorted(set(names))
    try:
        answer = await client.describe_configuration_sets(ConfigurationSetNames=wanted)
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "")
        raise SettingsError(
            f"End User Messaging answered {code} for configuration sets {', '.join(wanted)}: "
            "create them, or correct `configuration_set` in switchboard.toml"
        ) from exc
    except BotoCoreError as exc:
        raise SettingsError(
            f"End User Messaging cannot be asked ({type(exc).__name__}): check the network, the "
            "credentials and AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2"
        ) from exc
    found: dict[str, Any] = {
        str(entry.get("ConfigurationSetName")): entry for entry in answer["ConfigurationSets"]
    }
    silent = [name for name in wanted if not _brings_receipts(found.get(name, {}))]
    if silent:
        raise SettingsError(
            f"configuration set {', '.join(silent)} has no enabled SNS event destination with "
            "TEXT_ALL events: without receipts a text in doubt cannot be resolved"
        )


def _brings_receipts(configuration_set: Any) -> bool:
    return any(
        destination.get("Enabled")
        and "SnsDestination" in destination
        and (
            RECEIPTS & set(destination.get("MatchingEventTypes", ()))
            or "TEXT_DELIVERED" in destination.get("MatchingEventTypes", ())
        )
        for destination in configuration_set.get("EventDestinations", ())
    )
