"""What must hold in the account before a worker starts.

A send has no idempotency token, so a worker that takes over a doubtful one waits for the receipt
that carries its context. Only an SNS event destination brings that; without one, every crash in a
send would cost a text or send it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from workers.clients.errors import SMS, translate
from workers.clock import Clock
from workers.errors import SettingsError, TransientError

if TYPE_CHECKING:
    from types_aiobotocore_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

log = structlog.get_logger(__name__)

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
RECEIPTS = frozenset({"ALL", "TEXT_ALL"})


async def check_configuration_sets(
    client: PinpointSMSVoiceV2Client, names: Iterable[str], clock: Clock
) -> None:
    """Every configuration set exists and publishes text receipts to SNS.

    A service that is away for a moment is asked again, for about half a minute: workers are
    started during outages too, and would else end with advice that is wrong.

    Raises:
        SettingsError: one does not, or End User Messaging cannot be asked.
    """
    wanted = sorted(set(names))
    answer = await _ask(client, wanted, clock)
    found: dict[str, Any] = {
        str(entry.get("ConfigurationSetName")): entry for entry in answer["ConfigurationSets"]
    }
    silent = [name for name in wanted if not _brings_receipts(found.get(name, {}))]
    if silent:
        raise SettingsError(
            f"configuration set {', '.join(silent)} has no enabled SNS event destination with "
            "TEXT_ALL events: without receipts a text in doubt cannot be resolved"
        )


async def _ask(client: PinpointSMSVoiceV2Client, wanted: list[str], clock: Clock) -> Any:
    for pause_s in (*PAUSES_S, None):
        try:
            return await client.describe_configuration_sets(ConfigurationSetNames=wanted)
        except (ClientError, BotoCoreError) as exc:
            if pause_s is None or not _will_pass(exc):
                raise _problem(exc, wanted) from exc
            log.warning("account_check_failed", error_type=type(exc).__name__, pause_s=pause_s)
        await clock.sleep(pause_s)
    raise AssertionError("the last try returns or raises")


def _will_pass(failure: Exception) -> bool:
    error = translate(SMS, "DescribeConfigurationSets", failure, is_repeatable=True)
    return isinstance(error, TransientError)


def _problem(failure: Exception, wanted: list[str]) -> SettingsError:
    if isinstance(failure, ClientError) and not _will_pass(failure):
        code = failure.response.get("Error", {}).get("Code", "")
        return SettingsError(
            f"End User Messaging answered {code} for configuration sets {', '.join(wanted)}: "
            "create them, or correct `configuration_set` in switchboard.toml"
        )
    return SettingsError(
        f"End User Messaging cannot be asked ({type(failure).__name__}): check the network, the "
        "credentials and AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2"
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
