"""The local world's own contracts are kept on both emulators."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.endpoints import LocalAws
from infra.local.localstack import (
    UnsupportedPythonError,
    require_supported_python,
    running_localstack,
)


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    try:
        require_supported_python()
    except UnsupportedPythonError as exc:
        pytest.skip(str(exc))
    with running_localstack(tmp_path_factory.mktemp("localstack")) as aws:
        yield aws


@pytest.fixture(
    params=["embedded", pytest.param("localstack", marks=pytest.mark.localstack)],
    scope="session",
)
def aws(request: pytest.FixtureRequest, emulator: LocalAws) -> LocalAws:
    if request.param == "embedded":
        return emulator
    endpoints: LocalAws = request.getfixturevalue("localstack")
    return endpoints
