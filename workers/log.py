"""Logs: one JSON object a line on stdout, with a last net that masks what must never be there.

Code here and elsewhere logs facts as fields under a constant event name and never passes a
number, an address, a body or a token. The masking processor is for the day somebody does. The
logs of libraries go through it too.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import date
from enum import Enum, StrEnum
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "***"

_QUIET_LIBRARIES = ("aiobotocore", "aiohttp.access", "asyncio", "boto3", "botocore", "urllib3")
"""Never below WARNING: botocore's debug log prints requests with bodies and credentials."""

_SECRET_KEYS = frozenset(
    {
        "authorization",
        "body",
        "connection_token",
        "participant_token",
        "password",
        "secret",
        "token",
    }
)

_LOOKS_PRIVATE = re.compile(
    r"(?:\+|%2[Bb])\d(?:[ ().-]{0,2}\d){5,14}"  # +1 (425) 555-0100 and %2B14255550100
    r"|(?<![\w.-])\d{10,15}(?![\w-])"  # 14255550100 alone: no part of an id or a fraction
    r"|[\w.%+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"  # an e-mail address
    r"|\b[Bb]earer\s+\S+"
    r"|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*"  # a JSON web token
    r"|[\w+/=-]{72,}"  # an opaque token: longer than any id or digest of ours
)
_LONGEST_SAFE = 6
"""No alternative of the pattern matches a text this short."""

_FRAMES = 8


class LogFormat(StrEnum):
    """How a line is written."""

    JSON = "json"
    CONSOLE = "console"


def mask(text: str) -> str:
    """The text with whatever looks like a phone number, an e-mail address or a token masked."""
    if len(text) <= _LONGEST_SAFE:
        return text
    return _LOOKS_PRIVATE.sub(MASK, text)


def place_of(error: BaseException) -> str:
    """Where it was raised, as `module:function:line`; empty when it was never raised."""
    frames = frames_of(error.__traceback__)
    return frames[-1] if frames else ""


def frames_of(trace: TracebackType | None) -> list[str]:
    """The innermost frames of a traceback, outermost first. No values and no messages."""
    return [
        f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{line}"
        for frame, line in traceback.walk_tb(trace)
    ][-_FRAMES:]


def bind_conversation(conversation: str) -> None:
    """Put the conversation's id (a keyed hash, never a number) on each further line.

    Holds until the task's context is cleared, which the runtime does for each delivery.
    """
    structlog.contextvars.bind_contextvars(conversation=conversation)


def bind_contact(contact_id: str | None) -> None:
    """Put the chat's contact id, once there is one, on each further line; as long as above."""
    if contact_id is not None:
        structlog.contextvars.bind_contextvars(contact_id=contact_id)


def mask_event(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor: masks every value, however deep, and whole objects by their type."""
    return _masked_mapping(event_dict)


def describe_exception(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor: an exception becomes its type and frames.

    Its text is left out: `KeyError: '+14255550100'` is how user data reaches logs.
    """
    error = event_dict.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event_dict["error_type"] = type(error).__name__
        event_dict["trace"] = frames_of(error.__traceback__)
    return event_dict


def configure_logging(
    log_format: LogFormat = LogFormat.JSON, level: str = "info", stream: TextIO | None = None
) -> None:
    """Set up structlog and the standard library's logging for this process. Call once, early.

    `level` is a name of the logging module, in any case. Colours only when `stream` (stdout by
    default) is a terminal.
    """
    out = stream or sys.stdout
    level_number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        mask_event,
    ]
    renderer = _renderer(log_format, out)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level_number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    _route_libraries(level_number, out, shared, renderer)


def _route_libraries(
    level_number: int, out: TextIO, shared: list[Processor], renderer: Processor
) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            # Else the record's traceback text is appended, unmasked, after our processors.
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level_number)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level_number, logging.WARNING))


def _renderer(log_format: LogFormat, out: TextIO) -> Processor:
    if log_format is LogFormat.JSON:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)


def _masked_mapping(mapping: MutableMapping[str, Any] | Mapping[Any, Any]) -> dict[str, Any]:
    return {
        mask(key) if isinstance(key, str) else str(key): (
            MASK if key in _SECRET_KEYS else _masked(value)
        )
        for key, value in mapping.items()
    }


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask(value.value if isinstance(value, Enum) else value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _masked_mapping(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return _masked_object(value)


def _masked_object(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | PurePath):
        return mask(str(value))
    return f"<{type(value).__name__}>"
