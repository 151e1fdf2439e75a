"""What a text becomes on its way: which characters, how many parts, which pieces.

Pure functions over strings. Owns the GSM 03.38 alphabet and the sizes of an SMS; knows nothing of
who sends it. `workers.clients` checks by the same measure before it calls AWS.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final, Protocol

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token

# GSM 03.38 (3GPP TS 23.038, 6.2.1), default alphabet and extension table, without the escape.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")

MAX_GSM_UNITS: Final = 1_530
"""10 parts of 153 (End User Messaging guide, "SMS character limits")."""
MAX_UCS2_UNITS: Final = 630
"""The guide's own number: 10 x 67 would be 670, and it refuses more than 630."""
MAX_CHAT_BYTES: Final = 16_384
"""Connect's limit for the Content of a message, in UTF-8 bytes."""


class Encoding(StrEnum):
    """How a whole SMS is coded: one character outside GSM 03.38 moves all of it to UCS-2."""

    GSM = "GSM"
    UCS2 = "UCS2"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a text costs. `units` are septets (GSM) or UTF-16 units; `parts` is what is billed."""

    encoding: Encoding
    units: int
    parts: int


_SINGLE_UNITS: Final = {Encoding.GSM: 160, Encoding.UCS2: 70}
_PART_UNITS: Final = {Encoding.GSM: 153, Encoding.UCS2: 67}


def measure(text: str) -> Measure:
    """Reckon encoding, units and parts as a carrier does.

    An extension character and a character beyond the BMP take two units that stay in one part, so
    a part may end one unit short. An empty text has no part.
    """
    encoding = Encoding.GSM if all(map(_is_gsm, text)) else Encoding.UCS2
    widths = [_width(char, encoding) for char in text]
    units = sum(widths)
    if units <= _SINGLE_UNITS[encoding]:
        return Measure(encoding, units, min(1, units))
    return Measure(encoding, units, -(-_padded(widths, 0, encoding) // _PART_UNITS[encoding]))


def _is_gsm(char: str) -> bool:
    return char in _BASIC or char in _EXTENSION


def _width(char: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM:
        return 2 if char in _EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1


def _padded(widths: Iterable[int], start: int, encoding: Encoding) -> int:
    """Where `widths`, laid from `start`, end when none may straddle two parts."""
    part, end = _PART_UNITS[encoding], start
    for width in widths:
        left = part - end % part
        end += width if width <= left else left + width
    return end


# --- into GSM 03.38 ---------------------------------------------------------------------------

_REPLACEMENTS: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ‹›＇", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－•‣▪●◦·∙", "-"),
        **dict.fromkeys(
            "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
            "\u202f\u205f\u3000",
            " ",
        ),
        **dict.fromkeys(
            "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"
            "\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
        ),
        **dict.fromkeys("\u2028\u2029", "\n"),
        "…": "...",
        "→": "->",
        "←": "<-",
        "≤": "<=",
        "≥": ">=",
        "×": "x",
        "©": "(c)",
        "®": "(R)",
        "™": "(TM)",
    }
)
# Compatibility forms that say the same in plain letters. Not <super>, <sub>, <fraction> and
# <circle>: 10² would become 102, and 1½ would become 11/2.
_HARMLESS_FORMS: Final = ("<wide>", "<narrow>", "<compat>", "<noBreak>")


def to_gsm(text: str) -> str:
    """Put `text` into GSM 03.38 where its meaning survives; all of it or nothing.

    Typography (quotes, dashes, ellipsis, spaces, bullets, fullwidth forms, ligatures) is replaced.
    Letters never lose an accent and no symbol is dropped: that would be another word. When one
    character has no GSM form the text is returned as it was, because it goes out as UCS-2 anyway:
    replacing the rest would save nothing, spoil it, and make an ellipsis three times as long.
    """
    plain = "".join(_plain_form(char) for char in unicodedata.normalize("NFC", text))
    plain = plain.translate(_REPLACEMENTS)
    return plain if all(map(_is_gsm, plain)) else text


def _plain_form(char: str) -> str:
    if _is_gsm(char) or ord(char) in _REPLACEMENTS:
        return char
    if unicodedata.decomposition(char).startswith(_HARMLESS_FORMS):
        return unicodedata.normalize("NFKC", char)
    return char


# --- characters the other side refuses --------------------------------------------------------

_LINE_BREAKS: Final = re.compile("\r\n|[\r\v\f\x85]")
_REFUSED: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def clean_for_chat(text: str) -> str:
    r"""Drop what Connect, SQS or XML 1.0 refuse: C0 and C1 controls but newline and tab.

    Every kind of line break becomes "\n"; half a surrogate pair becomes U+FFFD, so that a reader
    sees that something is missing.
    """
    text = _LONE_SURROGATES.sub("\ufffd", _LINE_BREAKS.sub("\n", text))
    return _REFUSED.sub("", text)


def clean_for_sms(text: str) -> str:
    """As `clean_for_chat`, without tabs and outer white space, which a phone does not show."""
    return clean_for_chat(text).replace("\t", " ").strip()


# --- pieces -----------------------------------------------------------------------------------

_TOKENS: Final = re.compile(r"\s+|\S+")
_CLUSTERS: Final = regex.compile(r"\X")


class _Room(Protocol):
    """What one piece can still hold."""

    def take(self, text: str) -> bool:
        """Add `text` if it fits; else change nothing."""
        ...


class _SmsRoom:
    """Reckons both encodings side by side, since one character can turn the whole piece."""

    def __init__(self, max_units: dict[Encoding, int]) -> None:
        self._max_units = max_units
        self._used = {Encoding.GSM: 0, Encoding.UCS2: 0}
        self._is_gsm = True

    def take(self, text: str) -> bool:
        is_gsm = self._is_gsm and all(map(_is_gsm, text))
        used = {
            encoding: _padded((_width(char, encoding) for char in text), start, encoding)
            for encoding, start in self._used.items()
        }
        encoding = Encoding.GSM if is_gsm else Encoding.UCS2
        if used[encoding] > self._max_units[encoding]:
            return False
        self._used, self._is_gsm = used, is_gsm
        return True


class _ByteRoom:
    def __init__(self, max_bytes: int) -> None:
        self._left_bytes = max_bytes

    def take(self, text: str) -> bool:
        size_bytes = len(text.encode("utf-8", "surrogatepass"))
        if size_bytes > self._left_bytes:
            return False
        self._left_bytes -= size_bytes
        return True


def split_for_sms(
    text: str, *, max_gsm_units: int = MAX_GSM_UNITS, max_ucs2_units: int = MAX_UCS2_UNITS
) -> tuple[str, ...]:
    """Cut `text` into pieces of which each fits one SendTextMessage; none is empty or blank.

    Cuts between words; the white space at a cut is dropped. A word too long for a piece is cut
    between grapheme clusters. Each piece is measured in its own encoding, and as if its parts
    were filled by a carrier, so that a full piece never needs one part more than it may have.
    """
    limits = {Encoding.GSM: max_gsm_units, Encoding.UCS2: max_ucs2_units}
    return tuple(_split(text, lambda: _SmsRoom(limits)))


def split_for_chat(text: str, max_bytes: int = MAX_CHAT_BYTES) -> tuple[str, ...]:
    """Cut `text` into pieces of at most `max_bytes` of UTF-8, as `split_for_sms` cuts."""
    return tuple(_split(text, lambda: _ByteRoom(max_bytes)))


def _split(text: str, new_room: Callable[[], _Room]) -> Iterator[str]:
    piece, gap, room = "", "", new_room()
    for token in _TOKENS.findall(text):
        if token.isspace():
            gap = token
        elif piece and room.take(gap + token):
            piece += gap + token
        else:
            if piece:
                yield piece
            *full, piece = _chop(token, new_room)
            yield from full
            room = new_room()
            room.take(piece)
    if piece:
        yield piece


def _chop(word: str, new_room: Callable[[], _Room]) -> list[str]:
    """`word` alone when it fits; else cut between clusters, and within one only if it must."""
    if new_room().take(word):
        return [word]
    clusters: list[str] = _CLUSTERS.findall(word)
    if len(clusters) == 1:
        clusters = list(word)
    chunks, room = [""], new_room()
    for cluster in clusters:
        if room.take(cluster):
            chunks[-1] += cluster
            continue
        *full, rest = [cluster] if len(cluster) == 1 else _chop(cluster, new_room)
        chunks += [*full, rest]
        room = new_room()
        room.take(rest)
    return [chunk for chunk in chunks if chunk]


# --- rich messages as plain text --------------------------------------------------------------

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


def strip_markdown(text: str) -> str:
    """The words of a text/markdown message: lists keep their marks, links show their address."""
    lines: list[str] = []
    marks: list[str] = []
    for token in _MARKDOWN.parse(text):
        _open_or_close_list(token, marks)
        if token.type == "inline":
            content = _inline_text(token.children or [])
        elif token.type in {"fence", "code_block"}:
            content = token.content.rstrip("\n")
        else:
            continue
        if marks:
            content, marks[-1] = marks[-1] + content, ""
        elif lines:
            lines.append("")
        lines.append(content)
    return "\n".join(lines)


def _open_or_close_list(token: Token, marks: list[str]) -> None:
    """Keep one entry per open list item: its mark until its first line has taken it."""
    if token.type == "list_item_open":
        marks.append(f"{token.info}. " if token.info else "- ")
    elif token.type == "list_item_close":
        marks.pop()


def _inline_text(tokens: Iterable[Token]) -> str:
    out: list[str] = []
    links: list[tuple[str, int]] = []
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                out.append("\n")
            case "link_open":
                links.append((str(token.attrs.get("href", "")), len(out)))
            case "link_close":
                address, start = links.pop()
                label = "".join(out[start:])
                if address.removeprefix("mailto:") != label:
                    out.append(f" ({address})" if label else address)
            case _:
                out.append(token.content)
    return "".join(out)


_MAX_OPTIONS: Final = 100


def flatten_interactive(content_json: str) -> str | None:
    """An interactive message as numbered text; None when it holds nothing that a phone can show.

    Knows ListPicker, TimePicker, Panel, QuickReply and Carousel (Connect administrator guide,
    "Add interactive messages to chat"); of any other template the title and the options that
    look the same. Numbers run on through a carousel. Never raises.
    """
    try:
        message = json.loads(content_json)
    except (ValueError, RecursionError):
        return None
    content = _dig(message, "data", "content")
    lines = _headings(content)
    number = 0
    for element in _listed(content, "elements", "timeslots"):
        card = _dig(element, "data", "content")
        lines += _headings(card)
        options = _listed(card, "elements") if card else [element]
        for option in options:
            text = _option_text(option, content)
            if text and number < _MAX_OPTIONS:
                number += 1
                lines.append(f"{number}. {text}")
    return "\n".join(lines) or None


def _dig(value: object, *keys: str) -> dict[str, object]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _listed(content: dict[str, object], *keys: str) -> list[object]:
    found = (content.get(key) for key in keys)
    return next((value for value in found if isinstance(value, list)), [])


def _word(content: dict[str, object], key: str) -> str:
    value = content.get(key)
    return value.strip() if isinstance(value, str) else ""


def _headings(content: dict[str, object]) -> list[str]:
    place = _word(_dig(content, "location"), "title")
    return [line for line in (_word(content, "title"), _word(content, "subtitle"), place) if line]


def _option_text(option: object, content: dict[str, object]) -> str:
    fields = option if isinstance(option, dict) else {}
    when = _slot_time(_word(fields, "date"), content.get("timeZoneOffset"))
    words = (_word(fields, "title"), _word(fields, "subtitle"), when, _word(fields, "url"))
    return " - ".join(word for word in words if word)


def _slot_time(date: str, offset_min: object) -> str:
    """A slot at its own place's time when the template tells its offset, else in UTC."""
    try:
        minutes = offset_min if isinstance(offset_min, int) else 0
        zone = timezone(timedelta(minutes=minutes)) if minutes else UTC
        slot = datetime.fromisoformat(date)
        slot = slot if slot.tzinfo else slot.replace(tzinfo=UTC)
        return f"{slot.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    except (ValueError, OverflowError):
        return date
