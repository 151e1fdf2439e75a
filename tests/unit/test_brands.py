from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from workers.brands import PLACEHOLDERS, Brand, MessageClass, Texts
from workers.sms_text import Encoding, measure


def brand(**changes: Any) -> Brand:
    given: dict[str, Any] = {
        "name": "Example Plumbing",
        "numbers": ["+12065550199"],
        "configuration_set": "conversations",
        "contact_flow_id": "11111111-2222-3333-4444-555555555555",
    }
    return Brand(**{**given, **changes})


def test_four_keys_make_a_brand() -> None:
    shipped = brand()
    assert shipped.opt_out_mode == "self_managed"
    assert shipped.message_class is MessageClass.TRANSACTIONAL
    assert shipped.limits.to_customer_max_age_s == 15 * 60
    assert shipped.limits.to_agent_max_age_s == 24 * 3600
    assert shipped.limits.automatic_texts_per_hour == 3


def test_numbers_are_kept_in_e164() -> None:
    shipped = brand(numbers=["+1 (206) 555-0199", " 12345 ", "+52 1 55 1234 5678"])
    assert shipped.numbers == ("+12065550199", "12345", "+525512345678")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("2065550199", "E.164"),
        ("+1206555", "E.164"),
        ("12", "E.164"),
        ("EXAMPLECO", "sender ID cannot receive"),
        ("rcs-cb1e6e519e9049fabf8c0ae38e000001", "RCS"),
        ("", "E.164"),
    ],
)
def test_what_cannot_be_texted_is_no_number_of_ours(number: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        brand(numbers=[number])


@pytest.mark.parametrize("sender_id", ["EXAMPLECO", "A", "Ex-ample_1", "12345678901a"[1:]])
def test_sender_ids(sender_id: str) -> None:
    assert brand(sender_ids=[sender_id]).sender_ids == (sender_id,)


@pytest.mark.parametrize("sender_id", ["", "12345", "EXAMPLE CO", "ABCDEFGHIJKL", "ÉCO"])
def test_what_is_no_sender_id(sender_id: str) -> None:
    with pytest.raises(ValidationError, match="sender ID has 1 to 11"):
        brand(sender_ids=[sender_id])


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": []},
        {"name": "  "},
        {"configuration_set": ""},
        {"language": "american"},
        {"receipt_wait_s": 24},
        {"limits": {"text_ttl_s": 4}},
        {"limits": {"text_ttl_s": 259_201}},
        {"limits": {"chat_duration_min": 59}},
        {"words": {"opt_out": [""]}},
        {"words": {"opt_out": ["x" * 31]}},
        {"texts": {"hello": "x"}},
    ],
)
def test_bounds_are_kept(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        brand(**changes)


def test_each_text_says_which_placeholders_it_knows() -> None:
    assert PLACEHOLDERS.keys() == Texts.model_fields.keys()


@pytest.mark.parametrize("name", [name for name, known in PLACEHOLDERS.items() if "brand" in known])
def test_shipped_texts_fit_one_part_for_brands_of_thirty_letters(name: str) -> None:
    size = measure(getattr(Texts(), name).format(brand="B" * 30))
    assert size.encoding is Encoding.GSM
    assert size.parts <= 1
