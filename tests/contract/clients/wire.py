"""A server that does to a request whatever a test says, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What arrived: headers by lower-case name, the body as it was."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """One connection, as a behaviour sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> Request | None:
        """The next request; None when the client hung up."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines) if k}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = first.split(" ")
        return Request(method, path, headers, body)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Hang up with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Behaviour = Callable[[Peer, Request], Awaitable[None]]


def answer(status: int, body: object = None, **headers: str) -> Behaviour:
    """A well-formed HTTP answer; `body` bytes as they are, anything else as JSON."""
    content = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    async def behave(peer: Peer, _request: Request) -> None:
        await peer.write("\r\n".join([*lines, "", ""]).encode() + content)

    return behave


def raw(data: bytes) -> Behaviour:
    """These bytes, then hang up."""

    async def behave(peer: Peer, _request: Request) -> None:
        await peer.write(data)
        peer.writer.close()

    return behave


async def hang(_peer: Peer, _request: Request) -> None:
    """No answer while the test lasts."""
    await asyncio.sleep(60)


async def drip(peer: Peer, _request: Request) -> None:
    """An answer that never ends, though something always comes."""
    await peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await peer.write(b" ")
        await asyncio.sleep(0.05)


async def hang_up(peer: Peer, _request: Request) -> None:
    peer.writer.close()


async def reset(peer: Peer, _request: Request) -> None:
    peer.reset()
    peer.writer.close()


@dataclass
class WireServer:
    """`script` is used up one behaviour a request; the last one stays."""

    url: str = ""
    script: list[Behaviour] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    hangs_up_at_accept: str = ""  # "fin" or "rst": before anything is read
    closes_after_answer: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        try:
            if self.hangs_up_at_accept == "rst":
                peer.reset()
            while not self.hangs_up_at_accept and (request := await peer.read()):
                self.requests.append(request)
                behave = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                await behave(peer, request)
                if self.closes_after_answer:
                    break
        except ConnectionError:
            pass  # the client gave up first, which some tests want
        finally:
            writer.close()


@asynccontextmanager
async def wire_server() -> AsyncIterator[WireServer]:
    """A `WireServer` on a free loopback port; what still hangs is cancelled at the end."""
    wire = WireServer()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(wire.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def closed_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
