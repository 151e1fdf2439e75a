"""Trace context in and out, and that nobody pays for tracing who does not ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workers.errors import SettingsError
from workers.settings import is_tracing_on
from workers.tracing import NO_TRACER, parent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
W3C = f"00-{TRACE}-{SPAN}-01"
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
XRAY_AS_W3C = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


@pytest.mark.parametrize(
    ("traceparent", "xray", "expected"),
    [
        pytest.param(W3C, None, W3C, id="w3c"),
        pytest.param(W3C, XRAY, W3C, id="w3c_wins"),
        pytest.param(None, XRAY, XRAY_AS_W3C, id="xray"),
        pytest.param(
            None, XRAY.replace("Sampled=1", "Sampled=0"), XRAY_AS_W3C[:-1] + "0", id="not_sampled"
        ),
        pytest.param("rubbish", XRAY, XRAY_AS_W3C, id="an_invalid_one_is_none"),
        pytest.param(
            None, "Root=1-5759e988-bd862e3fe1be46a994272793", "", id="xray_without_parent"
        ),
        pytest.param(None, "Self=x;Root=nonsense;Parent=also", "", id="xray_rubbish"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", None, "", id="zero_trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", None, "", id="zero_span"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", None, "", id="version_ff"),
        pytest.param(W3C + "\n", None, "", id="something_after_it"),
        pytest.param(W3C.upper(), None, "", id="upper_case_is_invalid"),
        pytest.param(W3C.encode(), None, "", id="binary_attribute"),
        pytest.param(None, None, "", id="nothing"),
    ],
)
def test_a_message_brings_its_parent_by_attribute_or_by_awss_header(
    traceparent: object, xray: str | None, expected: str
) -> None:
    assert parent_of(traceparent, xray) == expected


def test_without_tracing_nothing_travels() -> None:
    with NO_TRACER.processing("work", "m", W3C), NO_TRACER.calling("sqs", "SendMessage", "work"):
        assert NO_TRACER.headers() == {}


def test_a_worker_that_does_not_trace_never_imports_opentelemetry() -> None:
    program = (
        "import asyncio, sys; from workers import bootstrap, cli; from workers.cli import worker\n"
        "async def main():\n"
        "    async with bootstrap._tracing(False): pass\n"
        "asyncio.run(main()); print([m for m in sys.modules if 'opentelemetry' in m])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, False, id="off_by_default"),
        pytest.param({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True, id="endpoint"),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"},
            True,
            id="traces_endpoint",
        ),
        pytest.param({"OTEL_TRACES_EXPORTER": "otlp"}, True, id="exporter_named"),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
            False,
            id="none_wins",
        ),
        pytest.param(
            {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False, id="disabled"
        ),
        pytest.param({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False, id="empty_is_unset"),
        pytest.param({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False, id="of_no_concern_when_off"),
    ],
)
def test_opentelemetrys_own_variables_turn_tracing_on(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_tracing_on() is expected


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER", id="another_exporter"
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            id="another_protocol",
        ),
    ],
)
def test_what_we_cannot_export_to_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=named):
        is_tracing_on()
