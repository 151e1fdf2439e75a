"""The process's small HTTP face: `/healthz`, `/readyz`, `/metrics`. No user data is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from workers.metrics import Metrics
from workers.runtime.health import Health, Report


def health_app(health: Health, metrics: Metrics) -> web.Application:
    """The three routes."""

    async def healthz(_request: web.Request) -> web.Response:
        return _answer(health.liveness())

    async def readyz(_request: web.Request) -> web.Response:
        return _answer(health.readiness())

    async def scrape(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        )

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", scrape)
    return app


@asynccontextmanager
async def serving(app: web.Application, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the block runs. Yields the port: the one given, or a free one for 0.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answer(report: Report) -> web.Response:
    return web.json_response(report.body, status=200 if report.is_ok else 503)
