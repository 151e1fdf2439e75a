"""Fixtures for every test: no AWS settings of the developer's, one emulator for the whole run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned, provision
from infra.topology import load_topology


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
