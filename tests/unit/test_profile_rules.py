"""`[profiles]`: what a file may say, and how it is told what it may not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from workers.config import ObjectKind, inspect

BRAND = """
version = 1
[[brands]]
name = "Clinic"
numbers = ["+12065550199"]
configuration_set = "texts"
contact_flow_id = "flow"
opt_out_list = "Clinic"
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "switchboard.toml"
    file.write_text(BRAND + dedent(text))
    return [f"{finding.key}: {finding.says}" for finding in inspect(file).problems]


def test_a_mapping_to_a_type_of_ones_own_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "switchboard.toml"
    file.write_text(
        BRAND
        + dedent(
            """
            [profiles]
            domain = "clinic"
            search_keys = ["email", "customer_id"]

            [profiles.objects]
            skip = ["paths"]

            [profiles.objects.offers]
            type = "MarketingAssignedOffers"
            fields = {customer_id = "UserId", "last.name" = "offerName", all = ""}
            """
        )
    )
    inspection = inspect(file)
    assert inspection.configuration is not None, inspection.problems
    rules = inspection.configuration.profiles
    assert rules.is_on
    assert rules.objects.named(ObjectKind.PATHS) is None
    offers = rules.objects.named(ObjectKind.OFFERS)
    assert offers is not None
    assert offers.type == "MarketingAssignedOffers"


def test_without_a_domain_no_profiles_are_written(tmp_path: Path) -> None:
    file = tmp_path / "switchboard.toml"
    file.write_text(BRAND)
    configuration = inspect(file).configuration
    assert configuration is not None
    assert not configuration.profiles.is_on


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ('[profiles]\nsearch_keys = ["fax"]', "profiles.search_keys[0]", "customer_id"),
        ('[profiles]\nsearch_keys = ["email", "email"]', "profiles.search_keys", "twice"),
        ('[profiles]\ndomain = "my clinic"', "profiles.domain", ""),
        ("[profiles]\nwindow_s = 301", "profiles.window_s", "300"),
        ('[profiles]\nseveral = "guess"', "profiles.several", "skip"),
        (
            '[profiles.objects.offers]\ntype = "x"\nfields = {"last.colour" = "c"}',
            "profiles.objects",
            "last.colour",
        ),
        ('[profiles.objects.offers]\ntype = "1x"', "profiles.objects.offers.type", ""),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, text: str, key: str, says: str) -> None:
    [problem] = problems(tmp_path, text)
    assert problem.startswith(key)
    assert says in problem
