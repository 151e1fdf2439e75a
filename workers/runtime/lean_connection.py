"""One HTTP/1.1 connection: a request goes out, its answer comes back, then the next.

For calls that are small and made all the time: the whole request is one write, the whole answer
is kept. What goes wrong is raised as aiohttp's own error for it, so that one table has what the
SDK makes of each, whichever of the two was the client. Knows nothing of AWS.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import aiohttp
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES = 65_536
"""Of an answer's head that goes on and on. The parser itself would take any number of headers."""

HTTP_OK = 200


@dataclass(slots=True)
class Reply:
    """An answer, all of it. `headers` as they came."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def read(self) -> bytes:
        """The body, as the SDK asks an answer for it."""
        return self.body


class Connection(asyncio.Protocol):
    """One exchange after another, never two at once. `read_timeout_s`: without a byte; None: never.

    It is spent after anything but a whole answer on a connection that both sides keep: an answer
    that comes late, or bytes that nobody asked for, can then meet no other request.
    """

    def __init__(self, read_timeout_s: float | None) -> None:
        self.is_spent = False
        self.idle_since = 0.0
        self._read_timeout_s = read_timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._answer: asyncio.Future[Reply] | None = None
        self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._begin()

    async def exchange(self, request: bytes) -> Reply:
        """Send a whole request and return its answer.

        Raises:
            aiohttp.ServerDisconnectedError, ClientPayloadError: the server closed, before the
                answer or within it.
            aiohttp.ClientOSError: the connection broke.
            aiohttp.SocketTimeoutError: no byte came for `read_timeout_s`.
            aiohttp.ClientError: it was no HTTP, or a head without an end.
        """
        transport = self._transport
        if transport is None or self.is_spent:
            raise aiohttp.ServerDisconnectedError
        self._answer = self._loop.create_future()
        self._watch()
        transport.write(request)
        try:
            return await self._answer
        except BaseException:
            # Also when we are cancelled: the answer may still come, and nobody may read it.
            self.close()
            raise
        finally:
            self._answer = None
            self.idle_since = self._loop.time()

    def close(self) -> None:
        """Give it up, at once."""
        self.is_spent = True
        if self._transport is not None:
            self._transport.abort()

    # --- what asyncio calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer, or of nothing that we asked for."""
        if self._answer is None or self._answer.done() or self._parser is None:
            self.close()
            return
        self._watch()
        self._came_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            # Behind a whole answer it is rubbish that costs the connection alone.
            self._fail(_NoHttpError())
        if not self._is_in_body and self._came_bytes > MAX_HEAD_BYTES:
            self._fail(_NoHttpError())

    def eof_received(self) -> None:
        """The server sends no more: the end of an answer that has no other, or an early one."""
        if self._is_in_body and not self._is_delimited():
            self._finish()
        self._fail(self._cut_short())

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        if error is None or self._is_in_body:
            self._fail(self._cut_short())
        else:
            self._fail(aiohttp.ClientOSError(*error.args))
        if self._alarm is not None:
            self._alarm.cancel()
        self._transport = self._parser = None  # They know us: without this, a cycle each.

    # --- what the parser calls -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins. Behind one that is whole it is nobody's."""
        if self._answer is not None and self._answer.done():
            self.is_spent = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is over."""
        assert self._parser is not None  # noqa: S101 - it is what calls
        self._is_in_body = True
        self._status = self._parser.get_status_code()
        if not self._parser.should_keep_alive() and self._status >= HTTP_OK:
            self.is_spent = True

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only announces one (100 Continue)."""
        if self._status >= HTTP_OK:
            self._finish()
        self._begin()

    # --- the answer ------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._is_in_body = False
        self._came_bytes = 0

    def _finish(self) -> None:
        if self._answer is not None and not self._answer.done():
            body = b"".join(self._parts)
            self._answer.set_result(Reply(self._status, self._headers, body))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()

    def _cut_short(self) -> aiohttp.ClientError:
        if self._is_in_body:
            return aiohttp.ClientPayloadError("the answer is not whole")
        return aiohttp.ServerDisconnectedError()

    def _is_delimited(self) -> bool:
        """Whether the head says where the body ends, by a length or by chunks."""
        return any(
            name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._headers
        )

    # --- time ------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Something went or came: the time to wait begins anew.

        One alarm rings on for the connection's life and looks then how late it is: an alarm for
        each exchange would cost more than parsing its answer.
        """
        if self._read_timeout_s is not None:
            self._deadline = self._loop.time() + self._read_timeout_s
            if self._alarm is None:
                self._alarm = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._alarm = None
        if self._answer is None or self._answer.done():
            return  # Idle: the next exchange sets it again.
        if self._loop.time() < self._deadline:
            self._alarm = self._loop.call_at(self._deadline, self._look)
        else:
            self._fail(aiohttp.SocketTimeoutError("no answer in time"))


class _NoHttpError(aiohttp.ClientError):
    """What came is no HTTP answer, or has a head that does not end."""
