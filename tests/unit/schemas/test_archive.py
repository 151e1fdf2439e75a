"""Documents out of streams: every way in which they lie in a file."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.archive import (
    MAX_COMPRESSIONS,
    MAX_DOCUMENT_BYTES,
    PIECE_BYTES,
    Parsed,
    Piece,
    Text,
    Unparsed,
    UnreadableError,
    read_documents,
)

RECORDS = [
    {"n": 1, "s": 'a "quoted" \\ brace } ]'},
    {"n": 2, "in": [{"x": []}]},
    {"n": 3, "é": "€"},
]
LINES = [json.dumps(record) for record in RECORDS]


def read(content: bytes | str) -> list[Piece]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_documents(io.BytesIO(raw)))


def values(content: bytes | str) -> list[object]:
    pieces = read(content)
    assert all(isinstance(piece, Parsed) for piece in pieces), pieces
    return [piece.value for piece in pieces if isinstance(piece, Parsed)]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(LINES),
        "\n".join(LINES) + "\n",
        "\r\n".join(LINES),
        "\n\n\n".join(LINES),
        "".join(LINES),
        " ".join(LINES),
        "\n".join(json.dumps(record, indent=2) for record in RECORDS),
        "".join(json.dumps(record, indent=2) for record in RECORDS),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=4, ensure_ascii=False),
        "\ufeff" + "\n".join(LINES),
        f"[{LINES[0]}]\n[{LINES[1]},{LINES[2]}]",
        LINES[0] + LINES[1] + "\n" + LINES[2],
    ],
    ids=range(13),
)
def test_documents_are_found_however_they_lie(content: str) -> None:
    assert values(content) == RECORDS
    assert values(gzip.compress(content.encode())) == RECORDS


def test_gzip_members_in_a_row_are_one_stream() -> None:
    assert values(b"".join(gzip.compress(line.encode()) for line in LINES)) == RECORDS


@pytest.mark.parametrize("times", [0, 1, MAX_COMPRESSIONS])
def test_what_was_compressed_by_its_producer_and_by_firehose_is_read(times: int) -> None:
    content = "\n".join(LINES).encode()
    for _ in range(times):
        content = gzip.compress(content)
    assert values(content) == RECORDS


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (gzip.compress(gzip.compress(b"{}")), "compressed_too_often"),
        ("{}".encode("utf-16"), "format_utf16"),
        (gzip.compress(b"{}" * 99)[:-4], "broken_gzip"),
        (b"", "empty"),
    ],
    ids=range(4),  # A gzip holds the time at which it was made.
)
def test_what_is_inside_the_compression_may_be_unreadable_too(inner: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(gzip.compress(inner))


def test_a_list_in_a_document_is_the_documents_own() -> None:
    assert values('{"Records": [{"a": 1}]}') == [{"Records": [{"a": 1}]}]


def test_an_empty_list_is_read_and_holds_nothing() -> None:
    assert read("[]") == []


def test_strings_and_numbers_in_a_list_are_documents() -> None:
    assert values('["a, ]b", 7, null , {"x": 1}, [2]]') == ["a, ]b", 7, None, {"x": 1}, [2]]


def test_a_line_of_text_stays_a_line_of_text() -> None:
    assert read(f"hello there\n{LINES[0]}\nbye") == [
        Text("hello there"),
        Parsed(RECORDS[0]),
        Text("bye"),
    ]


@pytest.mark.parametrize("content", [b"", b" \n\r\n ", gzip.compress(b"")], ids=range(3))
def test_an_empty_stream_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="empty"):
        read(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PAR1\x15\x04", "format_parquet"),
        (b"PK\x03\x04zip", "format_zip"),
        (bz2.compress(b"{}"), "format_bzip2"),
        (lzma.compress(b"{}"), "format_xz"),
        ('{"a": 1}'.encode("utf-16"), "format_utf16"),
        (gzip.compress(b'{"a": 1}' * 100)[:-9], "broken_gzip"),
        (b"\x1f\x8b\x08garbage that no gzip wrote", "broken_gzip"),
        (gzip.compress(b'{"a": 1}') + b"trailing", "broken_gzip"),
    ],
    ids=range(8),
)
def test_a_stream_of_another_kind_is_unreadable(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(content)


def test_a_stream_that_fails_is_unreadable() -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: Any) -> int:
            raise OSError("disk on fire")

    with pytest.raises(UnreadableError, match="read_error"):
        list(read_documents(io.BufferedReader(Failing())))


def test_a_broken_line_does_not_take_the_next_with_it() -> None:
    pieces = read(f'{LINES[0]}\n{{"broken": "no end\n{LINES[1]}\n{{"a": tru}}\n{LINES[2]}\n')
    assert pieces == [
        Parsed(RECORDS[0]),
        Unparsed("not_json", is_syntax=True),
        Parsed(RECORDS[1]),
        Unparsed("not_json", is_syntax=True),
        Parsed(RECORDS[2]),
    ]


def test_a_broken_document_of_many_lines_is_one_piece() -> None:
    broken = '{\n  "a": [\n    {"b": oops}\n  ]\n}\n'
    assert read(broken + LINES[0]) == [Unparsed("not_json", is_syntax=True), Parsed(RECORDS[0])]


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (b'{"a": "\xff"}\n{"b": 1}', [Unparsed("not_utf8", is_syntax=True), Parsed({"b": 1})]),
        (b"\xff\x00\x01", [Unparsed("not_utf8", is_syntax=True)]),
        (b'{"a": 1', [Unparsed("not_json", is_syntax=True)]),
        (b'[{"a": 1}', [Parsed({"a": 1}), Unparsed("list_breaks_off", is_syntax=True)]),
        (b'[1, oops, "open', [Parsed(1), Unparsed("not_json", is_syntax=True),
                              Unparsed("not_json", is_syntax=True),
                              Unparsed("list_breaks_off", is_syntax=True)]),
        (b"[[[" + b"[" * 500 + b"]" * 503, [Unparsed("nested_too_deep", is_syntax=False)]),
        (b"{a: 1}{\"b\": 2}", [Unparsed("quotes_stripped_by_pipe_template", is_syntax=False),
                               Parsed({"b": 2})]),
    ],
    ids=range(7),
)  # fmt: skip
def test_what_is_broken_is_told(content: bytes, pieces: list[Piece]) -> None:
    assert read(content) == pieces


def test_a_document_that_is_too_big_is_left_out_and_the_rest_is_read() -> None:
    big = b'{"a": "' + b"x" * (MAX_DOCUMENT_BYTES + PIECE_BYTES) + b'"}\n'
    assert read(big + LINES[0].encode()) == [
        Unparsed("too_large", is_syntax=False),
        Parsed(RECORDS[0]),
    ]
    assert read(b"x" * (MAX_DOCUMENT_BYTES + PIECE_BYTES))[0] == Unparsed(
        "too_large", is_syntax=False
    )


def test_a_big_stream_is_read_in_pieces() -> None:
    line = json.dumps({"text": "word " * 200}).encode()

    class Counting(io.RawIOBase):
        served = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.served += len(buffer)
            pattern = line * (len(buffer) // len(line) + 2)
            start = (self.served - len(buffer)) % len(line)
            buffer[:] = pattern[start : start + len(buffer)]
            return len(buffer)

    endless = Counting()
    documents = read_documents(io.BufferedReader(endless))
    for _ in range(1000):
        assert isinstance(next(documents), Parsed)
    assert endless.served < 1000 * len(line) + 4 * PIECE_BYTES


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=3),
        max_size=8,
    ),
    st.sampled_from(["", "\n", " ", "\r\n"]),
    st.booleans(),
)
def test_what_was_written_is_what_is_read(
    records: list[dict[str, object]], between: str, is_indented: bool
) -> None:
    text = between.join(json.dumps(record, indent=2 if is_indented else None) for record in records)
    if records:
        assert values(text) == records
    assert values(json.dumps(records)) == records


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ \na1', max_size=60).map(str.encode))
def test_any_bytes_are_pieces_or_unreadable(content: bytes) -> None:
    try:
        pieces = read(content)
    except UnreadableError:
        return
    assert all(isinstance(piece, Parsed | Text | Unparsed) for piece in pieces)
