from __future__ import annotations

import re
from pathlib import Path

import pytest

from workers.cli.reference import (
    PAGE_FILE,
    SCHEMA_FILE,
    page_with_tables,
    schema,
    schema_text,
    write,
)
from workers.clock import SystemClock
from workers.config import (
    Finding,
    InvalidConfigurationError,
    UnreadableConfigurationError,
    inspect,
    load,
)
from workers.config.places import Places
from workers.errors import SettingsError
from workers.limits import RATES, Limits, raised
from workers.runtime.config import ConsumerConfig

ROOT = Path(__file__).parents[2]

PLUMBING = """
[[brands]]
name = "Plumbing"
numbers = ["+12065550199"]
configuration_set = "conversations"
contact_flow_id = "flow-1"
"""
CLUB = """
[[brands]]
name = "Club"
numbers = ["12345"]
configuration_set = "conversations"
contact_flow_id = "flow-2"
opt_out_list = "club"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "switchboard.toml"


def problems(file: Path, text: str) -> list[Finding]:
    file.write_text(text, encoding="utf-8")
    return list(inspect(file).problems)


def warned(file: Path, text: str) -> list[Finding]:
    file.write_text(text, encoding="utf-8")
    inspection = inspect(file)
    assert inspection.problems == ()
    return list(inspection.warnings)


# --- reading ------------------------------------------------------------------------------------


def test_a_small_file_is_enough(file: Path) -> None:
    file.write_text(PLUMBING)
    configuration = load(file)
    assert (configuration.hold_ms_in, configuration.hold_ms_out) == (500, 500)
    assert configuration.find("Plumbing") is configuration.brands[0]
    assert configuration.find("plumbing") is None


@pytest.mark.parametrize(
    ("seconds", "is_allowed"), [(4, False), (5, True), (120, True), (121, False)]
)
def test_a_conversations_lease_outlasts_a_renewal_and_ends_the_waiting(
    file: Path, seconds: int, is_allowed: bool
) -> None:
    file.write_text(f"session_lease_s = {seconds}\n" + PLUMBING)
    assert (not inspect(file).problems) is is_allowed
    if is_allowed:
        assert load(file).session_lease_ms == seconds * 1000


def test_a_quota_that_aws_raised_replaces_the_documented_rate(file: Path) -> None:
    file.write_text('quotas = { "participant.message" = 200, "sms:+12065550199" = 1 }\n' + PLUMBING)
    limits = Limits(SystemClock(), raised(load(file).quotas))
    assert limits.bucket("participant.message").rate_per_s == 200
    assert limits.texts_from("+12065550199").rate_per_s == 1
    assert limits.texts_from("+12065550198").rate_per_s == RATES["sms.long_code"].per_s


def test_a_quota_of_an_unknown_name_is_refused(file: Path) -> None:
    [problem] = problems(file, 'quotas = { "participant.massage" = 200 }\n' + PLUMBING)
    assert problem.key == "quotas"
    assert "participant.massage" in problem.says


@pytest.mark.parametrize(
    ("reported", "name"),
    [
        ("+12065550199", "Plumbing"),
        ("+1 206 555 0199", "Plumbing"),
        ("12345", "Club"),
        ("+12065550198", None),
        ("+12345", None),
        ("rcs-cb1e6e519e9049fabf8c0ae38e000001", None),
        ("", None),
    ],
)
def test_the_number_that_was_texted_tells_the_brand(
    file: Path, reported: str, name: str | None
) -> None:
    file.write_text(PLUMBING + CLUB)
    brand = load(file).brand_of(reported)
    assert (brand.name if brand else None) == name


def test_a_mexican_number_is_found_in_its_former_form(file: Path) -> None:
    file.write_text(PLUMBING.replace("+12065550199", "+525512345678"))
    assert load(file).brand_of("+5215512345678") is not None


def test_the_example_is_clean() -> None:
    inspection = inspect(ROOT / "switchboard.example.toml")
    assert inspection.problems == ()
    assert inspection.warnings == ()
    assert inspection.configuration is not None
    assert len(inspection.configuration.brands) == 2


def test_a_byte_order_mark_does_no_harm(file: Path) -> None:
    file.write_text("\ufeff" + PLUMBING, encoding="utf-8")
    assert load(file).brands[0].name == "Plumbing"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"\xff\xfe[", "not UTF-8"),
        (b"[[brands]\n", r"not TOML.*line 1"),
        ("name = “A”\n".encode(), r"not TOML.*line 1.*straight quotes"),
        (b'name = "A\n', r"not TOML.*line 1.*not closed"),
        (b"a = 1\na = 2\n", r"not TOML.*line 2.*twice"),
        (b'{"brands": []}', r"not TOML.*line 1.*\[\[brands\]\]"),
        (b"a = " + b"[" * 100_000, "nested too deep|not TOML"),
    ],
)
def test_what_cannot_be_read_says_why(file: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnreadableConfigurationError, match=says) as raised:
        load(file)
    assert isinstance(raised.value, SettingsError)
    assert str(file) in str(raised.value)


def test_an_invalid_file_raises_with_every_problem(file: Path) -> None:
    file.write_text(PLUMBING + "colour = 1\n[brands.limits]\ntext_ttl_s = 1\n")
    with pytest.raises(InvalidConfigurationError) as raised:
        load(file)
    assert isinstance(raised.value, SettingsError)
    assert "line 7: brands[0].colour: unknown key" in str(raised.value)
    assert "line 9: brands[0].limits.text_ttl_s: should be greater" in str(raised.value)


# --- keys that are wrong --------------------------------------------------------------------------


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


# --- what is allowed and unwise -------------------------------------------------------------------

_TOLL_FREE = PLUMBING.replace("+12065550199", "+18335550199")


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        pytest.param(
            PLUMBING + 'message_class = "promotional"\n' + CLUB.replace('"club"', '"Default"'),
            "brands[1].opt_out_list",
            "transactional texts share the opt-out list 'Default' with the promotional texts of"
            " brands[0]",
            id="shared_opt_out_list",
        ),
        pytest.param(
            PLUMBING + 'opt_out_mode = "managed"\n',
            "brands[0].opt_out_mode",
            "never shows them to us",
            id="managed_opt_out",
        ),
        pytest.param(
            PLUMBING + f'[brands.texts]\nhelp = "{"x" * 161}"\n',
            "brands[0].texts.help",
            "takes 2 message parts",
            id="two_parts",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nhelp = "{brand}: we’re here"\n',
            "brands[0].texts.help",
            "'’' is outside GSM 03.38",
            id="ucs2",
        ),
        pytest.param(
            PLUMBING + '[brands.texts]\nhelp = "Stop all texts: reply STOP."\n',
            "brands[0].texts.help",
            "begins with 'stop all'",
            id="begins_like_an_opt_out",
        ),
        pytest.param(
            PLUMBING.replace("Plumbing", "End Zone"),
            "brands[0].texts.opt_out_confirmed",
            "begins with 'end'",
            id="brand_whose_name_is_an_opt_out_word",
        ),
        pytest.param(
            PLUMBING + "[brands.limits]\ntext_ttl_s = 3600\n",
            "brands[0].limits.text_ttl_s",
            "older than you allow",
            id="ttl_beyond_age",
        ),
        pytest.param(
            PLUMBING + "[brands.limits]\nchat_duration_min = 60\nidle_close_s = 7200\n"
            "idle_warn_s = 0\n",
            "brands[0].limits.idle_close_s",
            "Connect ends it first",
            id="idle_close_beyond_the_chats_end",
        ),
        pytest.param(
            PLUMBING + "[brands.limits]\nautomatic_texts_per_hour = 0\n",
            "brands[0].limits.automatic_texts_per_hour",
            "answer to HELP",
            id="no_automatic_texts",
        ),
        pytest.param(
            _TOLL_FREE + '[brands.texts]\nopt_out_confirmed = "{brand}: Bye."\n',
            "brands[0].texts.opt_out_confirmed",
            "the carrier answers STOP",
            id="toll_free_with_its_own_reply",
        ),
        pytest.param(
            PLUMBING + 'sender_ids = ["EXAMPLECO"]\norigination_identity = "EXAMPLECO"\n',
            "brands[0].origination_identity",
            "cannot answer",
            id="replies_from_a_sender_id",
        ),
        pytest.param(
            PLUMBING.replace('"+12065550199"', '"+12065550199", "+12065550198"')
            + 'origination_identity = "+12065550199"\n',
            "brands[0].origination_identity",
            "opens a second conversation",
            id="one_identity_for_two_numbers",
        ),
        pytest.param(
            PLUMBING + 'origination_identity = "+12065550111"\n',
            "brands[0].origination_identity",
            "none of this brand's",
            id="somebody_elses_identity",
        ),
        pytest.param(
            PLUMBING + '[brands.start]\nkeywords = ["chat"]\n',
            "brands[0].start.keywords",
            "any text opens a chat",
            id="keywords_that_nobody_asks_for",
        ),
        pytest.param(
            PLUMBING.replace("flow-1", "Inbound chat"),
            "brands[0].contact_flow_id",
            "looks like a flow's name",
            id="a_flow_by_its_name",
        ),
        pytest.param(
            PLUMBING.replace("+12065550199", "+19005550199"),
            "brands[0].numbers[0]",
            "no number that carries texts",
            id="premium_rate",
        ),
    ],
)
def test_each_warning_names_its_key(file: Path, text: str, key: str, says: str) -> None:
    found = warned(file, text)
    assert key in [finding.key for finding in found]
    first = next(finding for finding in found if finding.key == key)
    assert says in first.says
    assert {finding.key.rpartition(".")[0] for finding in found} <= {
        key.rpartition(".")[0],
        "brands[0].texts",
    }


@pytest.mark.parametrize(
    "text",
    [
        PLUMBING + CLUB,
        PLUMBING + 'message_class = "promotional"\n' + CLUB,
        _TOLL_FREE,
        PLUMBING + 'origination_identity = "+1 206 555 0199"\n',
        PLUMBING + 'pools = ["pool-1"]\norigination_identity = "pool-1"\n',
        PLUMBING + "[brands.limits]\nidle_warn_s = 0\nidle_close_s = 0\n",
        PLUMBING + '[brands.texts]\nhelp = "{brand}: Stopped pipes? Call us."\n',
    ],
)
def test_what_needs_no_warning(file: Path, text: str) -> None:
    assert warned(file, text) == []


# --- lines ----------------------------------------------------------------------------------------

_ODD_TOML = '''
# brands = 1
"hold_ms_in" = 1   # a quoted key
[[brands]]
name = """
[[brands]]
name = "not a key"
"""
numbers = [
  "a", # ]
  "b",
]
limits.text_ttl_s = 5
[brands.texts]
help = "x"
[[brands]]
[brands.limits]
idle_warn_s = 1
texts = { help = "x" }
[runtime."inbound-sms"]
slots = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("hold_ms_in",), 3),
        (("brands", 0), 4),
        (("brands", 0, "name"), 5),
        (("brands", 0, "numbers", 1), 9),
        (("brands", 0, "limits", "text_ttl_s"), 13),
        (("brands", 0, "limits", "missing"), 13),
        (("brands", 0, "texts", "help"), 15),
        (("brands", 1), 16),
        (("brands", 1, "limits", "idle_warn_s"), 18),
        (("brands", 1, "limits", "texts", "help"), 19),
        (("brands", 1, "missing"), 16),
        (("runtime", "inbound-sms", "slots"), 21),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_keys_are_found_on_their_lines(path: tuple[str | int, ...], line: int | None) -> None:
    assert Places(_ODD_TOML).line_of(path) == line


# --- what is generated ----------------------------------------------------------------------------


def test_the_schema_in_docs_is_fresh() -> None:
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text(), (
        "run python -m workers.cli.reference"
    )


def test_the_page_in_docs_is_fresh() -> None:
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    assert page_with_tables(page) == page, "run python -m workers.cli.reference"


def test_both_are_written_anew(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    stale = page.replace("| `hold_ms_in` |", "| `hold_in_ms` |")
    assert stale != page
    (tmp_path / PAGE_FILE).write_text(stale, encoding="utf-8")
    write(tmp_path)
    assert (tmp_path / PAGE_FILE).read_text(encoding="utf-8") == page
    assert (tmp_path / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_every_key_is_described() -> None:
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\w+` \|.*\|$", page, re.MULTILINE)
    assert len(rows) > 50
    assert not [row for row in rows if row.endswith("|  |")]


def test_the_schema_and_the_page_know_how_a_queue_is_consumed() -> None:
    table = schema()["properties"]["runtime"]["additionalProperties"]
    keys = schema()["$defs"][table["$ref"].rpartition("/")[2]]["properties"]
    assert set(keys) == set(ConsumerConfig.model_fields)
    assert {"slots", "lease_step_s", "attempts", "max_age_s", "backoff_cap_s"} < set(keys)
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    assert not [key for key in keys if f"| `{key}` |" not in page]
