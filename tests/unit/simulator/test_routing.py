"""Every operation of the services that share the address is found under its own path."""

from __future__ import annotations

import re

import pytest

from simulator.services.registry import build_services
from simulator.settings import SimulatorSettings
from simulator.wire import AwsError, Router, service_model
from simulator.world import build_world

NAMES = tuple(service.name for service in build_services(build_world(SimulatorSettings())))
REST = [name for name in NAMES if service_model(name).metadata["protocol"] == "rest-json"]


@pytest.mark.parametrize("service", REST)
def test_each_operation_is_found_when_signed_for_its_service(service: str) -> None:
    router, model = Router(NAMES), service_model(service)
    scope = f"Credential=A/20261124/us-east-1/{model.signing_name}/aws4_request"
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.sub(r"\{[^}]+\}", "x%2Fy", http["requestUri"].partition("?")[0])
        target = router.find(http["method"], path, {"Authorization": scope})
        assert (target.service, target.operation.name) == (service, name)
        assert set(target.labels.values()) <= {"x/y"}


@pytest.mark.parametrize("path", ["/", "/domains", "", "no-slash", "/contact/nowhere"])
def test_a_path_of_no_operation_is_refused(path: str) -> None:
    with pytest.raises(AwsError) as refused:
        Router(NAMES).find("PATCH", path, {})
    assert refused.value.code == "UnknownOperationException"
