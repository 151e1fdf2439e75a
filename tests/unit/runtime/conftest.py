"""Every test here runs on a loop whose time jumps: hours pass in milliseconds, always the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from workers.testing import VirtualLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}
