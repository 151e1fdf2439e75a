"""Every event of `tests/events`, over a queue and through a worker as shipped, to its effect.

All are told at the same time to one traced worker. What each came to is read from its own span;
what it did is looked for outside: in the chat, on the phone, in a profile, in the suppressions. An
event without an effect here has none: nothing is held of its people and nothing written.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from infra.local.endpoints import LocalAws
from simulator.contact_centre.client import DeskChat
from simulator.services.customer_profiles.client import ProfilesView
from tests.e2e.account import DOMAIN, PROFILES_CONFIG
from tests.e2e.collector import Collector
from tests.e2e.every_event import Told, greeting, tell_all
from tests.e2e.stage import Stage
from tests.e2e.traced import traced
from tests.events import names

YES = "yes 2pm works 👍"
ENDED = "Plain: This conversation has ended. Text us again any time."
NOT_NEEDED = "discarded event_type_not_needed"
NOT_OF_CHATS = "discarded contact_event_not_needed"


@dataclass(frozen=True, slots=True)
class Effect:
    """What is seen from outside. `held` is state and cause; `profile` a path and what is there."""

    in_chat: tuple[str, ...] = ()
    on_phone: tuple[str, ...] = ()
    held: tuple[str, str] | None = None
    profile: tuple[str, object] | None = None
    calls: int = 0
    is_shown_delivered: bool = False


NONE = Effect()
RELAYED = Effect(in_chat=(YES,), profile=("engagement.sms.replied", 0))  # To a text of nobody's.
TEXTED = Effect(on_phone=("See you at 2",))
OVER = Effect(on_phone=(ENDED,))
DELIVERED = Effect(on_phone=("at two?",), is_shown_delivered=True)
CONFIRMED = Effect(profile=("reminder.result", "confirmed"), calls=1)
AGENT = Effect(profile=("reminder.result", "talked_to_agent"), calls=1)
INVALID = Effect(held=("invalid", "hard_bounce"), profile=("addresses.email.state", "invalid"))
COMPLAINED = Effect(
    held=("suppressed", "complaint"), profile=("addresses.email.cause", "complaint")
)
SENT = Effect(profile=("engagement.sms.sent", 1))
SENT_AND_DELIVERED = Effect(profile=("engagement.sms.delivered", 1))
IN_A_CAMPAIGN = Effect(profile=("paths.last.kind", "campaign"))


def undelivered(reason: str) -> Effect:
    return Effect(in_chat=(f"[Not delivered to the customer: {reason}]",), on_phone=("at two?",))


def opted_out(channel: str) -> Effect:
    return Effect(
        held=("suppressed", "opted_out"), profile=(f"addresses.{channel}.cause", "opted_out")
    )


def counted(path: str) -> Effect:
    return Effect(profile=(f"engagement.{path}", 1))


WHAT_FOLLOWS: Mapping[str, tuple[str, Effect]] = {
    "connect/agent_event": ("dead_lettered undecodable_connect_agent_event_unused", NONE),
    "connect/analysis_state_change": (NOT_NEEDED, NONE),
    "connect/chat_attachment": ("dead_lettered validation", NONE),  # Connect knows no such file.
    "connect/chat_ended": ("done", OVER),
    "connect/chat_message": ("done", TEXTED),
    "connect/chat_message_metadata": ("discarded not_a_message", NONE),
    "connect/chat_message_raw": ("done", TEXTED),
    "connect/chat_participant_joined": ("discarded chat_event", NONE),
    "connect/contact_data_updated": (NOT_OF_CHATS, NONE),
    "connect/contact_detail_only": ("done", CONFIRMED),
    "connect/contact_disconnected": ("done", CONFIRMED),
    "connect/contact_minimum": (NOT_OF_CHATS, NONE),
    "connect/contact_new_type": (NOT_OF_CHATS, NONE),
    "connect/contact_pascal_case": (NOT_OF_CHATS, NONE),
    "connect/contact_record": ("done", AGENT),
    "connect/contact_record_in_lambda_kinesis": ("done", AGENT),
    "connect/contact_record_named": ("discarded contact_record_not_needed", NONE),
    "connect/contact_renamed_service": ("done", OVER),
    "connect/contact_sentinel_timestamps": (NOT_OF_CHATS, NONE),
    "connect/flow_request": ("discarded no_handler", NONE),
    "connect/flow_request_nulls": ("discarded no_handler", NONE),
    "connect/rules_matched": (NOT_NEEDED, NONE),
    "eum/api_call_eventbridge": (NOT_NEEDED, NONE),
    "eum/media_file_inaccessible": ("done", undelivered("file inaccessible")),
    "eum/new_detail_type": (NOT_NEEDED, NONE),
    "eum/new_event_type": ("done", NONE),
    "eum/new_kind": (NOT_NEEDED, NONE),
    "eum/old_number_names": ("done", counted("voice.sent")),
    "eum/rcs_fallen_back": (NOT_NEEDED, NONE),
    "eum/registration_status_change": (NOT_NEEDED, NONE),
    "eum/text_blocked_minimal": (
        "done",
        Effect(held=("suppressed", "blocked"), profile=("addresses.sms.cause", "blocked")),
    ),
    # Nothing in it but the message id leads to a text, and the relay's are known by their context.
    "eum/text_delivered_eventbridge": (
        "discarded event_names_nobody",
        Effect(on_phone=("at two?",)),
    ),
    "eum/text_delivered_firehose": ("done", DELIVERED),
    "eum/text_delivered_sns": ("done", DELIVERED),
    "eum/text_protect_blocked": ("done", undelivered("protect blocked")),
    "eum/voice_busy_eventbridge": ("discarded event_names_nobody", NONE),
    "eum/voice_completed": ("done", counted("voice.delivered")),
    "firehose/processing_failed": ("done", SENT),
    "firehose/transformation_request": ("done", SENT),
    "kinesis/get_records": ("done", SENT_AND_DELIVERED),
    "kinesis/lambda_records": ("done", SENT_AND_DELIVERED),
    "own/chat_watch": ("done", NONE),
    "own/notice_in_sqs": ("discarded unknown_session", NONE),
    "own/opt_out_sync": ("done", NONE),
    "pinpoint/app_session_stop": (NOT_NEEDED, NONE),
    "pinpoint/campaign_send": ("done", IN_A_CAMPAIGN),
    "pinpoint/custom_event": (NOT_NEEDED, NONE),
    "pinpoint/email_delivered": ("done", counted("email.delivered")),
    "pinpoint/email_hardbounce": ("done", INVALID),
    "pinpoint/email_open": ("done", counted("email.opened")),
    "pinpoint/email_softbounce_camel": ("done", NONE),  # Of 2024: it has long been over.
    "pinpoint/journey_broken_endpoint": (NOT_NEEDED, NONE),
    "pinpoint/journey_send_no_address": ("discarded event_names_nobody", NONE),
    "pinpoint/sms_failure": ("done", SENT),
    "pinpoint/sms_first_format": ("discarded event_names_nobody", NONE),
    "pinpoint/sms_optout_iso_times": ("done", opted_out("sms")),
    "pinpoint_custom_channel/campaign": ("done", CONFIRMED),
    "pinpoint_custom_channel/journey": ("done", CONFIRMED),
    "pipes/base64": ("done", SENT),
    "pipes/data_json_text": ("done", SENT),
    "pipes/kpl_aggregated": ("dead_lettered undecodable_kpl_aggregated_record", NONE),
    "pipes/object": ("done", SENT),
    "pipes/quotes_stripped": (
        "dead_lettered undecodable_quotes_stripped_by_pipe_template",
        NONE,
    ),
    "pipes/several_records_in_one": ("done", SENT),
    "pipes/template_data_object": ("done", SENT),
    "ses/api_call_eventbridge": (NOT_NEEDED, NONE),
    "ses/bounce_eventbridge": ("done", INVALID),
    "ses/bounce_identity_notification": ("done", INVALID),
    "ses/bounce_sns": ("done", INVALID),
    "ses/click": ("done", counted("email.clicked")),
    "ses/complaint": ("done", COMPLAINED),
    "ses/complaint_odd_casing": ("done", COMPLAINED),
    "ses/delivery": ("done", counted("email.delivered")),
    "ses/delivery_delay_eventbridge": ("done", NONE),
    "ses/new_event_type": (NOT_NEEDED, NONE),
    "ses/open": ("done", counted("email.opened")),
    "ses/received_in_lambda": (NOT_NEEDED, NONE),
    "ses/reject": ("done", NONE),
    "ses/rendering_failure": (NOT_NEEDED, NONE),
    "ses/send": ("done", counted("email.sent")),
    "ses/sending_status_eventbridge": (NOT_NEEDED, NONE),
    "ses/setup_identity": ("discarded set_up_notice", NONE),
    "ses/setup_text": ("discarded set_up_notice", NONE),
    "ses/subscription_eventbridge": ("done", opted_out("email")),
    "sms/inbound_first_text_short_code": ("done", NONE),  # A keyword, and nothing said.
    "sms/inbound_in_lambda_sns": ("done", RELAYED),
    "sms/inbound_in_lambda_sqs": ("done", RELAYED),
    "sms/inbound_in_sqs_message": ("done", RELAYED),
    "sms/inbound_raw": ("done", RELAYED),
    "sms/inbound_rcs_media": ("dead_lettered unknown_our_number", NONE),
    "sms/inbound_rcs_text": ("dead_lettered unknown_our_number", NONE),
    "sms/inbound_sns": ("done", RELAYED),
    "sns/subscription_confirmation": ("discarded set_up_notice", NONE),
    "unknown/connect_cases": ("dead_lettered undecodable_unrecognised_shape", NONE),
    "unknown/ec2_state_change": ("dead_lettered undecodable_unrecognised_shape", NONE),
    "unknown/s3_object_created": ("dead_lettered undecodable_unrecognised_shape", NONE),
}


@dataclass(frozen=True, slots=True)
class Played:
    """All of them told, and settled."""

    stage: Stage
    told: Mapping[str, Told]
    settled: Mapping[str, str]
    held: Mapping[str, tuple[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(backend_aws: LocalAws, tmp_path_factory: Any) -> AsyncIterator[Played]:
    folder = tmp_path_factory.mktemp("every-event")
    async with traced(backend_aws, folder, PROFILES_CONFIG) as (stage, collector):
        told = await tell_all(stage)
        settled = await _until_settled(stage, collector, told)
        answer = await stage.world.switchboard("suppressions", "list", "--json", "--full")
        rows = json.loads(answer.out)["suppressions"]
        held = {row["address"]: (row["state"], row["cause"]) for row in rows}
        yield Played(stage, {one.name: one for one in told}, settled, held)


async def _until_settled(
    stage: Stage, collector: Collector, told: Sequence[Told]
) -> Mapping[str, str]:
    """What each event came to in the end, once none waits any more."""
    settled: dict[str, str] = {}

    async def look() -> bool:
        for one in told:
            for span in collector.spans:
                if span.trace_id == one.trace_id and span.name == f"process {one.queue}":
                    said = (
                        span.attributes.get(f"switchboard.{w}", "") for w in ("outcome", "reason")
                    )
                    settled[one.name] = " ".join(map(str, said)).strip()
        waiting = [word for word in settled.values() if word.startswith("waited")]
        return len(settled) == len(told) and not waiting

    def left() -> str:
        missing = [one.name for one in told if one.name not in settled]
        waiting = {name: word for name, word in settled.items() if word.startswith("waited")}
        return f"not settled: {missing}, waiting: {waiting}"

    await stage.until(look, left, 60)
    return settled


def test_each_event_has_its_row() -> None:
    assert list(WHAT_FOLLOWS) == names()


@pytest.mark.parametrize("name", names())
async def test_an_event_comes_to(played: Played, name: str) -> None:
    settled, effect = WHAT_FOLLOWS[name]
    told, stage = played.told[name], played.stage
    assert played.settled[name] == settled
    assert {played.held.get(address) for address in (told.mailbox, told.customer.number)} - {
        None
    } == ({effect.held} if effect.held else set())

    path = effect.profile[0] if effect.profile else ""
    seen = Effect()

    async def look() -> bool:
        nonlocal seen
        seen = replace(await _seen(stage, told, profile_path=path), held=effect.held)
        return seen == effect

    await stage.until(look, lambda: f"wanted {effect}, seen {seen}")
    if settled.startswith("dead_lettered"):
        letter = await stage.dead_letter(told.queue, told.body)
        assert letter.reason == settled.removeprefix("dead_lettered ")


async def _seen(stage: Stage, told: Told, *, profile_path: str) -> Effect:
    """What is there now of the people that an event is about."""
    calls = await _params(stage, "StartOutboundVoiceContact")
    return Effect(
        in_chat=tuple(await _said_in_chat(stage, told)),
        on_phone=tuple(await stage.on_phone(told.customer)),
        profile=await _in_profile(stage, told, profile_path),
        calls=sum(call["DestinationPhoneNumber"] == told.customer.number for call in calls),
        is_shown_delivered=told.chat is not None and await _is_shown_delivered(stage, told.chat),
    )


async def _said_in_chat(stage: Stage, told: Told) -> list[str]:
    chats = await stage.chats(told.customer)
    said = [text for chat in chats for text in await stage.from_customer(chat)]
    return [text for text in said if text != greeting(told.name)]


async def _in_profile(stage: Stage, told: Told, path: str) -> tuple[str, object] | None:
    """What stands there in the one profile with this mailbox or number; None without a profile."""
    async with ProfilesView(stage.world.simulator_url) as view:
        by_mail = await view.profiles(DOMAIN, key="_email", value=told.mailbox)
        by_number = await view.profiles(DOMAIN, key="_phone", value=told.customer.number)
    profiles = {profile.id: profile for profile in (*by_mail, *by_number)}
    assert len(profiles) <= 1
    for profile in profiles.values():
        written: Any = {
            one.type.removeprefix("switchboard-"): one.content for one in profile.objects
        }
        for word in path.split("."):
            written = written.get(word, {})
        return path, written
    return None


async def _is_shown_delivered(stage: Stage, chat: DeskChat) -> bool:
    return any(item.receipt for item in await stage.desk.items(chat.contact_id))


async def _params(stage: Stage, operation: str) -> list[Mapping[str, Any]]:
    return [entry.params for entry in await stage.simulator.ledger(operation=operation)]
