"""An SQS endpoint on a socket that answers by a script and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MAX_HEAD_BYTES = 65_536

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `promised` is its Content-Length when that is a lie."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None

    def raw(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {
            "x-amzn-RequestId": "0f7e2b6c-5d1a-5c2e-9d8f-1a2b3c4d5e6f",
            "Content-Type": "application/x-amz-json-1.0",
            "Content-Length": str(len(body) if self.promised is None else self.promised),
        } | self.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Status\r\n{lines}\r\n".encode() + body


class Fault(Enum):
    """What happens to a connection in place of an answer."""

    CUT = "closed without an answer"
    RESET = "reset"
    HANG = "no answer at all"
    NOISE = "an answer that is no HTTP"


class After(Enum):
    """What the server does with a connection once it has said its piece."""

    KEEP = "waits for the next request"
    CLOSE = "closes"
    HALF_CLOSE = "sends no more, and reads on"
    RESET = "resets"


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, `after_s` after the request."""

    content: bytes
    then: After = After.KEEP
    after_s: float = 0


Step = Answer | Raw | Fault


@dataclass(frozen=True)
class Seen:
    """A request as it was on the wire; header names in lower case. Connections count from 1."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0

    @property
    def access_key(self) -> str:
        return self._authorization["Credential"].split("/")[0]

    def is_signed_with(self, secret: str, token: str | None = None) -> bool:
        """Whether botocore, asked to sign this very request at its time, comes to the same."""
        _, _, region, service, _ = self._authorization["Credential"].split("/")
        names = self._authorization["SignedHeaders"].split(";")
        path = self.line.split()[1]
        request = AWSRequest(
            "POST",
            f"http://{self.headers['host']}{path}",
            headers={name: self.headers[name] for name in names if name != "host"},
            data=self.body,
        )
        request.context["timestamp"] = self.headers["x-amz-date"]
        auth = SigV4Auth(Credentials(self.access_key, secret, token), service, region)
        to_sign = auth.string_to_sign(request, auth.canonical_request(request))
        return bool(auth.signature(to_sign, request) == self._authorization["Signature"])

    def comparable(self) -> dict[str, Any]:
        """All of it but what differs from one call to the next, and JSON's white space."""
        headers = dict(self.headers)
        headers["content-length"] = f"is {len(self.body) == int(headers['content-length'])}"
        for name in ("x-amz-date", "amz-sdk-invocation-id", "host"):
            headers[name] = "..."
        signed = self._authorization
        day = signed["Credential"].partition("/")[2]
        headers["authorization"] = f"{self.access_key} {day} {signed['SignedHeaders']}"
        attempt = headers.get("amz-sdk-request", "")
        headers["amz-sdk-request"] = "; ".join(
            "ttl=..." if part.startswith("ttl=") else part for part in attempt.split("; ")
        )
        return {"line": self.line, "headers": headers, "body": json.loads(self.body)}

    @property
    def _authorization(self) -> dict[str, str]:
        fields = self.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
        return dict(part.split("=", 1) for part in fields)


@dataclass
class Endpoint:
    """Where it listens and what it has seen. `open` are connections that nobody has closed."""

    port: int
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(
    serve: Serve, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Let `serve` have each connection, which is closed behind it. Gives the port."""
    at_work: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # The client, or the test, has gone.
        finally:
            at_work.discard(task)
            writer.close()

    server = await asyncio.start_server(take, host, 0, limit=MAX_HEAD_BYTES, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(at_work):
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


@asynccontextmanager
async def scripted(
    steps: Sequence[Step], host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Endpoint]:
    """An endpoint that takes one step for each request; the last one again and again."""
    endpoint = Endpoint(0)
    left = list(steps)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint.connections += 1
        endpoint.open += 1
        endpoint.most_open = max(endpoint.most_open, endpoint.open)
        number = endpoint.connections
        try:
            while (request := await _read(reader, number)) is not None:
                endpoint.seen.append(request)
                step = left.pop(0) if len(left) > 1 else left[0]
                if not await _take(step, writer):
                    return
        finally:
            endpoint.open -= 1

    async with serving(serve, host, tls) as endpoint.port:
        yield endpoint


async def _take(step: Step, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection lives on."""
    match step:
        case Answer():
            writer.write(step.raw())
            await writer.drain()
            return step.promised is None
        case Raw():
            await asyncio.sleep(step.after_s)
            writer.write(step.content)
            await writer.drain()
            return await _end(step.then, writer)
        case Fault.HANG:
            await asyncio.sleep(60)
        case Fault.NOISE:
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            await writer.drain()
        case Fault.RESET:
            return await _end(After.RESET, writer)
        case Fault.CUT:
            pass
    return False


async def _end(then: After, writer: asyncio.StreamWriter) -> bool:
    match then:
        case After.KEEP:
            return True
        case After.HALF_CLOSE:
            writer.write_eof()
            return True
        case After.RESET:
            await asyncio.sleep(0.05)  # What was sent would be lost with the connection.
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        case After.CLOSE:
            pass
    return False


async def _read(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(line, headers, body, connection)
