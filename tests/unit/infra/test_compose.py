"""What can be known of docker-compose.localstack.yml where there is no Docker."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
import yaml
from compose_spec import PyCompose

from infra.local.endpoints import SIMULATED_SERVICES
from infra.local.localstack import BESIDE_IT, SERVICES
from infra.local.toolroom import ROOT

FILE = cast("dict[str, Any]", yaml.safe_load((ROOT / "docker-compose.localstack.yml").read_text()))
SERVICE_NAMES = sorted(FILE["services"])
OURS = [name for name in SERVICE_NAMES if name != "localstack"]
DEFAULTS = re.compile(r"\$\{[A-Z_]+:-([^}]+)\}")
"""Where a variable has its way, and what it is without one."""
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


def service(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", FILE["services"][name])


def runs_once(name: str) -> bool:
    return bool(service(name)["healthcheck"] == {"disable": True})


def test_it_is_a_compose_file() -> None:
    PyCompose.from_json(DEFAULTS.sub(r"\1", json.dumps(FILE)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("read_onlyy", True),
        ("read_only", "maybe"),
        ("healthcheck", {"every": "2s"}),
        ("deploy", {"resources": {"limits": {"memori": "1G"}}}),
    ],
)
def test_a_slip_in_it_is_seen(key: str, value: object) -> None:
    services = FILE["services"]
    changed = {**FILE, "services": {**services, "worker-0": {**service("worker-0"), key: value}}}
    with pytest.raises(ValueError, match=r"line 1 column"):
        PyCompose.from_json(DEFAULTS.sub(r"\1", json.dumps(changed)))


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_image_is_pinned_to_a_full_version(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9/-]+:\d+\.\d+\.\d+(-[a-z-]+)?", service(name)["image"])


@pytest.mark.parametrize("name", OURS)
def test_ours_runs_as_production_does(name: str) -> None:
    assert service(name)["read_only"] is True
    assert service(name)["cap_drop"] == ["ALL"]
    assert service(name)["security_opt"] == ["no-new-privileges:true"]
    assert service(name)["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's
    is_emulator = name == "ministack"
    assert service(name)["build"].get("target") == ("emulator" if is_emulator else None)
    if name != "provision":  # It writes to a volume that is root's, and runs once.
        assert "user" not in service(name)


def test_the_dockerfile_has_what_is_built() -> None:
    stages = re.findall(r"^FROM \S+(?: AS (\S+))?$", DOCKERFILE, re.MULTILINE)
    assert "emulator" in stages
    assert stages[-1] == "", "what is built without a target is the image that ships"


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_service_has_limits(name: str) -> None:
    limits = service(name)["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) <= 1
    assert re.fullmatch(r"\d+[MG]", limits["memory"])


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_ports_are_published_on_the_loopback_only(name: str) -> None:
    for port in service(name).get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_published_ports_differ() -> None:
    published = [p.split(":")[1] for name in SERVICE_NAMES for p in service(name).get("ports", [])]
    assert len(published) == len(set(published))


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_service_waits_for_what_can_be_waited_for(name: str) -> None:
    for other, how in service(name).get("depends_on", {}).items():
        assert other in SERVICE_NAMES
        assert how["condition"] in CONDITIONS
        assert runs_once(other) == (how["condition"] == "service_completed_successfully")


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_service_says_when_it_is_healthy(name: str) -> None:
    check = service(name)["healthcheck"]
    assert runs_once(name) or check["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_volumes_are_declared_and_the_repository_is_read_only(name: str) -> None:
    for volume in service(name).get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert rest.endswith(":ro")
        else:
            assert source in FILE["volumes"]


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_endpoints_point_at_services_of_this_file(name: str) -> None:
    for variable, text in service(name).get("environment", {}).items():
        if variable.startswith("AWS_ENDPOINT_URL"):
            match = re.fullmatch(r"http://([a-z-]+):\d+", text)
            assert match
            assert match[1] in SERVICE_NAMES


def test_workers_get_the_wiring_that_the_local_world_gives() -> None:
    workers = [name for name in SERVICE_NAMES if name.startswith("worker-")]
    assert len(workers) == 2
    for name in workers:
        environment = service(name)["environment"]
        assert environment["AWS_SDK_UA_APP_ID"] == name
        for simulated in SIMULATED_SERVICES:
            assert environment[f"AWS_ENDPOINT_URL_{simulated}"].startswith("http://simulator:")
        for beside in BESIDE_IT:
            assert environment[f"AWS_ENDPOINT_URL_{beside}"].startswith("http://ministack:")


def test_localstack_is_the_last_free_image_with_the_same_services() -> None:
    assert service("localstack")["image"] == "localstack/localstack:4.14.0"
    assert service("localstack")["environment"]["SERVICES"] == ",".join(SERVICES)


def test_files_that_are_mounted_are_in_the_repository() -> None:
    volumes = [volume for name in SERVICE_NAMES for volume in service(name).get("volumes", [])]
    sources = {v.rpartition(":/")[0].removeprefix("./") for v in volumes if v.startswith(".")}
    paths = {DEFAULTS.sub(r"\1", source) for source in sources}
    assert len(paths) >= 3
    assert [path for path in paths if not (ROOT / path).exists()] == []
