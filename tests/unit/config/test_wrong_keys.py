"""Each wrong key is named with its line, and nobody is quoted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.config.files import CLUB, PLUMBING, problems


@pytest.mark.parametrize(
    ("text", "key", "line", "says"),
    [
        pytest.param("", "brands", None, "is missing", id="no_brand"),
        pytest.param("brands = []", "brands", 1, "at least 1", id="empty_list_of_brands"),
        pytest.param(
            "hold_ms = 5\n" + PLUMBING, "hold_ms", 1, "did you mean hold_ms_", id="unknown_top"
        ),
        pytest.param("version = 2\n" + PLUMBING, "version", 1, "should be 1, not 2", id="version"),
        pytest.param(
            "hold_ms_in = 5001\n" + PLUMBING, "hold_ms_in", 1, "5000, not 5001", id="hold_too_long"
        ),
        pytest.param(
            'hold_ms_in = "500"\n' + PLUMBING, "hold_ms_in", 1, "not text in quotes", id="quoted"
        ),
        pytest.param(
            PLUMBING + "[brands.limits]\nidle_close = 9\n",
            "brands[0].limits.idle_close",
            8,
            "did you mean idle_close_s?",
            id="unknown_nested_key",
        ),
        pytest.param(
            PLUMBING + CLUB + "limits.idle_warn_s = true\n",
            "brands[1].limits.idle_warn_s",
            14,
            "not true",
            id="boolean_for_a_number_by_dotted_key",
        ),
        pytest.param(
            PLUMBING + "limits = { text_ttl_s = 1 }\n",
            "brands[0].limits.text_ttl_s",
            7,
            "greater than or equal to 5, not 1",
            id="inline_table",
        ),
        pytest.param(
            PLUMBING + 'message_class = "promo"\n',
            "brands[0].message_class",
            7,
            "'transactional' or 'promotional', not 'promo'",
            id="one_of_few",
        ),
        pytest.param(
            PLUMBING.replace('contact_flow_id = "flow-1"', ""),
            "brands[0].contact_flow_id",
            2,
            "is missing. The inbound contact flow",
            id="missing",
        ),
        pytest.param(
            PLUMBING.replace('"+12065550199"', '\n  "+12065550199",\n  "EXAMPLECO",\n'),
            "brands[0].numbers[1]",
            4,
            "sender ID cannot receive",
            id="second_item_of_a_list_over_lines",
        ),
        pytest.param(
            PLUMBING + CLUB.replace("Club", "PLUMBING"),
            "brands[1].name",
            9,
            "the same name as brands[0].name",
            id="brand_names_are_unique",
        ),
        pytest.param(
            PLUMBING + CLUB.replace('"12345"', '"12345", "+1 206 555 0199"'),
            "brands[1].numbers[1]",
            10,
            "the same number as brands[0].numbers[0]",
            id="a_number_belongs_to_one_brand",
        ),
        pytest.param(
            PLUMBING.replace('"+12065550199"', '"+12065550199", "+12065550199"'),
            "brands[0].numbers[1]",
            4,
            "the same number as brands[0].numbers[0]",
            id="a_number_stands_once",
        ),
        pytest.param(
            PLUMBING + 'start.on = "keyword"\n',
            "brands[0].start.keywords",
            7,
            "at least one keyword",
            id="keyword_start_without_keywords",
        ),
        pytest.param(
            PLUMBING + "[brands.limits]\nidle_warn_s = 600\nidle_close_s = 600\n",
            "brands[0].limits.idle_close_s",
            9,
            "not after idle_warn_s",
            id="closes_before_it_warns",
        ),
        pytest.param(
            PLUMBING + '[brands.words]\nopt_in = ["start", "¡Stop!"]\n',
            "brands[0].words.opt_in[1]",
            8,
            "already is in words.opt_out",
            id="word_in_two_lists",
        ),
        pytest.param(
            PLUMBING + '[brands.start]\nkeywords = ["YES!"]\n',
            "brands[0].start.keywords[0]",
            8,
            "already is in words.opt_in",
            id="keyword_is_another_word",
        ),
        pytest.param(
            PLUMBING + '[brands.words]\nhelp = ["revoke"]\n',
            "brands[0].words.help[0]",
            8,
            "already is in words.opt_out",
            id="a_word_of_the_law_elsewhere",
        ),
        pytest.param(
            PLUMBING + '[brands.words]\nfiller = ["help"]\n',
            "brands[0].words.filler[0]",
            8,
            "already is in words.help",
            id="filler_that_means_something",
        ),
        pytest.param(
            PLUMBING + '[brands.words]\nopt_out = ["!"]\n',
            "brands[0].words.opt_out[0]",
            8,
            "no letter or digit",
            id="word_of_punctuation",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nbusy = "Hi {name}"\n',
            "brands[0].texts.busy",
            8,
            "{name} is no placeholder here. Known: {brand}",
            id="unknown_placeholder",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nbusy = "{brand.__class__}"\n',
            "brands[0].texts.busy",
            8,
            "no placeholder",
            id="placeholder_that_reaches_inside",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nbusy = "{brand:>9999999999}"\n',
            "brands[0].texts.busy",
            8,
            "no placeholder",
            id="placeholder_with_a_format",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nbusy = "{}"\n',
            "brands[0].texts.busy",
            8,
            "no placeholder",
            id="placeholder_without_a_name",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nnote_late = "{ "\n',
            "brands[0].texts.note_late",
            8,
            "a lone brace",
            id="lone_brace",
        ),
        pytest.param(
            PLUMBING + 'display_name = "{number}"\n',
            "brands[0].display_name",
            7,
            "Known: {brand}, {last4}, {masked}",
            id="display_name_by_its_own_rule",
        ),
        pytest.param(
            PLUMBING.replace('["+12065550199"]', "[12065550199]"),
            "brands[0].numbers[0]",
            4,
            "should be text in quotes",
            id="a_number_without_quotes",
        ),
        pytest.param(
            PLUMBING.replace('["+12065550199"]', '"+12065550199"'),
            "brands[0].numbers",
            4,
            "should be a list in brackets, not text in quotes",
            id="one_number_without_brackets",
        ),
        pytest.param(
            PLUMBING.replace("[[brands]]", "[brands]"),
            "brands",
            2,
            "write [[brands]], in two pairs of brackets",
            id="a_table_for_a_list_of_tables",
        ),
        pytest.param(
            PLUMBING + 'language = "english please"\n',
            "brands[0].language",
            7,
            "is not of this form: BCP 47 tag such as `en-US`",
            id="a_language_that_is_no_tag",
        ),
        pytest.param(
            PLUMBING + 'end_chat_on_opt_out = "yes"\n',
            "brands[0].end_chat_on_opt_out",
            7,
            "should be true or false, not text in quotes",
            id="a_yes_for_a_boolean",
        ),
        pytest.param(
            PLUMBING.replace('"flow-1"', "2026-11-20"),
            "brands[0].contact_flow_id",
            6,
            "should be text in quotes",
            id="a_date_for_text",
        ),
        pytest.param(
            PLUMBING + f'words.opt_out = ["{"x" * 31}"]\n',
            "brands[0].words.opt_out[0]",
            7,
            "is longer than 30 characters",
            id="a_word_longer_than_a_keyword_may_be",
        ),
        pytest.param(
            PLUMBING + 'opt_out_list = " "\n',
            "brands[0].opt_out_list",
            7,
            "is empty",
            id="a_blank_name",
        ),
        pytest.param(
            PLUMBING + '[brands.words]\nopt_out = ["stop", "ＹＥＳ"]\n',
            "brands[0].words.opt_in[2]",
            7,
            "default list, which the file does not replace",
            id="a_word_of_a_default_list",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nopt_out_confirmed = " "\n',
            "brands[0].texts.opt_out_confirmed",
            8,
            "nobody else confirms",
            id="self_managed_opt_out_without_an_answer",
        ),
    ],
)
def test_each_problem_names_its_key_and_line(
    file: Path, text: str, key: str, line: int | None, says: str
) -> None:
    found = problems(file, text)
    assert [(finding.key, finding.line) for finding in found] == [(key, line)]
    assert says in found[0].says


@pytest.mark.parametrize(
    "text",
    [
        "[brands.limits]\nidle_warn_s = 0\nidle_close_s = 60\n",
        "[brands.limits]\nidle_warn_s = 60\nidle_close_s = 0\n",
        "[brands.limits]\nidle_warn_s = 0\nidle_close_s = 0\n",
        '[brands.texts]\nnote_uncertain = "{?}"\n',  # takes no placeholders, so these are braces
        '[brands.texts]\nbusy = "{{{brand}}}"\n',
        '[brands.texts]\nno_match = ""\nidle_closed = ""\n',
        'opt_out_mode = "managed"\ntexts.opt_out_confirmed = ""\n',
        '[brands.words]\nopt_out = ["stop", "STOP", "stop!"]\n',
    ],
)
def test_what_is_allowed(file: Path, text: str) -> None:
    assert problems(file, PLUMBING + text) == []


def test_no_problem_quotes_a_number_whose_quotes_were_forgotten(file: Path) -> None:
    found = problems(file, PLUMBING.replace('["+12065550199"]', "[12065550199]"))
    assert not re.search(r"5550199", "".join(map(str, found)))


def test_no_problem_quotes_a_number(file: Path) -> None:
    found = problems(file, PLUMBING.replace("+12065550199", "+120655501990") + "[brands.x]\n")
    assert len(found) == 2
    assert not re.search(r"5550199", "".join(map(str, found)))
