"""The connections to one endpoint: kept for the next call, made when none is idle.

How they are made is the SDK's to say: its time limits, how many, for how long idle ones are kept,
its TLS context (`verify`, the CA bundle, a client certificate) and socket options are read from
its HTTP session, and closed with it.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp

from workers.runtime.lean_connection import Connection, Reply

HAPPY_EYEBALLS_S = 0.25
"""RFC 8305, "Connection Attempt Delay": then the host's next address is tried beside the first."""

_PORTS = {"http": 80, "https": 443}


class Pool:
    """Connections to the host of `url`, for as long as the SDK's HTTP session is open."""

    def __init__(self, http_session: Any, url: str) -> None:
        parts = urlsplit(url)
        self._http_session = http_session
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._is_tls = parts.scheme == "https"
        self._ssl: ssl.SSLContext | None = None
        self._connect_timeout_s: float | None = http_session._timeout.sock_connect
        self._read_timeout_s: float | None = http_session._timeout.sock_read
        self._keep_s: float = http_session._connector_args["keepalive_timeout"]
        self._may_be_out = asyncio.Semaphore(http_session._max_pool_connections)
        self._idle: list[Connection] = []  # the one that was used last at the end
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        cast("AsyncExitStack", http_session._exit_stack).callback(self._close)

    @staticmethod
    def fits(http_session: Any) -> bool:
        """Whether the session asks for nothing of aiohttp's connector that we do not do."""
        asked: dict[str, Any] = http_session._connector_args
        return asked.keys() == {"keepalive_timeout"} and asked["keepalive_timeout"] is not None

    async def exchange(self, request: bytes) -> Reply:
        """Send a request, its answer back; waits while as many as may be are out.

        Raises:
            aiohttp.ClientError, ssl.SSLError: as `Connection.exchange`, and when none can be made.
        """
        async with self._may_be_out:
            connection = self._take_idle() or await self._connect()
            reply = await connection.exchange(request)
            self._put_back(connection)
            return reply

    def _take_idle(self) -> Connection | None:
        used_since = self._loop.time() - self._keep_s
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_spent and connection.idle_since >= used_since:
                return connection
            connection.close()
        return None

    def _put_back(self, connection: Connection) -> None:
        if connection.is_spent or self._is_closed:
            connection.close()
            return
        self._idle.append(connection)
        # Those at the bottom are not taken while there is less to do: the server closes them soon.
        used_since = connection.idle_since - self._keep_s
        while self._idle[0].is_spent or self._idle[0].idle_since < used_since:
            self._idle.pop(0).close()

    async def _connect(self) -> Connection:
        if self._is_closed:
            raise aiohttp.ClientConnectionError("the session is closed")
        if self._is_tls and self._ssl is None:
            # Reads the CA bundle: in a thread, as the SDK does.
            built = await asyncio.to_thread(self._http_session._build_ssl_contexts, None)
            self._ssl = built[0]
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._connected()
        except ssl.SSLError:
            raise
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection in time") from error
        except OSError as error:
            raise aiohttp.ClientOSError(*error.args) from error

    async def _connected(self) -> Connection:
        transport, connection = await self._loop.create_connection(
            lambda: Connection(self._read_timeout_s),
            self._host,
            self._port,
            ssl=self._ssl,
            happy_eyeballs_delay=HAPPY_EYEBALLS_S,
        )
        socket = transport.get_extra_info("socket")
        for option in self._http_session._socket_options:
            socket.setsockopt(*option)
        return connection

    def _close(self) -> None:
        self._is_closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()
