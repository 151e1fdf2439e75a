"""Keys of the emulator's KMS, and a client that counts and can be cut off."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EndpointConnectionError

if TYPE_CHECKING:
    from types_aiobotocore_kms import KMSClient


class WatchedKms:
    """The real client; `calls` counts, `is_down` cuts the line, `refusal` is an AWS error code."""

    def __init__(self, client: KMSClient) -> None:
        self._client = client
        self.calls: Counter[str] = Counter()
        self.contexts: list[dict[str, str]] = []
        self.is_down = False
        self.refusal = ""

    async def generate_data_key(self, **request: Any) -> Any:
        """As the SDK's."""
        return await self._call("generate_data_key", request)

    async def decrypt(self, **request: Any) -> Any:
        """As the SDK's."""
        return await self._call("decrypt", request)

    async def _call(self, method: str, request: dict[str, Any]) -> Any:
        self.calls[method] += 1
        self.contexts.append(request["EncryptionContext"])
        if self.is_down:
            raise EndpointConnectionError(endpoint_url="http://kms")
        if self.refusal:
            answer: Any = {"Error": {"Code": self.refusal, "Message": "no"}}
            raise ClientError(answer, method)
        return await getattr(self._client, method)(**request)
