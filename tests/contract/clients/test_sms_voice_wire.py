"""What a text's sender concludes from every way in which a server can misbehave.

The worst outcome is a text sent twice, so each case also counts how often it was asked.
"""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace

import pytest

from tests.contract.clients.conftest import CountingMeter
from tests.contract.clients.wire import (
    Behaviour,
    WireServer,
    answer,
    closed_port,
    drip,
    hang,
    hang_up,
    raw,
    reset,
)
from workers.clients.aws import Aws
from workers.clients.call import Caller
from workers.clients.protocols import OutgoingText
from workers.clients.sms_voice import EumTexting
from workers.errors import (
    AccountProblem,
    InDoubt,
    OptedOut,
    PermanentError,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TransientError,
)
from workers.testing import FakeClock

NUMBER = "+15550100123"
SECRET = "the lab result is in"
NEVER = float("inf")
TEXT = OutgoingText(
    destination_number=NUMBER,
    body=SECRET,
    origination_identity="+15550100999",
    configuration_set="switchboard",
    message_type="TRANSACTIONAL",
    ttl_s=900,
    context={"sb": "abc.def.0"},
)
SENT = answer(200, {"MessageId": "m-1"})


@pytest.fixture
async def texting(sdk: Aws, caller: Caller, clock: FakeClock) -> EumTexting:
    return EumTexting(await sdk.sms_voice(), caller, clock, send_timeout_s=2.0)


def refuse(code: str, **fields: object) -> Behaviour:
    return answer(400, {"__type": code, "Message": f"{NUMBER}: {SECRET}", **fields})


async def failure_of(texting: EumTexting, text: OutgoingText = TEXT) -> SwitchboardError:
    with pytest.raises(SwitchboardError) as caught:
        await texting.send(text, not_after=NEVER)
    shown = "".join(traceback.format_exception(caught.value))
    assert NUMBER not in shown
    assert SECRET not in shown
    return caught.value


async def test_a_text_is_sent_as_the_service_wants_it(
    texting: EumTexting, wire: WireServer, meter: CountingMeter
) -> None:
    wire.script = [SENT]
    assert await texting.send(TEXT, not_after=NEVER) == "m-1"
    [request] = wire.requests
    assert request.headers["x-amz-target"] == "PinpointSMSVoiceV2.SendTextMessage"
    assert request.json() == {
        "DestinationPhoneNumber": NUMBER,
        "OriginationIdentity": "+15550100999",
        "MessageBody": SECRET,
        "MessageType": "TRANSACTIONAL",
        "ConfigurationSetName": "switchboard",
        "TimeToLive": 900,
        "Context": {"sb": "abc.def.0"},
    }
    assert meter.calls == {("SendTextMessage", "ok"): 1}


async def test_media_goes_by_its_own_operation(texting: EumTexting, wire: WireServer) -> None:
    wire.script = [SENT]
    media = replace(TEXT, body="", media_url="s3://shelf-1/plan.png")
    assert await texting.send(media, not_after=NEVER) == "m-1"
    [request] = wire.requests
    assert request.headers["x-amz-target"] == "PinpointSMSVoiceV2.SendMediaMessage"
    assert request.json()["MediaUrls"] == ["s3://shelf-1/plan.png"]
    assert not {"MessageBody", "MessageType"} & set(request.json())


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        pytest.param(hang_up, "connection_cut", id="closes_after_reading"),
        pytest.param(reset, "connection_cut", id="resets_after_reading"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "connection_cut", id="half_a_head"),
        pytest.param(
            raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"Mess'),
            "connection_cut",
            id="half_a_body",
        ),
        pytest.param(raw(b"220 mail.example ESMTP\r\n\r\n"), "unreadable_answer", id="not_http"),
        pytest.param(hang, "read_timeout", id="hangs"),
        pytest.param(drip, "timeout", id="drips_for_ever"),
        pytest.param(answer(200, b"<html>"), "unreadable_answer", id="not_json"),
        pytest.param(answer(200, b"\xff\xfe\xff"), "unreadable_answer", id="not_utf8"),
        pytest.param(answer(200, b""), "unreadable_answer", id="empty"),
        pytest.param(answer(200, {"MessageId": ""}), "unreadable_answer", id="no_message_id"),
        pytest.param(answer(200, [1]), "unexpected|unreadable_answer", id="json_of_another_shape"),
        pytest.param(answer(302, b"", Location="/x"), "unreadable_answer", id="found_elsewhere"),
        pytest.param(answer(307, b"", Location="/x"), "unreadable_answer", id="asked_to_repeat"),
        pytest.param(answer(400, b"<html>"), "unreadable_answer", id="bad_request_of_a_proxy"),
        pytest.param(answer(500, {"__type": "InternalServerException"}), "server_error", id="500"),
        pytest.param(answer(503, b"<html>"), "server_error", id="503"),
        pytest.param(answer(504, b""), "server_error", id="504"),
    ],
)
async def test_what_may_have_been_sent_is_in_doubt(
    texting: EumTexting,
    wire: WireServer,
    meter: CountingMeter,
    behaviour: Behaviour,
    reason: str,
) -> None:
    wire.script = [behaviour]
    failure = await failure_of(texting)
    assert type(failure) is InDoubt
    assert failure.reason in reason.split("|")
    assert len(wire.requests) == 1
    assert meter.calls == {("SendTextMessage", "in_doubt"): 1}


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_connection_closed_before_it_was_read_is_in_doubt(
    texting: EumTexting, wire: WireServer, how: str
) -> None:
    """The client cannot see that nobody read: the bytes had left."""
    wire.hangs_up_at_accept = how
    assert type(await failure_of(texting)) is InDoubt


async def test_a_refused_connection_surely_sent_nothing(
    sdk: Aws, caller: Caller, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", f"http://127.0.0.1:{closed_port()}"
    )
    failure = await failure_of(EumTexting(await sdk.sms_voice(), caller, clock))
    assert type(failure) is TransientError
    assert failure.reason == "connect_failed"


async def test_a_name_that_does_not_resolve_surely_sent_nothing(
    sdk: Aws, caller: Caller, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", "http://nowhere.invalid")
    failure = await failure_of(EumTexting(await sdk.sms_voice(), caller, clock))
    assert type(failure) is TransientError


async def test_a_failed_handshake_surely_sent_nothing(
    sdk: Aws,
    caller: Caller,
    clock: FakeClock,
    wire: WireServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire.hangs_up_at_accept = "fin"
    url = wire.url.replace("http:", "https:")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", url)
    failure = await failure_of(EumTexting(await sdk.sms_voice(), caller, clock))
    assert type(failure) is TransientError


async def test_missing_credentials_surely_sent_nothing(
    sdk: Aws,
    caller: Caller,
    clock: FakeClock,
    wire: WireServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    failure = await failure_of(EumTexting(await sdk.sms_voice(), caller, clock))
    assert type(failure) is TransientError
    assert failure.reason == "no_credentials"
    assert wire.requests == []


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(refuse("ThrottlingException"), Throttled, id="throttled"),
        pytest.param(answer(429, b""), Throttled, id="429_without_words"),
        pytest.param(
            refuse("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"),
            OptedOut,
            id="opted_out",
        ),
        pytest.param(
            refuse("ValidationException", Reason="INVALID_PARAMETER"), PermanentError, id="invalid"
        ),
        pytest.param(
            refuse("com.amazonaws.x#AccessDeniedException"), AccountProblem, id="access_denied"
        ),
    ],
)
async def test_a_refusal_surely_sent_nothing(
    texting: EumTexting, wire: WireServer, behaviour: Behaviour, error: type[SwitchboardError]
) -> None:
    wire.script = [behaviour]
    assert type(await failure_of(texting)) is error
    assert len(wire.requests) == 1


async def test_a_kept_connection_that_breaks_is_not_used_a_second_time(
    texting: EumTexting, wire: WireServer, clock: FakeClock
) -> None:
    wire.script = [SENT, hang_up, SENT]
    await texting.send(TEXT, not_after=NEVER)
    clock.advance(1)
    assert type(await failure_of(texting)) is InDoubt
    assert len(wire.requests) == 2


async def test_a_connection_the_server_closed_while_idle_is_replaced(
    texting: EumTexting, wire: WireServer, clock: FakeClock
) -> None:
    wire.script, wire.closes_after_answer = [SENT], True
    for _ in range(3):
        clock.advance(1)
        assert await texting.send(TEXT, not_after=NEVER) == "m-1"
        await asyncio.sleep(0.05)  # until the end of the connection has arrived here
    assert len(wire.requests) == 3


async def test_past_the_send_deadline_nothing_reaches_the_socket(
    sdk: Aws, texting: EumTexting, wire: WireServer, clock: FakeClock
) -> None:
    """The deadline is looked at after signing, which may have waited for new credentials."""
    (await sdk.sms_voice()).meta.events.register(
        "before-sign.pinpoint-sms-voice-v2", lambda **_: clock.advance(5)
    )
    wire.script = [SENT]
    with pytest.raises(TransientError, match=r"^too_late$"):
        await texting.send(TEXT, not_after=clock.monotonic() + 4.9)
    assert wire.requests == []
    assert await texting.send(TEXT, not_after=clock.monotonic() + 6) == "m-1"


async def test_a_second_text_to_the_same_phone_waits_a_second(
    texting: EumTexting, wire: WireServer, clock: FakeClock
) -> None:
    wire.script = [SENT]
    await texting.send(TEXT, not_after=NEVER)
    await texting.send(replace(TEXT, destination_number="+15550100124"), not_after=NEVER)
    assert clock.monotonic() == 0
    await texting.send(TEXT, not_after=NEVER)
    assert clock.monotonic() == pytest.approx(1)
    with pytest.raises(Throttled, match="recipient_pace"):
        await texting.send(TEXT, not_after=clock.monotonic() + 0.5)


async def test_a_spent_month_pauses_texts_for_a_while(
    texting: EumTexting, wire: WireServer, clock: FakeClock, meter: CountingMeter
) -> None:
    spent = refuse("ServiceQuotaExceededException", Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT")
    wire.script = [spent, SENT]
    failure = await failure_of(texting)
    assert isinstance(failure, QuotaFull)
    assert failure.after_s == 60
    with pytest.raises(QuotaFull) as caught:
        await texting.admit(TEXT.origination_identity)
    assert caught.value.after_s == 60
    assert type(await failure_of(texting)) is QuotaFull
    assert len(wire.requests) == 1
    assert meter.calls["SendTextMessage", "paused"] == 2

    media = replace(TEXT, media_url="s3://shelf-1/plan.png")
    assert await texting.send(media, not_after=NEVER) == "m-1"  # its limit is another one
    clock.advance(60)
    assert await texting.send(TEXT, not_after=NEVER) == "m-1"


async def test_admission_counts_parts_and_gives_up_after_a_few_seconds(
    texting: EumTexting, clock: FakeClock, meter: CountingMeter
) -> None:
    await texting.admit("+18885550123", parts=3)  # toll-free: 3 parts a second
    await texting.admit("+18885550123", parts=3)
    assert clock.monotonic() == pytest.approx(1)
    await texting.admit("+18885550199", parts=10)
    with pytest.raises(Throttled) as caught:
        await texting.admit("+18885550199", parts=3)
    assert caught.value.after_s == pytest.approx(10 / 3)
    assert meter.calls["SendTextMessage", "held_back"] == 1


async def test_a_throttle_slows_the_number_that_sent(
    texting: EumTexting, wire: WireServer, caller: Caller
) -> None:
    wire.script = [refuse("ThrottlingException")]
    assert type(await failure_of(texting)) is Throttled
    assert caller.limits.learned() == {f"sms:{TEXT.origination_identity}": pytest.approx(0.7)}


async def test_what_a_check_refuses_is_never_asked(texting: EumTexting, wire: WireServer) -> None:
    failure = await failure_of(texting, replace(TEXT, ttl_s=1))
    assert type(failure) is PermanentError
    assert wire.requests == []


async def test_opting_out_and_in(texting: EumTexting, wire: WireServer) -> None:
    listed = {"OptOutListName": "Default", "OptedOutNumber": NUMBER}
    wire.script = [answer(200, listed)]
    await texting.opt_out("Default", NUMBER)
    await texting.opt_in("Default", NUMBER)
    assert [request.headers["x-amz-target"].split(".")[1] for request in wire.requests] == [
        "PutOptedOutNumber",
        "DeleteOptedOutNumber",
    ]
    assert [request.json() for request in wire.requests] == [listed, listed]


async def test_opting_in_who_was_not_out_is_a_success(
    texting: EumTexting, wire: WireServer
) -> None:
    wire.script = [refuse("ResourceNotFoundException", ResourceType="opted-out-number")]
    await texting.opt_in("Default", NUMBER)


@pytest.mark.parametrize(
    ("behaviour", "error", "reason"),
    [
        (
            refuse("ValidationException", Reason="PHONE_NUMBER_CANNOT_BE_OPTED_IN"),
            PermanentError,
            "phone_number_cannot_be_opted_in",
        ),
        (
            refuse("ResourceNotFoundException", ResourceType="opt-out-list"),
            AccountProblem,
            "opt_out_list_not_found",
        ),
        (answer(500, b""), TransientError, "server_error"),
        (hang_up, TransientError, "connection_cut"),
    ],
)
async def test_opting_in_that_eum_refuses_is_told(
    texting: EumTexting,
    wire: WireServer,
    behaviour: Behaviour,
    error: type[SwitchboardError],
    reason: str,
) -> None:
    wire.script = [behaviour]
    with pytest.raises(SwitchboardError, match=f"^{reason}$") as caught:
        await texting.opt_in("Default", NUMBER)
    assert type(caught.value) is error
