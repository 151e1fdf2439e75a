"""What is allowed and unwise is warned of, by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.files import CLUB, PLUMBING, warned

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
