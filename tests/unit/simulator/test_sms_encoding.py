from __future__ import annotations

import pytest

from simulator.services.sms_voice.encoding import encode


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        pytest.param("", "GSM", 0, 1, id="empty"),
        pytest.param("a" * 160, "GSM", 160, 1, id="one_gsm_part"),
        pytest.param("a" * 161, "GSM", 161, 2, id="two_gsm_parts"),
        pytest.param("€" * 80, "GSM", 160, 1, id="extension_characters_count_twice"),
        pytest.param("a" * 306, "GSM", 306, 2, id="two_full_gsm_parts"),
        pytest.param("ж" * 70, "Unicode", 70, 1, id="one_unicode_part"),
        pytest.param("ж" * 71, "Unicode", 71, 2, id="two_unicode_parts"),
        pytest.param("😀" * 35, "Unicode", 70, 1, id="an_emoji_is_two_units"),
        pytest.param("it’s", "Unicode", 4, 1, id="a_curly_quote_forces_unicode"),
    ],
)
def test_a_text_is_counted_as_it_goes_over_the_air(
    text: str, encoding: str, units: int, parts: int
) -> None:
    encoded = encode(text)
    assert (encoded.encoding, encoded.units, encoded.parts) == (encoding, units, parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a" * 1530, True), ("a" * 1531, False), ("ж" * 630, True), ("ж" * 631, False)],
)
def test_only_so_much_can_be_delivered(text: str, expected: bool) -> None:
    assert encode(text).is_deliverable is expected
