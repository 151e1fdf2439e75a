from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.phone import (
    is_north_american_toll_free,
    is_short_code,
    is_textable,
    mask,
    normalise,
    same_number,
)


@pytest.mark.parametrize(
    ("written", "region", "expected"),
    [
        pytest.param("+12065550100", None, "+12065550100", id="already_e164"),
        pytest.param(" +1 (206) 555-0100 ", None, "+12065550100", id="as_people_write"),
        pytest.param("＋１２０６５５５０１００", None, "+12065550100", id="fullwidth"),
        pytest.param("206-555-0100", "US", "+12065550100", id="national_with_region"),
        pytest.param("2065550100", None, None, id="national_without_region_has_no_country"),
        pytest.param("+52 1 55 1234 5678", None, "+525512345678", id="mexico_former_mobile_1"),
        pytest.param("+54 11 15-2345-6789", None, "+5491123456789", id="argentina_15"),
        pytest.param("+6591234567", None, "+6591234567", id="eight_digit_plan"),
        pytest.param("+15550100", None, None, id="too_short_for_its_country"),
        pytest.param("+1206555010", None, None, id="one_digit_missing"),
        pytest.param("+120655501000", None, None, id="one_digit_too_many"),
        pytest.param("+999123456", None, None, id="no_such_country"),
        pytest.param("+02065550100", None, None, id="country_code_begins_with_0"),
        pytest.param("+1206555010a", None, None, id="a_letter_in_it"),
        pytest.param("+12065550100;ext=5", None, None, id="extension"),
        pytest.param("+12065550100 x5", None, None, id="extension_as_written"),
        pytest.param("tel:+12065550100", None, None, id="uri"),
        pytest.param("rcs-cb1e6e519e9049fabf8c0ae38e000001", None, None, id="rcs_agent"),
        pytest.param("EXAMPLECO", "US", None, id="sender_id"),
        pytest.param("", None, None, id="empty"),
        pytest.param("+" + "1" * 100_000, None, None, id="endless"),
    ],
)
def test_numbers_become_e164_or_nothing(
    written: str, region: str | None, expected: str | None
) -> None:
    assert normalise(written, region) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("+5491123456789", "+541123456789", True),
        ("+5215512345678", "+525512345678", True),
        ("+12065550100", "+1 206 555 0100", True),
        ("+12065550100", "+12065550101", False),
        ("12345", "12345", True),
        ("12345", "+12345", False),
        ("rcs-1", "rcs-1", False),
    ],
)
def test_stored_and_reported_forms_are_one_number(left: str, right: str, expected: bool) -> None:
    assert same_number(left, right) is expected
    assert same_number(right, left) is expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("12345", True),
        ("911", True),
        ("12345678", True),
        ("12", False),
        ("123456789", False),
        ("+12345", False),
        ("١٢٣٤٥", False),
        ("12345\n", False),
    ],
)
def test_short_codes_are_three_to_eight_digits(number: str, expected: bool) -> None:
    assert is_short_code(number) is expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12065550100", "+1206•••0100"),
        ("+6591234567", "+659•••4567"),
        ("+4916012345678", "+49160•••5678"),
        ("+525512345678", "+52551•••5678"),
        ("+5215512345678", "+52551•••5678"),
        ("+2903456", "+290•••6"),
        ("12345", "12345"),
        ("not a number", "•••"),
        ("", "•••"),
    ],
)
def test_masks_hide_the_middle(number: str, expected: str) -> None:
    assert mask(number) == expected


@given(st.from_regex(r"\+[1-9][0-9]{3,14}", fullmatch=True))
def test_a_mask_never_shows_the_number(number: str) -> None:
    shown = mask(number)
    assert number not in shown
    assert sum(char.isdigit() for char in shown) <= max(0, len(number) - 1 - 3)


@given(st.text(max_size=60))
def test_normal_form_is_stable(text: str) -> None:
    once = normalise(text, "US")
    assert once is None or normalise(once) == once


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12065550100", True),
        ("+18005550199", True),
        ("12345", True),
        ("+442071838750", True),
        ("+19005550199", False),
        ("+11115550100", False),
        ("junk", False),
    ],
)
def test_some_kinds_of_number_carry_no_texts(number: str, expected: bool) -> None:
    assert is_textable(number) is expected


def test_toll_free_is_told_by_its_range() -> None:
    assert is_north_american_toll_free("+18335550100")
    assert not is_north_american_toll_free("+12065550100")
    assert not is_north_american_toll_free("+448001111111")
    assert not is_north_american_toll_free("12345")
