"""What a field reads from an object, and when two values are the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.services.customer_profiles import standard_fields
from simulator.services.customer_profiles.mapping import Field, read_object
from simulator.services.customer_profiles.values import comparable

OBJECT: dict[str, Any] = {
    "name": "Ann",
    "empty": "",
    "nothing": None,
    "count": 1234,
    "share": 1.5,
    "yes": True,
    "home": {"city": "Seattle", "lines": ["one", "two"]},
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("_source.name", "Ann"),
        ("_source.count", "1234"),
        ("_source.share", "1.5"),
        ("_source.yes", "true"),
        ("_source.home.city", "Seattle"),
        ("_source.home.lines[1]", "two"),
        ("_source.home.lines.0", "one"),
        ("_source.home.lines[2]", None),
        ("_source.empty", None),
        ("_source.nothing", None),
        ("_source.missing.deep", None),
        ("_source.name.deep", None),
        # Something nested is no value.
        ("_source.home", None),
        ("_source.home.lines", None),
        # Only the source object can be read.
        ("_profile.FirstName", None),
        ("{{_source.name}} of {{ _source.home.city }}", "Ann of Seattle"),
        ("{{{_source.name}}}", "Ann"),
        ("{{_source.missing}}", None),
        ("always-{{_source.missing}}", "always-"),
    ],
)
def test_a_source_is_read_as_it_is_written(source: str, value: str | None) -> None:
    assert Field(source, None, "STRING").read(OBJECT) == value


@pytest.mark.parametrize("text", ["", "[]", "1", '"x"', "{", "null", "[" * 100_000])
def test_what_is_no_object_is_none(text: str) -> None:
    assert read_object(text) is None


@pytest.mark.parametrize(
    ("kind", "one", "other", "is_same"),
    [
        ("PHONE_NUMBER", "+12065550100", "(206) 555-0100", True),
        ("PHONE_NUMBER", "+442079460000", "+44 20 7946 0000", True),
        ("PHONE_NUMBER", "+12065550100", "+12065550101", False),
        ("PHONE_NUMBER", "no number", " no number ", True),
        ("EMAIL_ADDRESS", "Ann@Example.com", " ann@example.com", True),
        ("NAME", "Ann  Lee", "ann lee", True),
        ("NUMBER", "1234", "1234.0", True),
        ("NUMBER", "12", "21", False),
        ("NUMBER", "1.50", "1.5", True),
        ("NUMBER", "12345678901234567890", "12345678901234567891", False),
        ("NUMBER", "1e999999", "1e999998", False),
        ("NUMBER", "NaN", "nan", False),
        ("STRING", "A-1", "a-1", False),
    ],
)
def test_values_are_compared_by_their_content_type(
    kind: str, one: str, other: str, is_same: bool
) -> None:
    assert (comparable(one, kind) == comparable(other, kind)) is is_same


@given(st.text(max_size=40), st.sampled_from(["PHONE_NUMBER", "NUMBER", "NAME", "STRING"]))
def test_a_comparable_form_stays_as_it_is(value: str, kind: str) -> None:
    once = comparable(value, kind)
    assert comparable(once, kind) == once


@pytest.mark.parametrize(
    ("path", "is_known"),
    [
        ("FirstName", True),
        ("Address.City", True),
        ("Attributes.a.b", True),
        ("Attributes", False),
        ("Address", False),
        ("Address.Planet", False),
        ("FirstName.x", False),
        ("ProfileId", False),
        ("Nickname", False),
    ],
)
def test_the_standard_profiles_fields_are_the_models(path: str, is_known: bool) -> None:
    assert standard_fields.is_field(path) is is_known
