"""The lean transport beside the SDK's: the same calls, the same endpoint, the same outcome.

Whatever the script has the endpoint do, both transports must put the same requests on the wire,
with signatures that botocore confirms, and end with the same answer or the same error.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.contract.runtime.both import (
    DELETE,
    HIDE,
    MESSAGE,
    QUEUE_URL,
    RECEIVE,
    SECRET,
    SEND,
    Call,
    a_session,
    both,
    told_by,
)
from tests.contract.runtime.scripted import (
    After,
    Answer,
    Fault,
    Raw,
    Step,
    scripted,
)
from workers.errors import TransientError
from workers.runtime.lean_sqs import LeanSqs
from workers.runtime.sqs import AioSqsQueue

pytestmark = pytest.mark.usefixtures("static_credentials", "pauses")


def refusal(status: int, code: str, **headers: str) -> Answer:
    return Answer({"__type": f"com.amazonaws.sqs#{code}", "message": "no"}, status, headers)


def query_error(status: int, code: str, query_code: str) -> Answer:
    return Answer(
        {"__type": f"com.amazonaws.sqs#{code}", "message": "no"},
        status,
        {"x-amzn-query-error": f"{query_code};Sender"},
    )


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
