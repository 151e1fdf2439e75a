"""The lean transport beside the SDK's: the same calls, the same endpoint, the same outcome.

Whatever the script has the endpoint do, both transports must put the same requests on the wire,
with signatures that botocore confirms, and end with the same answer or the same error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp.web
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError

from tests.contract.runtime.certificates import an_authority
from tests.contract.runtime.scripted import (
    After,
    Answer,
    Endpoint,
    Fault,
    Raw,
    Seen,
    Step,
    scripted,
)
from workers.clients.aws import _UnredirectedSession
from workers.errors import TransientError
from workers.runtime.lean_sqs import LeanSqs
from workers.runtime.sqs import AioSqsQueue

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
QUEUE_URL = "https://sqs.us-west-2.amazonaws.com/111122223333/inbound-sms"
FULL_ATTRIBUTES = {"AWSTraceHeader": "Root=1-5759e988", "ApproximateReceiveCount": "3"}

Call = tuple[str, dict[str, Any]]

RECEIVE: Call = (
    "receive_message",
    {
        "QueueUrl": QUEUE_URL,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 0,
        "VisibilityTimeout": 30,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    },
)
DELETE: Call = (
    "delete_message_batch",
    {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "0", "ReceiptHandle": "AQEB/+=="}]},
)
HIDE: Call = (
    "change_message_visibility_batch",
    {
        "QueueUrl": QUEUE_URL,
        "Entries": [{"Id": "0", "ReceiptHandle": "AQEB", "VisibilityTimeout": 0}],
    },
)
SEND: Call = (
    "send_message_batch",
    {
        "QueueUrl": QUEUE_URL,
        "Entries": [
            {
                "Id": "0",
                "MessageBody": '{"text": "h\u00e9llo \U0001f389 \u2028"}',
                "MessageAttributes": {
                    "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff\x10"},
                    "word": {"DataType": "String", "StringValue": "\u00fc"},
                },
            },
            {"Id": "1", "MessageBody": "plain"},
        ],
    },
)
MESSAGE = {
    "MessageId": "c80e8021-a70a-42c7-a470-796e1186f753",
    "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "MD5OfBody": "fafb00f5732ab283681e124bf8747ed1",
    "Body": '{"text": "h\u00e9llo \U0001f389"}',
    "Attributes": FULL_ATTRIBUTES,
    "MessageAttributes": {
        "raw": {"DataType": "Binary", "BinaryValue": "AP8Q"},
        "word": {"DataType": "String", "StringValue": "\u00fc"},
    },
}


def refusal(status: int, code: str, **headers: str) -> Answer:
    return Answer({"__type": f"com.amazonaws.sqs#{code}", "message": "no"}, status, headers)


def query_error(status: int, code: str, query_code: str) -> Answer:
    return Answer(
        {"__type": f"com.amazonaws.sqs#{code}", "message": "no"},
        status,
        {"x-amzn-query-error": f"{query_code};Sender"},
    )


@dataclass
class Told:
    """What came of some calls on one transport."""

    outcomes: list[Any]
    seen: list[Seen]

    @property
    def wire(self) -> list[dict[str, Any]]:
        return [request.comparable() for request in self.seen]


def described(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"raised": f"{type(error).__module__}.{type(error).__name__}"}
    if isinstance(error, ClientError):
        metadata: Any = error.response["ResponseMetadata"]
        told |= {
            "error": error.response["Error"],
            "operation": error.operation_name,
            "status": metadata.get("HTTPStatusCode"),
            "retries": metadata.get("RetryAttempts"),
            "at_limit": metadata.get("MaxAttemptsReached"),
            "request": metadata.get("RequestId"),
        }
    return told


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


LOADER = AioSession().get_component("data_loader")


def a_session() -> AioSession:
    """One that knows no credentials yet, and the service models already."""
    session = AioSession()
    session.register_component("data_loader", LOADER)
    return session


async def outcomes_of(client: Any, calls: Sequence[Call]) -> list[Any]:
    outcomes: list[Any] = []
    for name, arguments in calls:
        try:
            outcomes.append(without_metadata(await getattr(client, name)(**arguments)))
        except Exception as error:  # noqa: BLE001 - what is raised is what is compared
            outcomes.append(described(error))
    return outcomes


async def told_by(
    transport: str, calls: Sequence[Call], endpoint_url: str | None, *, read_s: float = 5
) -> list[Any]:
    config = AioConfig(
        connect_timeout=2,
        read_timeout=read_s,
        retries={"mode": "standard", "total_max_attempts": 3},
        http_session_cls=_UnredirectedSession,
    )
    session = a_session()
    async with session.create_client("sqs", config=config, endpoint_url=endpoint_url) as client:
        if transport == "sdk":
            return await outcomes_of(client, calls)
        return await outcomes_of(LeanSqs(client, await session.get_credentials()), calls)


async def both(
    steps: Sequence[Step], calls: Sequence[Call] = (RECEIVE,), *, read_s: float = 5
) -> tuple[Told, Told]:
    """The SDK and the lean transport, each at an endpoint with this script."""
    told: list[Told] = []
    for transport in ("sdk", "lean"):
        async with scripted(steps) as endpoint:
            outcomes = await told_by(transport, calls, endpoint.url, read_s=read_s)
        told.append(Told(outcomes, endpoint.seen))
    return told[0], told[1]


@pytest.fixture(autouse=True)
def _static_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays before retries, which nobody waits for."""
    taken: list[float] = []

    async def sleep(_self: object, seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(AioEndpoint, "_sleep", sleep)
    return taken


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
UNENDED = OK + b"\r\n"  # Neither a length nor chunks: the body ends where the connection does.
PLAIN = OK + b"Content-Length: 2\r\n\r\n{}"
SKEWED = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)

ROUNDS = [
    pytest.param([Answer({"Messages": [MESSAGE]})], RECEIVE, 1, id="a message with everything"),
    pytest.param([Answer({})], RECEIVE, 1, id="no message"),
    pytest.param([Answer(b"")], RECEIVE, 1, id="an answer without a body"),
    pytest.param(
        [Answer({"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]})],
        DELETE,
        1,
        id="a delete that SQS did not do",
    ),
    pytest.param(
        [Answer({"Successful": [], "Failed": [{"Id": "0", "Code": "X", "SenderFault": True}]})],
        HIDE,
        1,
        id="a stale handle",
    ),
    pytest.param(
        [Answer({"Successful": [{"Id": "0", "MessageId": "m", "MD5OfMessageBody": "d"}]})],
        SEND,
        1,
        id="unicode and bytes sent",
    ),
    pytest.param([Answer({}, 503), Answer({"Messages": []})], RECEIVE, 2, id="503, then good"),
    pytest.param([Answer(b"<html>oops</html>", 500)], DELETE, 3, id="500 in HTML for ever"),
    pytest.param([Answer(b"", 502), Answer({})], HIDE, 2, id="502 with nothing in it"),
    pytest.param([Answer({}, 504), Answer({}, 500), Answer({})], SEND, 3, id="two failures"),
    pytest.param([refusal(500, "InternalFailure")], SEND, 3, id="internal failure"),
    pytest.param(
        [query_error(400, "RequestThrottled", "RequestThrottled"), Answer({})],
        DELETE,
        2,
        id="throttled, then good",
    ),
    pytest.param([refusal(400, "ThrottlingException")], RECEIVE, 3, id="throttled for ever"),
    pytest.param([query_error(403, "OverLimit", "OverLimit")], RECEIVE, 1, id="too many in flight"),
    pytest.param([refusal(403, "AccessDeniedException")], RECEIVE, 1, id="access denied"),
    pytest.param([refusal(403, "InvalidClientTokenId")], RECEIVE, 1, id="unknown key"),
    pytest.param([refusal(403, "SignatureDoesNotMatch")], DELETE, 1, id="bad signature"),
    pytest.param([refusal(403, "ExpiredTokenException")], DELETE, 1, id="expired token"),
    pytest.param(
        [refusal(403, "InvalidSignatureException", Date=SKEWED)], RECEIVE, 1, id="clock skew"
    ),
    pytest.param(
        [refusal(503, "ServiceUnavailable", Date=SKEWED), Answer({})],
        RECEIVE,
        2,
        id="a skewed clock tells the retry how long it has",
    ),
    pytest.param(
        [query_error(400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")],
        RECEIVE,
        1,
        id="no such queue, as the query protocol said it",
    ),
    pytest.param(
        [query_error(400, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid")],
        DELETE,
        1,
        id="a modelled error",
    ),
    pytest.param([refusal(400, "SomethingNew")], HIDE, 1, id="an error nobody knows"),
    pytest.param([Answer(b"not json", 400)], HIDE, 1, id="a refusal that is no JSON"),
    pytest.param([Answer({}, 307, {"Location": "http://127.0.0.1:9/"})], SEND, 1, id="a redirect"),
    pytest.param([Fault.CUT, Answer({})], RECEIVE, 2, id="cut, then good"),
    pytest.param([Fault.CUT], DELETE, 3, id="cut for ever"),
    pytest.param([Fault.RESET, Answer({})], DELETE, 2, id="reset, then good"),
    pytest.param([Fault.NOISE, Answer({})], RECEIVE, 2, id="no HTTP, then good"),
    pytest.param([Answer(b'{"Mess', promised=400), Answer({})], RECEIVE, 2, id="half an answer"),
    pytest.param([Answer(b'{"Mess', promised=400)], RECEIVE, 3, id="always half an answer"),
    pytest.param(
        [Answer(b'{"Messages": [{"MessageId": "m", "Body": "\\ud800"}]}')],
        RECEIVE,
        1,
        id="a text that UTF-8 cannot hold",
    ),
    # What HTTP allows and forbids, where the two have clients of their own.
    pytest.param(
        [Raw(CHUNKED + b'9\r\n{"Failed"\r\n4\r\n:[]}\r\n0\r\n\r\n')], HIDE, 1, id="chunks"
    ),
    pytest.param(
        [Raw(CHUNKED + b"2\r\n{}\r\n0\r\nx: y\r\n\r\n")], HIDE, 1, id="chunks and a trailer"
    ),
    pytest.param([Raw(CHUNKED + b"2\r\n{}\r\n", After.CLOSE)], HIDE, 3, id="chunks without an end"),
    pytest.param([Raw(CHUNKED + b"zz\r\n{}\r\n")], HIDE, 3, id="a chunk of no size"),
    pytest.param(
        [Raw(UNENDED + b"{}", After.CLOSE)], HIDE, 1, id="a body that ends with its connection"
    ),
    pytest.param([Raw(UNENDED + b"{}", After.HALF_CLOSE)], HIDE, 1, id="one that is half closed"),
    pytest.param([Raw(b"HTTP/1.0 200 OK\r\n\r\n{}", After.CLOSE)], HIDE, 1, id="HTTP/1.0"),
    pytest.param([Raw(b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN)], DELETE, 1, id="100, then good"),
    pytest.param(
        [Raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + PLAIN)], DELETE, 1, id="hints"
    ),
    pytest.param(
        [Raw(b"HTTP/1.1 100 Continue\r\n\r\n", After.CLOSE)], DELETE, 3, id="100, then nothing"
    ),
    pytest.param([Raw(b"", After.HALF_CLOSE)], DELETE, 3, id="half closed in place of an answer"),
    pytest.param([Raw(OK + b"Content-Le", After.CLOSE)], DELETE, 3, id="half a head"),
    pytest.param(
        [Raw(OK + b"Content-Length: 9\r\n\r\n{", After.RESET)], DELETE, 3, id="reset within"
    ),
    pytest.param([Fault.RESET], DELETE, 3, id="reset for ever"),
    pytest.param([Fault.NOISE], DELETE, 3, id="no HTTP for ever"),
    pytest.param([Raw(OK + b"Content-Length: two\r\n\r\n{}")], DELETE, 3, id="a length in words"),
    pytest.param(
        [Raw(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")], DELETE, 3, id="two lengths"
    ),
    pytest.param(
        [Raw(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}")],
        DELETE,
        3,
        id="a length and chunks",
    ),
    pytest.param([Raw(OK + b"x: " + b"y" * 100_000)], DELETE, 3, id="a head without an end"),
    pytest.param([Raw(OK + b"x: y\r\n" * 20_000)], DELETE, 3, id="headers without an end"),
]


@pytest.mark.parametrize(("steps", "call", "requests"), ROUNDS)
async def test_both_do_the_same(
    steps: list[Step], call: Call, requests: int, pauses: list[float]
) -> None:
    sdk, lean = await both(steps, [call])
    assert lean.outcomes == sdk.outcomes
    assert lean.wire == sdk.wire
    assert len(lean.seen) == requests
    assert len(pauses) == 2 * (requests - 1), "both wait before each retry"
    assert all(request.is_signed_with(SECRET) for request in sdk.seen + lean.seen)
    assert len({request.headers["amz-sdk-invocation-id"] for request in lean.seen}) == 1


async def test_a_message_keeps_its_bytes() -> None:
    _, lean = await both([Answer({"Messages": [MESSAGE]})])
    attributes = lean.outcomes[0]["Messages"][0]["MessageAttributes"]
    assert attributes["raw"]["BinaryValue"] == b"\x00\xff\x10"


async def test_an_endpoint_that_hangs_is_given_up_alike() -> None:
    sdk, lean = await both([Fault.HANG], [RECEIVE], read_s=0.2)
    assert lean.outcomes == sdk.outcomes
    assert lean.outcomes[0]["raised"] == "botocore.exceptions.ReadTimeoutError"
    assert lean.wire == sdk.wire
    assert len(lean.seen) == 3


async def test_nobody_at_the_endpoint_is_the_same_error(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    told = [await told_by(transport, [DELETE], url) for transport in ("sdk", "lean")]
    assert told[0] == told[1]
    assert told[0] == [{"raised": "botocore.exceptions.EndpointConnectionError"}]


async def test_a_retry_quota_that_is_used_up_and_earned_back() -> None:
    """Both spend it on the same calls; what a success puts back counts for either."""
    failing = [Answer({}, 503)] * (2 * 50 + 3)  # 500 units at 5 a retry, then none left
    good = [Answer({})] * 12
    calls = [DELETE] * 53 + [RECEIVE] * 12 + [DELETE] * 2
    sdk, lean = await both([*failing, *[Answer({}, 503)] * 50, *good, Answer({}, 503)], calls)
    assert len(lean.seen) == len(sdk.seen)
    assert lean.outcomes == sdk.outcomes
    assert lean.wire == sdk.wire
    retries = [outcome.get("retries") for outcome in lean.outcomes if "raised" in outcome]
    assert retries == [2] * 50 + [0] * 3 + [2, 0], "what twelve successes gave is two retries"


# --- a deliberate difference ---------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"<html>a proxy's page</html>", b'{"Messages": [', b"[1]"])
async def test_a_good_status_with_no_json_is_an_error_here_and_an_empty_answer_there(
    body: bytes,
) -> None:
    sdk, lean = await both([Answer(body)])
    assert lean.outcomes == [{"raised": "botocore.parsers.ResponseParserError"}]
    assert sdk.outcomes != lean.outcomes
    assert lean.wire == sdk.wire


async def test_a_page_in_place_of_an_answer_is_transient_for_the_runtime() -> None:
    async with scripted([Answer(b"<html>a proxy's page</html>")]) as endpoint:
        session = a_session()
        async with session.create_client("sqs", endpoint_url=endpoint.url) as client:
            lean = LeanSqs(client, await session.get_credentials())
            with pytest.raises(TransientError, match="unreadable"):
                await AioSqsQueue(lean, QUEUE_URL, "work").delete(["handle"])


# --- credentials and endpoints -------------------------------------------------------------------


async def test_no_credentials_are_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sdk, lean = await both([Answer({})])
    assert lean.outcomes == sdk.outcomes
    assert lean.outcomes == [{"raised": "botocore.exceptions.NoCredentialsError"}]
    assert not lean.seen


async def test_a_session_token_is_sent_and_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEJ==")
    sdk, lean = await both([Answer({})])
    assert lean.wire == sdk.wire
    assert lean.seen[0].headers["x-amz-security-token"] == "IQoJb3JpZ2luX2VjEJ=="
    assert lean.seen[0].is_signed_with(SECRET, "IQoJb3JpZ2luX2VjEJ==")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
@pytest.mark.parametrize("path", ["", "/", "/behind/a/proxy"])
async def test_the_endpoint_is_where_the_variable_says(
    variable: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Told] = []
    for transport in ("sdk", "lean"):
        async with scripted([Answer({})]) as endpoint:
            monkeypatch.setenv(variable, endpoint.url + path)
            outcomes = await told_by(transport, [RECEIVE, DELETE], None)
        told.append(Told(outcomes, endpoint.seen))
    assert told[0].wire == told[1].wire
    assert told[1].outcomes == [{}, {}]
    assert all(request.is_signed_with(SECRET) for request in told[1].seen)


async def test_a_proxy_is_passed_through_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Told] = []
    for transport in ("sdk", "lean"):
        async with scripted([Answer({}), Answer({}, 503), Answer({})]) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            calls = [RECEIVE, DELETE]
            outcomes = await told_by(transport, calls, "http://sqs.example.com:8080")
        told.append(Told(outcomes, proxy.seen))
    assert told[0].wire == told[1].wire
    assert [seen.line for seen in told[1].seen] == [
        "POST http://sqs.example.com:8080/ HTTP/1.1"
    ] * 3
    assert told[1].outcomes == [{}, {}]


async def test_a_header_with_a_line_end_in_it_goes_nowhere() -> None:
    config = AioConfig(user_agent="ours\r\nx-evil: 1", retries={"total_max_attempts": 1})
    async with scripted([Answer({})]) as endpoint:
        session = a_session()
        async with session.create_client("sqs", config=config, endpoint_url=endpoint.url) as sdk:
            lean = LeanSqs(sdk, await session.get_credentials())
            told = [await outcomes_of(client, [RECEIVE]) for client in (sdk, lean)]
    assert told == [[{"raised": "botocore.exceptions.HTTPClientError"}]] * 2
    assert not endpoint.seen


async def test_an_authority_that_nobody_knows_is_the_same_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = an_authority(tmp_path)
    async with scripted([Answer({})], tls=authority.server_side()) as endpoint:
        url = endpoint.url.replace("http:", "https:")
        refused = [await told_by(transport, [DELETE], url) for transport in ("sdk", "lean")]
        monkeypatch.setenv("AWS_CA_BUNDLE", authority.bundle)
        taken = [await told_by(transport, [DELETE], url) for transport in ("sdk", "lean")]
    assert refused == [[{"raised": "botocore.exceptions.SSLError"}]] * 2
    assert taken == [[{}]] * 2


class Metadata:
    """Where a container or an instance gets its credentials: each time others."""

    def __init__(self) -> None:
        self.given = 0

    def credentials(self) -> dict[str, Any]:
        self.given += 1
        ends_at = datetime.now(UTC) + timedelta(hours=6)
        return {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": f"ASIA{self.given:016}",
            "SecretAccessKey": SECRET,
            "Token": f"token-{self.given}",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "Expiration": ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    async def serve(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        match request.path:
            case "/latest/api/token":
                return aiohttp.web.Response(
                    text="imds", headers={"x-aws-ec2-metadata-token-ttl-seconds": "21600"}
                )
            case "/latest/meta-data/iam/security-credentials/":
                return aiohttp.web.Response(text="the-role")
            case _:
                return aiohttp.web.json_response(self.credentials())


@pytest.mark.parametrize("kind", ["container", "instance"])
async def test_credentials_of_the_machine_are_had_and_renewed_alike(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    told: list[Told] = []
    for transport in ("sdk", "lean"):
        metadata = Metadata()
        app = aiohttp.web.Application()
        app.router.add_route("*", "/{path:.*}", metadata.serve)
        runner = aiohttp.web.AppRunner(app)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        if kind == "container":
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/role")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in")
        else:
            monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        async with scripted([Answer({})]) as endpoint:
            outcomes = await _calls_around_a_refresh(transport, endpoint)
        await runner.cleanup()
        assert metadata.given == 2, "renewed once, and asked for no more often than needed"
        told.append(Told(outcomes, endpoint.seen))
    sdk, lean = told
    assert lean.wire == sdk.wire
    assert [request.access_key[-1] for request in lean.seen] == ["1", "1", "2", "2"]
    assert all(
        request.is_signed_with(SECRET, request.headers["x-amz-security-token"])
        for request in lean.seen
    )


async def _calls_around_a_refresh(transport: str, endpoint: Endpoint) -> list[Any]:
    session = a_session()
    async with session.create_client("sqs", endpoint_url=endpoint.url) as client:
        caller: Any = client
        if transport == "lean":
            caller = LeanSqs(client, await session.get_credentials())
        before = await outcomes_of(caller, [RECEIVE, DELETE])
        credentials: Any = await session.get_credentials()
        credentials._expiry_time = datetime.now(UTC) + timedelta(minutes=5)
        return before + await outcomes_of(caller, [RECEIVE, DELETE])


async def test_a_way_of_signing_that_we_do_not_know_is_left_to_the_sdk() -> None:
    """The specimen is signed with other credentials than ours: what goes out is the SDK's own."""
    async with scripted([Answer({"Messages": [MESSAGE]})]) as endpoint:
        session, other = a_session(), a_session()
        other.set_credentials("AKIAOTHER", "another secret")
        async with session.create_client("sqs", endpoint_url=endpoint.url) as client:
            lean = LeanSqs(client, await other.get_credentials())
            answer = await lean.receive_message(**RECEIVE[1])
    assert answer["Messages"][0]["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\xff\x10"
    assert [request.access_key for request in endpoint.seen] == ["AKIAIOSFODNN7EXAMPLE"]
    assert endpoint.seen[0].is_signed_with(SECRET)
