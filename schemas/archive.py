"""Documents out of a stream: one JSON document, JSON lines, a list, or a Firehose object.

Firehose puts records into one object with newlines, or with nothing between them, and compresses
it or not, whatever its name says. The stream is read in pieces: an archive of gigabytes needs no
more memory than its longest record. The elements of a list at the top are documents, too.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase
from typing import BinaryIO, cast

from schemas.json_text import NotJsonError, parse_json

PIECE_BYTES = 256 * 1024
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""A batch of ten SQS messages of 1 MiB, and room for its quoting."""

MAX_COMPRESSIONS = 2
"""Layers of gzip: the producer's and Firehose's."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]|"', re.DOTALL)
_BLANK = re.compile(rb"[\s,]*+")
_LINE_START = re.compile(rb"\n(?=[{\[])")  # Not indented: within a document they are.
_OTHER_FORMATS = {
    b"PAR1": "parquet",
    b"ORC": "orc",
    b"Obj\x01": "avro",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"\xff\x06\x00\x00": "snappy",  # Framed, as Firehose writes it.
    b"BZh": "bzip2",
    b"\xfd7zX": "xz",
    b"\xff\xfe": "utf16",
    b"\xfe\xff": "utf16",
}


class UnreadableError(Exception):
    """The stream itself cannot be read: it breaks off, or is in another format.

    Attributes:
        reason: a stable word.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document."""

    value: object


@dataclass(frozen=True, slots=True)
class Text:
    """A line that is no JSON. It may still mean something, as a set-up notice does."""

    text: str


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A piece that is no document, or too much of one. The reader went on after it."""

    reason: str
    is_syntax: bool


Piece = Parsed | Text | Unparsed


def read_documents(stream: BinaryIO) -> Iterator[Piece]:
    """Give the documents of a stream, one by one, as they are read.

    Raises:
        UnreadableError: the stream is empty, breaks off in its compression, or is no text.
    """
    try:
        yield from _Documents(_decompressed(stream))
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnreadableError("broken_gzip") from None
    except OSError as exc:
        raise UnreadableError("read_error") from exc


def documents_of(text: str) -> list[object] | None:
    """All documents of a text that holds several in a row; None if any of them is broken."""
    try:
        pieces = list(_Documents(BytesIO(text.encode())))
    except UnreadableError:  # Blank, nothing but commas, or a byte order mark alone.
        return None
    values = [piece.value for piece in pieces if isinstance(piece, Parsed)]
    return values if values and len(values) == len(pieces) else None


def _decompressed(stream: BinaryIO) -> BinaryIO:
    """The text itself. What its producer compressed, Firehose may have compressed once more."""
    for _ in range(MAX_COMPRESSIONS + 1):
        buffered = _buffered(stream)
        start = buffered.peek(4)[:4]
        for magic, name in _OTHER_FORMATS.items():
            if start.startswith(magic):
                raise UnreadableError(f"format_{name}")
        if not start.startswith(b"\x1f\x8b"):
            return buffered
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=buffered, mode="rb"))
    raise UnreadableError("compressed_too_often")


def _buffered(stream: BinaryIO) -> BufferedReader:
    if isinstance(stream, BufferedReader):
        return stream
    return BufferedReader(cast(RawIOBase, stream))


class _Documents:
    """One pass over a stream. `_at` is where the next document starts in the buffer."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._is_over = False
        self._in_list = False

    def __iter__(self) -> Iterator[Piece]:
        self._fill()
        if self._buffer.startswith(b"\xef\xbb\xbf"):
            self._at = 3
        if not self._skip_blank():
            raise UnreadableError("empty")
        while self._skip_blank():
            piece = self._next()
            if piece is not None:
                yield piece
        if self._in_list:
            yield Unparsed("list_breaks_off", is_syntax=True)

    def _fill(self) -> bool:
        """Read one piece more. Moves the rest to the front, so `_at` becomes 0."""
        piece = b"" if self._is_over else self._stream.read(PIECE_BYTES)
        self._is_over = not piece
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)

    def _skip_blank(self) -> bool:
        while True:
            match = _BLANK.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return True
            if not self._fill():
                return False

    def _next(self) -> Piece | None:
        first = self._buffer[self._at : self._at + 1]
        if self._in_list and first == b"]":
            self._in_list = False
            self._at += 1
            return None
        if first == b"[" and not self._in_list:
            self._in_list = True
            self._at += 1
            return None
        if first in (b"{", b"["):
            return self._line() or self._object()
        return self._scalar()

    def _line(self) -> Piece | None:
        """The quick way: what begins here and ends with the line is mostly one document."""
        end = self._buffer.find(b"\n", self._at, self._at + PIECE_BYTES)
        if end < 0 or self._in_list:
            return None
        try:
            value = parse_json(self._buffer[self._at : end])
        except NotJsonError:
            return None
        self._at = end + 1
        return Parsed(value)

    def _object(self) -> Piece:
        length = self._length()
        if length is None:
            return self._give_up(NotJsonError("not_json"))
        if length > MAX_DOCUMENT_BYTES:
            return self._give_up(NotJsonError("too_large", is_syntax=False))
        text = self._buffer[self._at : self._at + length]
        try:
            value = parse_json(text, MAX_DOCUMENT_BYTES)
        except NotJsonError as exc:
            if exc.is_syntax:
                return self._give_up(exc)
            self._at += length
            return Unparsed(exc.reason, is_syntax=False)
        self._at += length
        return Parsed(value)

    def _length(self) -> int | None:
        """How many bytes until all brackets are closed; too many, or None if they never are."""
        done, depth = 0, 0
        while True:
            for token in _TOKEN.finditer(self._buffer, self._at + done):
                text = token.group()
                if text == b'"':
                    break
                done = token.end() - self._at
                depth += 1 if text in (b"{", b"[") else -1 if text in (b"}", b"]") else 0
                if depth == 0:
                    return done
            if len(self._buffer) - self._at > MAX_DOCUMENT_BYTES:
                return MAX_DOCUMENT_BYTES + 1
            if not self._fill():
                return None

    def _give_up(self, why: NotJsonError) -> Piece:
        """Leave a broken document, and go on at the next line that begins one."""
        self._at += 1
        while True:
            match = _LINE_START.search(self._buffer, self._at)
            if match:
                self._at = match.end()
                return Unparsed(why.reason, why.is_syntax)
            self._at = max(self._at, len(self._buffer) - 1)
            if not self._fill():
                self._at = len(self._buffer)
                return Unparsed(why.reason, why.is_syntax)

    def _scalar(self) -> Piece:
        """A line of text, or a string or number in a list."""
        stop = re.compile(rb"[,\]\n]") if self._in_list else re.compile(rb"\n")
        end = self._end_of_scalar(stop)
        raw = self._buffer[self._at : self._at + end]
        self._at += end
        if len(raw) > MAX_DOCUMENT_BYTES:
            return Unparsed("too_large", is_syntax=False)
        try:
            return Parsed(parse_json(raw.strip()))
        except NotJsonError as exc:
            if exc.reason != "not_json" or self._in_list:
                return Unparsed(exc.reason, exc.is_syntax)
            return Text(raw.decode().strip())

    def _end_of_scalar(self, stop: re.Pattern[bytes]) -> int:
        while True:
            start = self._at
            if self._buffer[start : start + 1] == b'"':
                string = _TOKEN.match(self._buffer, start)
                start = string.end() if string and len(string.group()) > 1 else start + 1
            match = stop.search(self._buffer, start)
            if match:
                return match.start() - self._at
            if len(self._buffer) - self._at > MAX_DOCUMENT_BYTES or not self._fill():
                return len(self._buffer) - self._at
