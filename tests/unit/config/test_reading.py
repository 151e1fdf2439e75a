"""A configuration that is read: what there is then, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.files import CLUB, PLUMBING, problems
from workers.clock import SystemClock
from workers.config import (
    InvalidConfigurationError,
    UnreadableConfigurationError,
    inspect,
    load,
)
from workers.errors import SettingsError
from workers.limits import RATES, Limits, raised

ROOT = Path(__file__).parents[3]


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
