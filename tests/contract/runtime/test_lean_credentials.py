"""The lean transport beside the SDK's: whose credentials, which endpoint, whose certificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp.web
import pytest
from aiobotocore.config import AioConfig

from tests.contract.runtime.both import (
    DELETE,
    MESSAGE,
    RECEIVE,
    SECRET,
    Told,
    a_session,
    both,
    outcomes_of,
    told_by,
)
from tests.contract.runtime.certificates import an_authority
from tests.contract.runtime.scripted import (
    Answer,
    Endpoint,
    scripted,
)
from workers.runtime.lean_sqs import LeanSqs

pytestmark = pytest.mark.usefixtures("static_credentials", "pauses")


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
