"""The process's one AWS session, its clients and its HTTP session.

Region, credentials, endpoints (`AWS_ENDPOINT_URL[_SERVICE]`) and the application id in the user
agent come from the standard variables, which the SDK reads by itself: there is no local mode.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore import UNSIGNED

if TYPE_CHECKING:
    from aiobotocore.credentials import AioCredentials
    from types_aiobotocore_connect import ConnectClient
    from types_aiobotocore_connectparticipant import ConnectParticipantClient
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_kms import KMSClient
    from types_aiobotocore_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_scheduler import EventBridgeSchedulerClient
    from types_aiobotocore_sqs import SQSClient


class _UnredirectedSession(AIOHTTPSession):
    """The SDK's HTTP session, following no redirect, as botocore's own does not.

    aiohttp would follow: a 307 then sends a text a second time, and takes a bearer token along to
    whatever host it names.
    """

    async def _get_session(self, proxy_url: str | None) -> _Unredirected:
        inherited: Any = super()  # the published types leave this method out
        return _Unredirected(await inherited._get_session(proxy_url))


class _Unredirected:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, **options: Any) -> aiohttp.ClientResponse:
        return await self._session.request(method, allow_redirects=False, **options)


@dataclass(frozen=True, slots=True)
class AwsPolicy:
    """How the clients connect.

    `max_connections` is per service and must cover pollers and slots: a call that waits for a
    connection waits without a limit of its own. `sqs_read_timeout_s` exceeds the long poll.
    """

    max_connections: int = 64
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 10.0
    sqs_read_timeout_s: float = 30.0
    max_attempts: int = 3


class CloudWatch(Protocol):
    """The one call of CloudWatch that we make."""

    async def get_metric_statistics(self, **request: Any) -> Any:
        """GetMetricStatistics."""
        ...


class MailSuppressions(Protocol):
    """The two calls of SES v2 that we make."""

    async def put_suppressed_destination(self, **request: Any) -> Any:
        """PutSuppressedDestination."""
        ...

    async def delete_suppressed_destination(self, **request: Any) -> Any:
        """DeleteSuppressedDestination."""
        ...


class EventBus(Protocol):
    """The one call of EventBridge that we make."""

    async def put_events(self, **request: Any) -> Any:
        """PutEvents."""
        ...


class ProfilesApi(Protocol):
    """The three calls of Customer Profiles that we make, and the client's hooks."""

    @property
    def meta(self) -> Any:
        """Holds `events`."""
        ...

    async def search_profiles(self, **request: Any) -> Any:
        """SearchProfiles."""
        ...

    async def create_profile(self, **request: Any) -> Any:
        """CreateProfile."""
        ...

    async def put_profile_object(self, **request: Any) -> Any:
        """PutProfileObject."""
        ...


class Aws:
    """An async context manager that owns every connection to AWS; clients are made when asked for.

    Texts have no idempotency token, so their client makes one attempt and no more. The
    participant service takes its token in a header and no signature.
    """

    def __init__(self, policy: AwsPolicy | None = None) -> None:
        self._policy = policy or AwsPolicy()
        self._session = AioSession()
        self._open = AsyncExitStack()
        self._clients: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clients.clear()
        await self._open.aclose()

    async def sqs(self) -> SQSClient:
        """SQS, whose reads outlast a long poll of 20 s."""
        timeout_s = self._policy.sqs_read_timeout_s
        return cast("SQSClient", await self._client("sqs", read_timeout=timeout_s))

    async def credentials(self) -> AioCredentials | None:
        """Those that every client signs with, kept fresh; None when there are none."""
        return await self._session.get_credentials()

    async def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        return cast("DynamoDBClient", await self._client("dynamodb"))

    async def cloudwatch(self) -> CloudWatch:
        """CloudWatch, for operators' commands only."""
        return cast("CloudWatch", await self._client("cloudwatch"))

    async def connect(self) -> ConnectClient:
        """Amazon Connect."""
        return cast("ConnectClient", await self._client("connect"))

    async def connectparticipant(self) -> ConnectParticipantClient:
        """Amazon Connect's participant service, unsigned."""
        client = await self._client("connectparticipant", signature_version=UNSIGNED)
        return cast("ConnectParticipantClient", client)

    async def sms_voice(self) -> PinpointSMSVoiceV2Client:
        """End User Messaging: never more than one attempt."""
        client = await self._client(
            "pinpoint-sms-voice-v2", retries={"mode": "standard", "total_max_attempts": 1}
        )
        return cast("PinpointSMSVoiceV2Client", client)

    async def sesv2(self) -> MailSuppressions:
        """SES, for its account suppression list."""
        return cast("MailSuppressions", await self._client("sesv2"))

    async def events(self) -> EventBus:
        """EventBridge, for the results of reminders."""
        return cast("EventBus", await self._client("events"))

    async def customer_profiles(self) -> ProfilesApi:
        """Customer Profiles: never more than one attempt, as making a profile has no token."""
        client = await self._client(
            "customer-profiles", retries={"mode": "standard", "total_max_attempts": 1}
        )
        return cast("ProfilesApi", client)

    async def s3(self) -> S3Client:
        """S3."""
        return cast("S3Client", await self._client("s3"))

    async def scheduler(self) -> EventBridgeSchedulerClient:
        """EventBridge Scheduler."""
        return cast("EventBridgeSchedulerClient", await self._client("scheduler"))

    async def kms(self) -> KMSClient:
        """KMS."""
        return cast("KMSClient", await self._client("kms"))

    async def http(self) -> aiohttp.ClientSession:
        """Plain HTTP, for presigned URLs; keeps no cookies."""
        async with self._lock:
            if "http" not in self._clients:
                session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)
                self._clients["http"] = await self._open.enter_async_context(session)
            return cast("aiohttp.ClientSession", self._clients["http"])

    async def _client(self, service: str, **options: Any) -> Any:
        async with self._lock:
            if service not in self._clients:
                create: Any = self._session.create_client  # typed per literal name only
                client = create(service, config=self._config(options))
                self._clients[service] = await self._open.enter_async_context(client)
            return self._clients[service]

    def _config(self, options: dict[str, Any]) -> AioConfig:
        defaults: dict[str, Any] = {
            "max_pool_connections": self._policy.max_connections,
            "connect_timeout": self._policy.connect_timeout_s,
            "read_timeout": self._policy.read_timeout_s,
            "retries": {"mode": "standard", "total_max_attempts": self._policy.max_attempts},
            "http_session_cls": _UnredirectedSession,
        }
        return AioConfig(**(defaults | options))
