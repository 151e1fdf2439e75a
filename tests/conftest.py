"""Fixtures for every test: no AWS settings of the developer's, one emulator for the whole run."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager

import botocore.session
import pytest
from botocore.loaders import create_loader

from infra.local.emulator import install_emulator, running_emulator
from infra.local.endpoints import LocalAws
from infra.local.localstack import UnsupportedPythonError, install_localstack
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


def pytest_collection_finish(session: pytest.Session) -> None:
    # Before the first test, so that no test's time limit counts a download.
    if session.config.option.collectonly:
        return
    with speaking(session.config):
        if any(is_on_the_emulator(item) for item in session.items):
            install_emulator()
        is_asked_for = session.config.getoption("--backend") == Backend.LOCALSTACK
        if is_asked_for or any(item.get_closest_marker("localstack") for item in session.items):
            with contextlib.suppress(UnsupportedPythonError):  # The fixtures say what is left out.
                install_emulator()
                install_localstack()


def is_on_the_emulator(item: pytest.Item) -> bool:
    # The mark is for tests that ask for the fixture while they run, in some cases only.
    fixtures = getattr(item, "fixturenames", ())
    return "emulator" in fixtures or item.get_closest_marker("emulator") is not None


def speaking(config: pytest.Config) -> AbstractContextManager[None]:
    """Lets what an installation says be read while it lasts: the first run takes minutes."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    return contextlib.nullcontext() if capture is None else capture.global_and_fixture_disabled()


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


@pytest.fixture(scope="session", autouse=True)
def _sdk_models_are_read_once() -> Iterator[None]:
    """Else the SDK reads its models anew for each session: a tenth of a second for each client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(create_loader))
        yield


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
