"""DynamoDB's own notation, there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.stores.tables import UnknownFormat, from_wire, to_wire

VALUES = st.recursive(
    st.text() | st.integers(-(10**37), 10**37) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert from_wire(to_wire(value)) == value


@pytest.mark.parametrize(
    "wire",
    [
        {"BOOL": True},
        {"NULL": True},
        {"SS": ["a"]},
        {"N": "1.5"},
        {"N": "1E3"},
        {"L": [{"M": {"a": {"BS": [b""]}}}]},
    ],
)
def test_what_only_a_newer_worker_writes_is_refused_with_its_word(wire: dict[str, Any]) -> None:
    with pytest.raises(UnknownFormat, match="stored_item_of_unknown_format"):
        from_wire(wire)
