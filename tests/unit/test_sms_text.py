from __future__ import annotations

import contextlib
import json

import pytest
from gsm0338 import Codec  # type: ignore[import-untyped] # ships no types
from hypothesis import given
from hypothesis import strategies as st

from workers.sms_text import (
    MAX_CHAT_BYTES,
    MAX_GSM_UNITS,
    MAX_UCS2_UNITS,
    Encoding,
    Measure,
    clean_for_chat,
    clean_for_sms,
    flatten_interactive,
    measure,
    split_for_chat,
    split_for_sms,
    strip_markdown,
    to_gsm,
)

EXTENSION = "^{}\\[~]|€\f"
FAMILY = "👨‍👩‍👧‍👦"
texts = st.text(
    st.one_of(
        st.sampled_from("aé€{ \n…“😀漢" + FAMILY + "e\u0301"),
        st.characters(codec="utf-8", exclude_characters="\x00"),
    ),
    max_size=300,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", Measure(Encoding.GSM, 0, 0), id="nothing"),
        pytest.param("a" * 160, Measure(Encoding.GSM, 160, 1), id="one_full_gsm_part"),
        pytest.param("a" * 161, Measure(Encoding.GSM, 161, 2), id="gsm_parts_hold_153"),
        pytest.param("a" * 306, Measure(Encoding.GSM, 306, 2), id="two_full_gsm_parts"),
        pytest.param("a" * 307, Measure(Encoding.GSM, 307, 3), id="three_gsm_parts"),
        pytest.param("€" * 80, Measure(Encoding.GSM, 160, 1), id="extension_counts_two"),
        # 152 + escape and sign would straddle: the first part ends at 152 units.
        pytest.param(
            "a" * 152 + "€" + "a" * 152, Measure(Encoding.GSM, 306, 3), id="escape_not_split"
        ),
        pytest.param("“" * 70, Measure(Encoding.UCS2, 70, 1), id="one_full_ucs2_part"),
        pytest.param("“" * 71, Measure(Encoding.UCS2, 71, 2), id="ucs2_parts_hold_67"),
        pytest.param("😀" * 35, Measure(Encoding.UCS2, 70, 1), id="emoji_counts_two"),
        # 67 is odd: each part holds 33 emoji, so 67 of them need three parts.
        pytest.param("😀" * 67, Measure(Encoding.UCS2, 134, 3), id="surrogates_not_split"),
        pytest.param("price `5`", Measure(Encoding.UCS2, 9, 1), id="backtick_forces_ucs2"),
    ],
)
def test_measure_counts_units_and_parts(text: str, expected: Measure) -> None:
    assert measure(text) == expected


def test_gsm_alphabet_is_the_one_of_an_independent_codec() -> None:
    """Every character of the BMP is compared with the codec that the package gsm0338 keeps."""
    codec = Codec()
    theirs: dict[str, int] = {}
    for char in map(chr, range(0x10000)):
        with contextlib.suppress(UnicodeEncodeError):
            theirs[char] = len(codec.encode(char)[0])
    del theirs["\x1b"]  # the escape itself is no character of a text
    ours = {
        char: measure(char).units
        for char in map(chr, range(0x10000))
        if measure(char).encoding is Encoding.GSM
    }
    assert ours == theirs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("It’s “fine” – really…", 'It\'s "fine" - really...', id="typography"),
        pytest.param("a\u00a0b\u200bc\td", "a bc d", id="spaces"),
        pytest.param("• one\n• two", "- one\n- two", id="bullets"),
        pytest.param("Ｃａｌｌ １２３", "Call 123", id="fullwidth"),
        pytest.param("ﬁne oﬀer", "fine offer", id="ligatures"),
        pytest.param("cafe\u0301", "café", id="decomposed_letter"),
        pytest.param("5 \u2126", "5 Ω", id="ohm_sign"),
        pytest.param("5 € {x}", "5 € {x}", id="extension_kept"),
        pytest.param("“nice” 😀", "“nice” 😀", id="emoji_leaves_all_as_it_was"),
        pytest.param("“está”", "“está”", id="accents_are_meaning"),
        pytest.param("garçon…", "garçon…", id="small_cedilla_is_not_the_capital"),
        pytest.param("10²", "10²", id="exponent_is_not_a_digit"),
        pytest.param("1½", "1½", id="fraction_is_not_two_digits"),
        pytest.param("…漢字", "…漢字", id="other_script"),
    ],
)
def test_text_is_put_into_gsm_where_meaning_survives(text: str, expected: str) -> None:
    assert to_gsm(text) == expected


@given(texts)
def test_transliteration_is_all_or_nothing_and_settles(text: str) -> None:
    result = to_gsm(text)
    assert result == text or measure(result).encoding is Encoding.GSM
    assert to_gsm(result) == result


@given(texts)
def test_each_sms_piece_fits_and_no_character_is_lost(text: str) -> None:
    pieces = split_for_sms(text, max_gsm_units=153, max_ucs2_units=67)
    for piece in pieces:
        size = measure(piece)
        assert 0 < size.units <= (153 if size.encoding is Encoding.GSM else 67)
        assert piece.strip()
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.lists(st.text("aé😀€漢", min_size=1, max_size=20), max_size=150))
def test_words_that_fit_are_never_cut(words: list[str]) -> None:
    pieces = split_for_sms(" ".join(words), max_gsm_units=153, max_ucs2_units=67)
    assert " ".join(pieces).split() == words
    chunks = split_for_chat(" ".join(words), 100)
    assert " ".join(chunks).split() == words


@given(texts, st.integers(4, 200))
def test_each_chat_piece_fits_its_bytes(text: str, max_bytes: int) -> None:
    pieces = split_for_chat(text, max_bytes)
    assert all(0 < len(piece.encode()) <= max_bytes and piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_short_text_is_one_piece_with_its_inner_white_space() -> None:
    assert split_for_sms("Hi  there,\n\nPat ") == ("Hi  there,\n\nPat",)
    assert split_for_chat("Hi  there,\n\nPat ") == ("Hi  there,\n\nPat",)


def test_blank_text_has_no_piece() -> None:
    assert split_for_sms(" \n\t ") == ()
    assert split_for_chat("") == ()


def test_default_pieces_use_the_whole_message() -> None:
    assert [len(piece) for piece in split_for_sms("a" * 4_000)] == [MAX_GSM_UNITS, 1_530, 940]
    assert [len(piece) for piece in split_for_sms("漢" * 700)] == [MAX_UCS2_UNITS, 70]
    assert [len(piece) for piece in split_for_chat("a" * 20_000)] == [MAX_CHAT_BYTES, 3_616]


def test_a_piece_is_full_when_its_ten_parts_are_not_when_its_units_are() -> None:
    """Every part ends at 152 units here, so 1,530 units would need an eleventh part."""
    block = "a" * 152 + "€" + "a" * 151
    pieces = split_for_sms(block * 6)
    assert all(measure(piece).parts <= 10 for piece in pieces)


@pytest.mark.parametrize("cluster", [FAMILY, "e\u0301\u0302", "🇨🇭", "क्षि"])
def test_grapheme_clusters_are_not_cut(cluster: str) -> None:
    for pieces in (
        split_for_sms(cluster * 40, max_gsm_units=153, max_ucs2_units=67),
        split_for_chat(cluster * 40, 100),
    ):
        assert len(pieces) > 1
        assert all(piece.replace(cluster, "") == "" for piece in pieces)


def test_a_cluster_larger_than_a_piece_is_cut_all_the_same() -> None:
    text = "e" + "\u0301" * 1_000
    assert "".join(split_for_sms(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\x00b\x07c", "abc", id="controls"),
        pytest.param("a\r\nb\rc\x0cd", "a\nb\nc\nd", id="line_breaks"),
        pytest.param("a\tb", "a\tb", id="tab_stays"),
        pytest.param("a\ud83db", "a\ufffdb", id="lone_surrogate"),
        pytest.param("a\ufffeb\uffff", "ab", id="noncharacters"),
        pytest.param("naïve 😀\n", "naïve 😀\n", id="good_text"),
    ],
)
def test_what_connect_refuses_is_cleaned(text: str, expected: str) -> None:
    assert clean_for_chat(text) == expected


@given(st.text(st.characters(), max_size=100))
def test_clean_text_is_legal_xml_and_stays(text: str) -> None:
    clean = clean_for_chat(text)
    assert all(char in "\t\n" or char >= " " for char in clean)
    clean.encode("utf-8")
    assert clean_for_chat(clean) == clean
    sms = clean_for_sms(text)
    assert clean_for_sms(sms) == sms


def test_cleaned_sms_has_no_tab_and_no_outer_space() -> None:
    assert clean_for_sms(" \tyou:\t5 \n") == "you: 5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("**Bold**, *it*, `code` and ~~gone~~", "Bold, it, code and gone", id="marks"),
        pytest.param("snake_case and 2*3*4", "snake_case and 234", id="real_grammar"),
        pytest.param(
            "See [our page](https://x.example/a)", "See our page (https://x.example/a)", id="link"
        ),
        pytest.param("<https://x.example>", "https://x.example", id="bare_link"),
        pytest.param("# Title\n\nText\nmore", "Title\n\nText\nmore", id="heading"),
        pytest.param(
            "Pick:\n\n- one\n- two\n  - deep\n", "Pick:\n- one\n- two\n- deep", id="bullets"
        ),
        pytest.param("3. three\n4. four", "3. three\n4. four", id="numbers"),
        pytest.param("```\na  b\n```", "a  b", id="code_block"),
        pytest.param("![plan](https://x.example/p.png)", "plan", id="image_becomes_its_text"),
        pytest.param("<b>5 < 6</b> &amp; so", "<b>5 < 6</b> & so", id="html_is_text"),
        pytest.param("[](https://x.example/b)", "https://x.example/b", id="link_without_words"),
    ],
)
def test_markdown_is_stripped(text: str, expected: str) -> None:
    assert strip_markdown(text) == expected


@given(st.text(st.sampled_from("*_[]()<>#-`~!1. \n>ab"), max_size=80))
def test_stripping_never_raises(text: str) -> None:
    strip_markdown(text)


def _message(template: str, content: object) -> str:
    return json.dumps({"templateType": template, "version": "1.0", "data": {"content": content}})


PANEL = {"title": "How can we help?", "subtitle": "Tap to select", "imageType": "URL"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            _message(
                "ListPicker",
                PANEL | {"elements": [{"title": "Apple", "subtitle": "$1.00"}, {"title": "Pear"}]},
            ),
            "How can we help?\nTap to select\n1. Apple - $1.00\n2. Pear",
            id="list_picker",
        ),
        pytest.param(
            _message(
                "QuickReply", {"title": "Well?", "elements": [{"title": "Yes"}, {"title": "No"}]}
            ),
            "Well?\n1. Yes\n2. No",
            id="quick_reply",
        ),
        pytest.param(
            _message(
                "TimePicker",
                {
                    "title": "Visit",
                    "timeZoneOffset": -450,
                    "location": {"latitude": 47.6, "title": "Oscar"},
                    "timeslots": [
                        {"date": "2020-10-31T17:00+00:00", "duration": 60},
                        {"date": "soon"},
                        {},
                    ],
                },
            ),
            "Visit\nOscar\n1. 2020-10-31 09:30 UTC-07:30\n2. soon",
            id="time_picker_at_its_offset",
        ),
        pytest.param(
            _message("TimePicker", {"title": "Visit", "timeslots": [{"date": "2020-10-31T17:00"}]}),
            "Visit\n1. 2020-10-31 17:00 UTC",
            id="time_picker_without_offset",
        ),
        pytest.param(
            _message(
                "Carousel",
                {
                    "title": "Trips",
                    "elements": [
                        {
                            "templateType": "Panel",
                            "data": {"content": {"title": "Rome", "elements": [{"title": "Fly"}]}},
                        },
                        {
                            "templateType": "Panel",
                            "data": {
                                "content": {
                                    "title": "Oslo",
                                    "elements": [
                                        {"title": "Sail"},
                                        {
                                            "title": "More",
                                            "type": "hyperlink",
                                            "url": "https://x.example",
                                        },
                                    ],
                                }
                            },
                        },
                    ],
                },
            ),
            "Trips\nRome\n1. Fly\nOslo\n2. Sail\n3. More - https://x.example",
            id="carousel_numbers_run_on",
        ),
        pytest.param(_message("Future", {"title": "New"}), "New", id="unknown_template"),
        pytest.param(_message("Panel", {"imageData": "x"}), None, id="nothing_to_show"),
        pytest.param("not json", None, id="not_json"),
        pytest.param("[" * 100_000, None, id="bomb"),
        pytest.param(
            '{"data": {"content": {"title": 5, "elements": {"a": 1}}}}', None, id="odd_types"
        ),
    ],
)
def test_interactive_message_becomes_numbered_text(message: str, expected: str | None) -> None:
    assert flatten_interactive(message) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "content", "elements", "timeslots", "title", "date", "timeZoneOffset"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_flattening_never_raises(value: object) -> None:
    result = flatten_interactive(json.dumps(value))
    assert result is None or result.strip()


def test_options_are_capped() -> None:
    flat = flatten_interactive(_message("Panel", {"elements": [{"title": "x"}] * 5_000}))
    assert flat is not None
    assert len(flat.splitlines()) == 100
