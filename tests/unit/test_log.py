"""The last net: nothing private gets out, whoever logs it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from workers.log import MASK, LogFormat, bind_conversation, configure_logging, mask

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(LogFormat.JSON, "debug", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("+14255550100", id="e164"),
        pytest.param("%2B14255550100", id="url_escaped"),
        pytest.param("tel:+1 (425) 555-0100", id="as_people_write_it"),
        pytest.param("14255550100", id="without_plus"),
        pytest.param("ann.lee+x@mail.example.com", id="email"),
        pytest.param("ann%40example.com", id="escaped_email"),
        pytest.param("Bearer abc.def", id="bearer"),
        pytest.param(JWT, id="jwt"),
        pytest.param("QVFJREFI" * 12, id="opaque_token"),
    ],
)
def test_what_looks_private_is_masked_anywhere_in_a_text(text: str) -> None:
    masked = mask(f"before {text} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked
    assert text not in masked
    assert "5550100" not in masked.replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        "8c7b6a5d-1234-4f6e-9abc-012345678901",
        "2026-03-02T12:00:01.123456+00:00",
        "delivery_settled",
        "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
        "workers.runtime.consumer:_run:216",
        "0.1234567890123",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_ids_times_and_places_stay_readable(text: str) -> None:
    assert mask(text) == text


def test_a_line_is_json_with_time_and_level_and_what_is_bound(out: io.StringIO) -> None:
    bind_conversation("c0ffee")
    structlog.get_logger().info("chat_started", parts=2)
    [line] = lines(out)
    assert line["event"] == "chat_started"
    assert line["level"] == "info"
    assert line["conversation"] == "c0ffee"
    assert line["parts"] == 2
    assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC


def test_values_are_masked_however_deep_and_objects_become_their_type(out: io.StringIO) -> None:
    @dataclass
    class Sms:
        body: str

    structlog.get_logger().info(
        "x",
        deep={"list": [("+14255550100",)], "+14255550100": 1},
        sms=Sms("hello +14255550100"),
        token="short",
        raw=b"14255550100",
    )
    text = out.getvalue()
    assert "4255550100" not in text
    [line] = lines(out)
    assert line["sms"] == "<Sms>"
    assert line["token"] == MASK


def test_an_exception_is_logged_by_type_and_frames_without_its_text(out: io.StringIO) -> None:
    try:
        int("secret words of a customer")
    except ValueError:
        structlog.get_logger().exception("x")
    [line] = lines(out)
    assert line["error_type"] == "ValueError"
    assert f"{__name__}:test_an_exception_is_logged" in line["trace"][-1]
    assert "secret words" not in out.getvalue()


def test_library_logs_go_through_it_too(out: io.StringIO) -> None:
    logger = logging.getLogger("some.library")
    try:
        int("secret words of a customer")
    except ValueError:
        logger.exception("failed for %s", "+14255550100")
    [line] = lines(out)
    assert line["logger"] == "some.library"
    assert line["event"] == f"failed for {MASK}"
    assert line["error_type"] == "ValueError"
    assert "secret words" not in out.getvalue()


def test_botocore_never_gets_to_print_its_requests(out: io.StringIO) -> None:
    logging.getLogger("botocore.endpoint").debug("body=hello")
    assert not out.getvalue()


def test_colours_are_for_terminals_only(out: io.StringIO) -> None:
    stream = io.StringIO()
    configure_logging(LogFormat.CONSOLE, "info", stream)
    structlog.get_logger().info("chat_started")
    assert "chat_started" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()
