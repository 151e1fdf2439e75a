"""JSON from strangers: parsed quickly, refused with a reason, never with a crash.

The parser is pydantic-core's: 200 levels deep at most, no NaN, no lone surrogates. Of two equal
keys in one object the last wins, as in every common reader.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

MAX_TEXT_CHARS = 4 * 1024 * 1024
"""SQS carries 1 MiB, Kinesis and Firehose records no more; a layer inside them less."""

_UNQUOTED = re.compile(r"[\[{]\s*\"?data\"?\s*:\s*\{\s*[A-Za-z_]|\s*\{\s*[A-Za-z_][\w.-]*\s*:")
_QUOTED_DATA = re.compile(r"[\[{]\s*\"?data\"?\s*:\s*\{\s*\"")


class NotJsonError(Exception):
    """The text cannot be read.

    Attributes:
        reason: a stable word, without anything of the text.
        is_syntax: False when it is plain what it was to be: JSON, but more than we take, or
            JSON that something on its way has spoilt.
    """

    def __init__(self, reason: str, *, is_syntax: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_syntax = is_syntax


def parse_json(text: str | bytes, at_most: int = MAX_TEXT_CHARS) -> Any:
    """Parse one document of `at_most` characters or bytes.

    Raises:
        NotJsonError: with the reason.
    """
    if len(text) > at_most:
        raise NotJsonError("too_large", is_syntax=False)
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as exc:
        raise _why(text, str(exc)) from None
    except TypeError:  # A str that UTF-8 cannot hold.
        raise NotJsonError("lone_surrogate", is_syntax=False) from None


def _why(text: str | bytes, message: str) -> NotJsonError:
    if "recursion limit" in message:
        return NotJsonError("nested_too_deep", is_syntax=False)
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            return NotJsonError("not_utf8")
    if "surrogate" in message or "hex escape" in message:
        return NotJsonError("lone_surrogate", is_syntax=False)
    if "out of range" in message:
        return NotJsonError("number_out_of_range", is_syntax=False)
    if _UNQUOTED.match(text) and not _QUOTED_DATA.match(text):
        return NotJsonError("quotes_stripped_by_pipe_template", is_syntax=False)
    return NotJsonError("not_json")
