"""Inputs for the decoder, each made from a seed and its own number, so that any of them replays.

The recorded events give the vocabulary: their documents are mutated, spliced, wrapped and bombed.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from tests import events

Place: TypeAlias = "tuple[Any, Any]"
"""A container and the key or index of something in it."""


@dataclass(frozen=True)
class FuzzInput:
    """What is decoded: the body of a queue message, or a document that is parsed already."""

    kind: str
    value: object
    is_body: bool
    attributes: Mapping[str, str] = field(default_factory=dict)


EVENTS: tuple[Any, ...] = tuple(events.load(name) for name in events.names())
TEXTS = tuple(json.dumps(event) for event in EVENTS)
LONE = "\ud800"
SPICE = (
    *'{}[]",:\\',
    "\x00",
    "\ufeff",
    "\u202e",
    LONE,
    "\udfff",
    "\\ud800",
    "\\u0000",
    "\\x",
    "é",
    "🙂",
    "1e999",
    "-",
    "null",
    "NaN",
    "Infinity",
    "true",
    "//",
    "9" * 400,
    '"a":1,"a":2',
    "}{",
)
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    2**64,
    10**19,
    10**308,
    10**4_200,
    10**5_000,
    1e308,
    -1e308,
    5e-324,
    -0.0,
    253_402_300_800,
    253_402_300_800_000,
    -62_135_596_800_001,
    99_999_999_999.999,
    math.inf,
    -math.inf,
    math.nan,
)
TIMES = (
    "",
    "0",
    "000000000",
    "1" * 30,
    "9" * 400,
    "1." + "9" * 400,
    "²²²²²²²²²",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "1970-01-01T00:00:00.001Z",
    "Mon, 99 Foo 0000 99:99:99 +9999",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Thu, 01 Jan 0001 00:00:00 +0100",
    "2026-W01-1",
    f"2026-01-01T00:00:00{LONE}Z",
)
WORDS = (
    "TEXT_DELIVERED",
    "Bounce",
    "Complaint",
    "Permanent",
    "_SMS.SUCCESS",
    "_email.open",
    "aws.ses",
    "aws.connect",
    "aws.sms-voice",
    "Notification",
    "SubscriptionConfirmation",
    "Amazon Connect Contact Event",
    "MESSAGE",
    "CUSTOMER",
    "text/plain",
    "INITIATED",
    "+14255550100",
    "a@b.example",
    "@",
    "arn:aws:sns:us-east-1:1:t",
    "{}",
    "[]",
    "null",
    '"\\ud800"',
    "İ",
    "ſ",
    LONE,
    "\x00",
    "x" * 3_000,
)


def _keys_of(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(_keys_of, value.values()))
    return set()


ENVELOPE_KEYS = {
    *("Records", "Message", "Messages", "MESSAGE", "Type", "body", "Body", "messageId"),
    *("detail", "detail-type", "source", "kinesis", "data", "partitionKey", "recordId"),
    *("rawData", "errorCode", "Sns", "ContactTraceRecord", "switchboard"),
}
KEYS = tuple(sorted(_keys_of(list(EVENTS)) | ENVELOPE_KEYS | {LONE, ""}))


def make(seed: int, number: int) -> FuzzInput:
    """Input `number` of the run with this seed: always the same one."""
    chance = Random(f"{seed}:{number}")  # noqa: S311 - to be repeated, not to be secret
    kind = chance.choices(_KINDS, _WEIGHTS)[0]
    made = _MAKERS[kind](chance)
    if isinstance(made, str):
        return FuzzInput(kind, made, is_body=True, attributes=_attributes(chance))
    if chance.random() < 0.3:
        return FuzzInput(kind, made, is_body=False)
    return FuzzInput(kind, _text(made), is_body=True, attributes=_attributes(chance))


def _attributes(chance: Random) -> dict[str, str]:
    if chance.random() < 0.8:
        return {}
    names = ("MessageVisibility", "ContentType", "Type", "x", LONE, "")
    return {chance.choice(names): str(chance.choice(WORDS)) for _ in range(3)}


def _text(document: object) -> str:
    try:
        return json.dumps(document, ensure_ascii=False)
    except (ValueError, RecursionError):  # An integer too long to write; a bomb.
        return "[" * 300 + "]" * 300


def _event(chance: Random) -> Any:
    return json.loads(chance.choice(TEXTS))


# --- text -----------------------------------------------------------------------------------------


def _spoilt_text(chance: Random) -> str:
    text = chance.choice(TEXTS)
    for _ in range(chance.randint(1, 5)):
        at, length = chance.randrange(len(text) + 1), chance.choice((0, 1, 1, 2, 8, 200))
        match chance.randrange(5):
            case 0:
                put = chance.choice(SPICE)
            case 1:
                put = ""
            case 2:
                put = chr(chance.choice((chance.randrange(0x80), chance.randrange(0x11_0000))))
            case 3:
                start = chance.randrange(len(text) + 1)
                put = text[start : start + chance.randrange(60)]
            case _:
                other = chance.choice(TEXTS)
                start = chance.randrange(len(other))
                put = other[start : start + chance.randrange(120)]
        text = text[:at] + put + text[at + length :]
    return text


def _noise(chance: Random) -> str:
    pool = (*SPICE, *KEYS, *WORDS[:24])
    return "".join(str(chance.choice(pool)) for _ in range(chance.randint(0, 25)))


def _several(chance: Random) -> str:
    glue = chance.choice(("", "\n", " ", ",", "\x00", "\n\n"))
    pieces = [chance.choice((_spoilt_text, lambda c: c.choice(TEXTS)))(chance) for _ in range(3)]
    return glue.join(pieces)


def _bomb_text(chance: Random) -> str:
    depth = chance.choice((150, 190, 198, 199, 200, 201, 202, 255, 1_000, 30_000))
    opener, closer = chance.choice(
        (("[", "]"), ('{"a":', "}"), ('{"Message":', "}"), ('[{"b":', "}]"))
    )
    core = chance.choice(("", "1", *TEXTS))
    closed = closer * (depth if chance.random() < 0.8 else depth - 1)
    return opener * depth + core + closed


def _long_number(chance: Random) -> str:
    """A number as text, which no Python object has to hold."""
    document = _event(chance)
    parent, key = _somewhere(chance, document)
    if parent is None:
        return chance.choice(TEXTS)
    mark = "@number@"
    parent[key] = mark
    digits = chance.choice((19, 20, 400, 4_299, 4_301, 20_000))
    sign, end = chance.choice(("", "-")), chance.choice(("", ".5", "e5", "E-9", "e99999", "."))
    return json.dumps(document).replace(f'"{mark}"', sign + "7" * digits + end)


# --- documents ------------------------------------------------------------------------------------


def _somewhere(chance: Random, document: Any) -> Place:
    places = list(_places(document))
    return chance.choice(places) if places else (None, None)


def _places(document: Any) -> Iterator[Place]:
    if isinstance(document, dict):
        pairs: list[tuple[Any, Any]] = list(document.items())
    elif isinstance(document, list):
        pairs = list(enumerate(document))
    else:
        return
    for key, value in pairs:
        yield document, key
        yield from _places(value)


def _scalar(chance: Random) -> Any:
    pools: tuple[tuple[Any, ...], ...] = (
        NUMBERS,
        TIMES,
        WORDS,
        (None, True, False),
        (0, 1, "1", "", [], {}, [[]], [{}]),
    )
    return chance.choice(chance.choice(pools))


def _anything(chance: Random, depth: int = 0) -> Any:
    shape = chance.random()
    if depth > 3 or shape < 0.6:
        return _scalar(chance)
    inner = [_anything(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    if shape < 0.75:
        return inner
    return {chance.choice(KEYS): value for value in inner}


def _replaced(chance: Random) -> Any:
    document = _event(chance)
    for _ in range(chance.randint(1, 3)):
        parent, key = _somewhere(chance, document)
        if parent is not None:
            _change(chance, parent, key)
    return document


def _change(chance: Random, parent: Any, key: Any) -> None:
    match chance.randrange(6):
        case 0:
            del parent[key]
        case 1:
            parent[key] = [parent[key], parent[key]]
        case 2:
            parent[key] = _text(parent[key])
        case 3 if isinstance(parent, dict):
            parent[_respelt(chance, str(key))] = parent.pop(key)
        case 4:
            other, name = _somewhere(chance, _event(chance))
            parent[key] = copy.deepcopy(other[name]) if other is not None else None
        case _:
            parent[key] = _anything(chance)


def _respelt(chance: Random, key: str) -> str:
    ways: tuple[Callable[[str], str], ...] = (
        str.upper,
        str.lower,
        str.swapcase,
        lambda text: text + " ",
        lambda text: text.replace("-", "_"),
        lambda text: text + LONE,
        lambda _: chance.choice(KEYS),
    )
    return chance.choice(ways)(key)


def _made_up(chance: Random) -> Any:
    return {chance.choice(KEYS): _anything(chance) for _ in range(chance.randint(0, 8))}


def _bomb(chance: Random) -> Any:
    """Nested in memory, deeper than any parser would have let in."""
    inner: Any = _event(chance)
    for _ in range(chance.choice((50, 190, 199, 200, 201, 3_000))):
        inner = [inner] if chance.random() < 0.5 else {chance.choice(KEYS): inner}
    return inner


def _wide(chance: Random) -> Any:
    many = chance.choice((100, 2_000))
    return chance.choice(
        (
            {"Records": [chance.choice(({}, 1, {"body": "{}", "messageId": "m"}))] * many},
            {f"{chance.choice(KEYS)}{index}": index for index in range(many)},
            [chance.choice(EVENTS)] * (many // 50),
        )
    )


# --- envelopes ------------------------------------------------------------------------------------


def _enveloped(chance: Random) -> Any:
    inner: Any = chance.choice((_event, _replaced, _made_up))(chance)
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4, 8, 15, 16, 17, 30))):
        inner = chance.choice(_LAYERS)(chance, inner)
        if isinstance(inner, dict) and inner and chance.random() < 0.1:
            inner[chance.choice(list(inner))] = _anything(chance)
    return inner


def _base64(chance: Random, inner: Any) -> str:
    raw = _text(inner).encode(errors="surrogatepass")
    match chance.randrange(6):
        case 0:
            raw = gzip.compress(raw, 1, mtime=0)
        case 1:
            raw = chance.randbytes(20) + raw
        case 2:
            raw = b"\xf3\x89\x9a\xc2" + raw
        case _:
            pass
    coded = base64.b64encode(raw).decode()
    return coded[:-1] if chance.random() < 0.1 else coded


def _as_is_or_text(chance: Random, inner: Any) -> Any:
    return inner if chance.random() < 0.5 else _shallow_text(inner)


def _shallow_text(inner: Any) -> Any:
    """As text. A text is quoted once more, unless its quotes' quotes made it too long already."""
    if not isinstance(inner, str):
        return _text(inner)
    return inner if len(inner) > 100_000 else json.dumps(inner)


_LAYERS: tuple[Callable[[Random, Any], Any], ...] = (
    lambda c, inner: {
        "Type": "Notification",
        "MessageId": _scalar(c),
        "Timestamp": c.choice(TIMES),
        "Message": _as_is_or_text(c, inner),
        "MessageAttributes": c.choice(({"MessageVisibility": {"Value": "ALL"}}, _scalar(c))),
    },
    lambda c, inner: {
        "source": c.choice(("aws.connect", "aws.ses", "aws.sms-voice", "x", _scalar(c))),
        "detail-type": c.choice(("Amazon Connect Contact Event", "Email Bounced", _scalar(c))),
        "id": _scalar(c),
        "time": c.choice(TIMES),
        "detail": inner,
    },
    lambda c, inner: {
        "messageId": "m",
        "body": _as_is_or_text(c, inner),
        "messageAttributes": _scalar(c),
    },
    lambda _, inner: {"Records": [inner, inner] if _is_small(inner) else [inner]},
    lambda c, inner: {"kinesis": {"data": _base64(c, inner), "partitionKey": "p"}},
    lambda c, inner: {"data": _base64(c, inner), "sequenceNumber": "1"},
    lambda c, inner: {"data": _as_is_or_text(c, inner), "recordId": "r"},
    lambda c, inner: {"rawData": _base64(c, inner), "errorCode": "x"},
    lambda c, inner: {"Sns": {"Message": _as_is_or_text(c, inner)}},
    lambda _, inner: {"Messages": [inner]},
    lambda _, inner: {"ContactTraceRecord": inner},
    lambda _, inner: [inner],
    lambda _, inner: _shallow_text(inner),
)


def _is_small(inner: Any) -> bool:
    return not isinstance(inner, str) and sum(1 for _ in _places(inner)) < 60


_MAKERS: dict[str, Callable[[Random], Any]] = {
    "spoilt_text": _spoilt_text,
    "noise": _noise,
    "several": _several,
    "bomb_text": _bomb_text,
    "long_number": _long_number,
    "replaced": _replaced,
    "made_up": _made_up,
    "bomb": _bomb,
    "wide": _wide,
    "enveloped": _enveloped,
}
_KINDS = tuple(_MAKERS)
_WEIGHTS = (24, 6, 4, 1, 5, 30, 10, 1, 0.2, 20)
