"""Our own connections to SQS, on real sockets: what is kept, what is given up, and what is told.

What the SDK's client makes of the same answers is compared in test_lean_sqs.py.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiobotocore.httpsession import AIOHTTPSession

from tests.contract.runtime.certificates import Authority, an_authority
from tests.contract.runtime.scripted import (
    After,
    Answer,
    Endpoint,
    Fault,
    Raw,
    Step,
    scripted,
    serving,
)
from workers.runtime.lean_connection import MAX_HEAD_BYTES, Reply
from workers.runtime.lean_pool import Pool

REQUEST = b"POST / HTTP/1.1\r\nhost: sqs\r\ncontent-length: 2\r\n\r\n{}"
SOON_S = 0.1


def good(body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@asynccontextmanager
async def pool_at(url: str, **settings: Any) -> AsyncIterator[Pool]:
    options: dict[str, Any] = {"timeout": (2, 5), "max_pool_connections": 10} | settings
    async with AIOHTTPSession(**options) as session:
        yield Pool(session, url)


async def bodies(pool: Pool, count: int) -> list[bytes]:
    return [(await pool.exchange(REQUEST)).body for _ in range(count)]


def connections_of(endpoint: Endpoint) -> list[int]:
    """Which connection each request came on."""
    return [seen.connection for seen in endpoint.seen]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - what the other side sees has no event
            await asyncio.sleep(0)


# --- one connection, kept ------------------------------------------------------------------------


async def test_calls_one_after_another_share_a_connection() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"
    steps = [Raw(good(b"a")), Raw(chunked), Raw(good(b"")), Raw(good(b"d"))]
    async with scripted(steps) as endpoint, pool_at(endpoint.url) as pool:
        assert await bodies(pool, 4) == [b"a", b"c", b"", b"d"]
    assert connections_of(endpoint) == [1, 1, 1, 1]


async def test_a_body_of_many_reads_is_whole() -> None:
    body = bytes(range(256)) * 40_000  # as large as an answer of ten whole messages
    async with scripted([Raw(good(body))]) as endpoint, pool_at(endpoint.url) as pool:
        assert await bodies(pool, 2) == [body, body]
    assert connections_of(endpoint) == [1, 1]


async def test_status_and_headers_are_told() -> None:
    steps = [Answer({"x": 1}, 503, {"Retry-After": "7"})]
    async with scripted(steps) as endpoint, pool_at(endpoint.url) as pool:
        reply = await pool.exchange(REQUEST)
    assert (reply.status, await reply.read()) == (503, b'{"x": 1}')
    assert (b"Retry-After", b"7") in reply.headers


async def test_calls_at_once_each_have_a_connection_of_their_own_and_no_more_than_may_be() -> None:
    steps = [Raw(good(), after_s=0.02)]
    async with scripted(steps) as endpoint, pool_at(endpoint.url, max_pool_connections=3) as pool:
        await asyncio.gather(*(pool.exchange(REQUEST) for _ in range(12)))
    assert endpoint.most_open == 3
    assert endpoint.connections == 3


async def test_connections_are_closed_with_the_session() -> None:
    async with scripted([Raw(good())]) as endpoint:
        async with pool_at(endpoint.url) as pool:
            await pool.exchange(REQUEST)
            assert endpoint.open == 1
        await until(lambda: not endpoint.open)
        with pytest.raises(aiohttp.ClientConnectionError, match="closed"):
            await pool.exchange(REQUEST)


async def test_a_call_that_is_out_when_the_session_closes_leaves_no_connection() -> None:
    async with scripted([Raw(good(), after_s=SOON_S)]) as endpoint:
        async with pool_at(endpoint.url) as pool:
            out = asyncio.create_task(pool.exchange(REQUEST))
            await until(lambda: bool(endpoint.seen))
        await out
        await until(lambda: not endpoint.open)


async def test_one_that_was_idle_for_too_long_is_not_used() -> None:
    keep: dict[str, Any] = {"connector_args": {"keepalive_timeout": 0.05}}
    async with scripted([Raw(good())]) as endpoint, pool_at(endpoint.url, **keep) as pool:
        await bodies(pool, 2)
        await asyncio.sleep(SOON_S)
        await bodies(pool, 2)
        assert connections_of(endpoint) == [1, 1, 2, 2]
        assert endpoint.open == 1


async def test_one_that_nobody_takes_any_more_is_closed_beside_one_in_use() -> None:
    keep: dict[str, Any] = {"connector_args": {"keepalive_timeout": 0.05}}
    steps = [Raw(good(), after_s=0.01)]
    async with scripted(steps) as endpoint, pool_at(endpoint.url, **keep) as pool:
        await asyncio.gather(pool.exchange(REQUEST), pool.exchange(REQUEST))
        assert endpoint.open == 2
        await bodies(pool, 10)
        assert endpoint.open == 1
        assert endpoint.connections == 2


# --- given up after its answer -------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        good(b"{}") + b"\x00",
        good(b"{}") + b"rubbish behind it",
        good(b"{}") + good(b"another's answer"),
        good(b"{}") + b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
async def test_a_connection_that_is_not_to_be_kept_or_brings_more_serves_no_other_call(
    answer: bytes,
) -> None:
    steps = [Raw(answer), Raw(good(b"2"))]
    async with scripted(steps) as endpoint, pool_at(endpoint.url) as pool:
        assert await bodies(pool, 2) == [b"{}", b"2"]
        assert endpoint.open == 1
    assert connections_of(endpoint) == [1, 2]


async def test_bytes_on_an_idle_connection_end_it() -> None:
    """Whatever they are, the next call must not take them for its answer."""
    async with _speaking_up() as (url, connections), pool_at(url) as pool:
        assert await bodies(pool, 1) == [b"asked for"]
        await asyncio.sleep(SOON_S)
        assert await bodies(pool, 1) == [b"asked for"]
        assert len(connections) == 2


@asynccontextmanager
async def _speaking_up() -> AsyncIterator[tuple[str, list[object]]]:
    """Answers a request, and then another one that nobody made."""
    connections: list[object] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"{}")
        writer.write(good(b"asked for"))
        await asyncio.sleep(SOON_S / 2)
        writer.write(good(b"not asked for"))
        await reader.read()

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}", connections


@pytest.mark.parametrize("then", [After.CLOSE, After.HALF_CLOSE, After.RESET])
async def test_one_that_the_server_closed_meanwhile_is_not_used(then: After) -> None:
    steps = [Raw(good(b"1"), then), Raw(good(b"2"))]
    async with scripted(steps) as endpoint, pool_at(endpoint.url) as pool:
        first = await bodies(pool, 1)
        await asyncio.sleep(SOON_S)
        assert first + await bodies(pool, 1) == [b"1", b"2"]
    assert connections_of(endpoint) == [1, 2]


async def test_one_that_the_server_closes_just_when_it_is_used_is_a_closed_connection() -> None:
    """Perhaps the request was taken: the SDK's loop says whether it is sent again, not we."""
    steps: list[Step] = [Raw(good(b"1")), Fault.CUT, Raw(good(b"3"))]
    async with scripted(steps) as endpoint, pool_at(endpoint.url) as pool:
        assert await bodies(pool, 1) == [b"1"]
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await pool.exchange(REQUEST)
        assert await bodies(pool, 1) == [b"3"]
    assert connections_of(endpoint) == [1, 1, 2]


# --- no answer -----------------------------------------------------------------------------------


async def test_an_answer_after_its_time_meets_no_other_call() -> None:
    steps = [Raw(good(b"late"), after_s=0.3), Raw(good(b"2"))]
    async with scripted(steps) as endpoint, pool_at(endpoint.url, timeout=(2, 0.1)) as pool:
        with pytest.raises(aiohttp.ServerTimeoutError):
            await pool.exchange(REQUEST)
        assert await bodies(pool, 1) == [b"2"]
        await asyncio.sleep(0.3)
        assert await bodies(pool, 1) == [b"2"]
    assert connections_of(endpoint) == [1, 2, 2]


async def test_the_time_to_wait_begins_anew_with_each_call_and_each_byte() -> None:
    slow = [Raw(good(b"x"), after_s=0.2)] * 3
    async with scripted(slow) as endpoint, pool_at(endpoint.url, timeout=(2, 0.4)) as pool:
        assert await bodies(pool, 3) == [b"x"] * 3
    async with _dripping(good(b"y"), every_s=0.02) as url, pool_at(url, timeout=(2, 0.3)) as pool:
        assert await bodies(pool, 1) == [b"y"]


async def test_an_answer_that_stops_within_is_given_up() -> None:
    steps = [Raw(good(b"whole")[:-1])]
    async with scripted(steps) as endpoint, pool_at(endpoint.url, timeout=(2, 0.1)) as pool:
        with pytest.raises(aiohttp.ServerTimeoutError):
            await pool.exchange(REQUEST)
        await until(lambda: not endpoint.open)


@asynccontextmanager
async def _dripping(content: bytes, *, every_s: float) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        for byte in content:
            writer.write(bytes([byte]))
            await asyncio.sleep(every_s)

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}"


async def test_a_call_that_is_cancelled_closes_its_connection() -> None:
    came, ends = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        came.set()
        await reader.read()
        ends.set()

    async with serving(serve) as port, pool_at(f"http://127.0.0.1:{port}") as pool:
        out = asyncio.create_task(pool.exchange(REQUEST))
        await came.wait()
        out.cancel()
        with pytest.raises(asyncio.CancelledError):
            await out
        async with asyncio.timeout(10):
            await ends.wait()


async def test_the_answer_to_a_call_that_was_cancelled_meets_no_other() -> None:
    steps = [Raw(good(b"nobody's"), after_s=SOON_S), Raw(good(b"2"))]
    async with scripted(steps) as endpoint, pool_at(endpoint.url, max_pool_connections=1) as pool:
        out = asyncio.create_task(pool.exchange(REQUEST))
        await until(lambda: bool(endpoint.seen))
        out.cancel()
        with pytest.raises(asyncio.CancelledError):
            await out
        assert await bodies(pool, 2) == [b"2", b"2"], "and its place is free again"
    assert connections_of(endpoint) == [1, 2, 2]


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200 OK\r\n", good(b"whole")[:-1]])
async def test_an_answer_cut_off_is_an_error_at_once(cut: bytes) -> None:
    for then in (After.CLOSE, After.HALF_CLOSE):
        async with scripted([Raw(cut, then)]) as endpoint, pool_at(endpoint.url) as pool:
            with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)):
                await asyncio.wait_for(pool.exchange(REQUEST), timeout=4)


async def test_a_head_has_an_end() -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * (MAX_HEAD_BYTES // 6 - 20)
    async with scripted([Raw(head + good()[17:])]) as endpoint, pool_at(endpoint.url) as pool:
        assert await bodies(pool, 1) == [b"{}"], "one of nearly that size is read"
    async with _endless(b"x: y\r\n" * 1000) as (url, sent), pool_at(url) as pool:
        with pytest.raises(aiohttp.ClientError):
            await pool.exchange(REQUEST)
        assert sent[0] < 10_000_000


@asynccontextmanager
async def _endless(part: bytes) -> AsyncIterator[tuple[str, list[int]]]:
    sent = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while sent[0] < 20_000_000:
            writer.write(part)
            await writer.drain()
            sent[0] += len(part)

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}", sent


async def test_nobody_there_is_told(unused_tcp_port: int) -> None:
    async with pool_at(f"http://127.0.0.1:{unused_tcp_port}") as pool:
        with pytest.raises(aiohttp.ClientOSError):
            await pool.exchange(REQUEST)


async def test_a_server_that_says_nothing_to_tls_is_given_up() -> None:
    async with scripted([Fault.HANG]) as endpoint:
        url = endpoint.url.replace("http:", "https:")
        async with pool_at(url, timeout=(0.1, 5)) as pool:
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await pool.exchange(REQUEST)


async def test_sockets_are_as_the_session_wants_them() -> None:
    wanted: dict[str, Any] = {"socket_options": [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]}
    async with scripted([Raw(good())]) as endpoint, pool_at(endpoint.url, **wanted) as pool:
        await pool.exchange(REQUEST)
        raw = pool._idle[0]._transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


async def test_a_connector_made_to_order_is_left_to_aiohttp() -> None:
    async with (
        AIOHTTPSession() as plain,
        AIOHTTPSession(connector_args={"ttl_dns_cache": 3}) as own,
    ):
        assert Pool.fits(plain)
        assert not Pool.fits(own)


# --- TLS and addresses ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return an_authority(tmp_path_factory.mktemp("authority"))


async def _over_tls(
    authority: Authority, *, host: str = "127.0.0.1", ask: bool = False, **settings: Any
) -> Reply:
    tls = authority.server_side(asks_for_certificate=ask)
    async with scripted([Raw(good(b"secret"))], "127.0.0.1", tls) as endpoint:
        async with pool_at(f"https://{host}:{endpoint.port}", **settings) as pool:
            await pool.exchange(REQUEST)
            reply = await pool.exchange(REQUEST)
        assert connections_of(endpoint) == [1, 1]
        return reply


async def test_tls_is_checked_with_the_bundle_that_the_session_names(authority: Authority) -> None:
    assert (await _over_tls(authority, verify=authority.bundle)).body == b"secret"


async def test_an_authority_that_nobody_knows_is_refused(authority: Authority) -> None:
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        await _over_tls(authority)


async def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    with pytest.raises(ssl.SSLError, match="Hostname mismatch"):
        await _over_tls(authority, host="localhost", verify=authority.bundle)


async def test_what_is_not_to_be_verified_is_not(authority: Authority) -> None:
    assert (await _over_tls(authority, verify=False)).body == b"secret"


async def test_a_certificate_of_ours_is_shown(authority: Authority) -> None:
    known: dict[str, Any] = {"ask": True, "verify": authority.bundle}
    shown = await _over_tls(authority, client_cert=authority.chain, **known)
    assert shown.body == b"secret"
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await _over_tls(authority, **known)


@pytest.mark.parametrize("is_tls", [False, True])
async def test_an_address_of_version_6_is_an_address(authority: Authority, is_tls: bool) -> None:
    tls = authority.server_side() if is_tls else None
    scheme, verify = ("https", authority.bundle) if is_tls else ("http", "")
    async with (
        scripted([Raw(good(b"6"))], "::1", tls) as endpoint,
        pool_at(f"{scheme}://[::1]:{endpoint.port}", verify=verify) as pool,
    ):
        assert await bodies(pool, 1) == [b"6"]
