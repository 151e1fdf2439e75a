"""Whether the decoder kept its promises for one input."""

from __future__ import annotations

import re
import time
import traceback
from dataclasses import dataclass

from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded, Notice, Result, Undecodable
from schemas.event_class import EventClass
from tests.fuzz.inputs import FuzzInput

CPU_S_MAX = 2.0
"""Far above what the largest input takes: what needs more is a bomb that went off."""

_WORD = re.compile(r"[a-z][a-z0-9_]{0,60}")
_PATH = re.compile(r"[A-Za-z0-9_.\-*]{0,300}")
_LAYERS = {"sqs", "sns", "eventbridge", "pipes", "kinesis", "lambda"}


class BrokenPromiseError(Exception):
    """A result that no caller is prepared for."""


@dataclass(frozen=True)
class Judged:
    """What one input came to. `crash` is a traceback, or nothing."""

    recognised: int = 0
    undecodable: int = 0
    crash: str = ""


def judge(fuzz: FuzzInput) -> Judged:
    """Decode it, and look at every result."""
    begun_s = time.perf_counter()
    try:
        results = _decode(fuzz)
        if time.perf_counter() - begun_s > CPU_S_MAX:
            _check_cpu(fuzz)
        _check(results)
    except Exception:  # noqa: BLE001 - any exception is what is looked for
        return Judged(crash=traceback.format_exc())
    recognised = sum(not isinstance(result, Undecodable) for result in results)
    return Judged(recognised, len(results) - recognised)


def _decode(fuzz: FuzzInput) -> tuple[Result, ...]:
    if fuzz.is_body:
        return decode_body(str(fuzz.value), fuzz.attributes)
    return decode_document(fuzz.value)


def _check_cpu(fuzz: FuzzInput) -> None:
    """Once more, on the clock that does not count what others take of a busy machine."""
    begun_s = time.thread_time()
    _decode(fuzz)
    cpu_s = time.thread_time() - begun_s
    _must(cpu_s <= CPU_S_MAX, f"took {cpu_s:.1f} s of CPU")


def _check(results: object) -> None:
    if not isinstance(results, tuple) or not results:
        raise BrokenPromiseError(f"{type(results).__name__} instead of results")
    for result in results:
        _check_one(result)


def _check_one(result: object) -> None:
    match result:
        case Decoded():
            _check_event(result)
        case Notice():
            _must(bool(_WORD.fullmatch(result.reason)), "a reason that is no word")
        case Undecodable():
            _must(bool(_WORD.fullmatch(result.reason)), "a reason that is no word")
            _must(bool(_PATH.fullmatch(result.path)), "a path that quotes the input")
        case _:
            raise BrokenPromiseError(f"a result of type {type(result).__name__}")
    _must(set(getattr(result, "envelope", ())) <= _LAYERS, "an unknown layer")


def _check_event(result: Decoded) -> None:
    _must(result.event_class in EventClass, "an unknown class of event")
    _must(bool(result.event_type), "an event without a type")
    _must(all(result.keys), "an empty key")
    _must(result.event_id != "", "an empty id")
    _must(result.time is None or result.time.tzname() == "UTC", "a time that is not in UTC")


def _must(is_so: bool, promise: str) -> None:
    if not is_so:
        raise BrokenPromiseError(promise)
