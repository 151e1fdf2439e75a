"""Fixtures for every test: no AWS settings of the developer's, one emulator for the whole run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned, provision
from infra.local.world import Backend
from infra.topology import load_topology


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        choices=[backend.value for backend in Backend],
        default=Backend.EMBEDDED.value,
        help="what plays AWS for the end-to-end tests",
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    # A test that is skipped in CI is a promise that nobody checks any more.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    skipped = len(reporter.stats.get("skipped", ()))
    if skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{skipped} skipped, and CI is set: failed", red=True)


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SWITCHBOARD_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The embedded emulator, one for the whole run: keep apart by names, not by resetting it."""
    with running_emulator(tmp_path_factory.mktemp("emulator") / "ministack.log") as aws:
        yield aws


@pytest.fixture
def aws(emulator: LocalAws) -> LocalAws:
    """The emulator's endpoint, region and dummy credentials."""
    return emulator


@pytest.fixture
def topology(aws: LocalAws) -> Provisioned:
    """The whole topology on the emulator, under a prefix of this test's own."""
    return provision(load_topology(), aws, prefix=f"t{secrets.token_hex(4)}-")
