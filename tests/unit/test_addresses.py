"""Addresses: one spelling of each, and what is none."""

from __future__ import annotations

import pytest

from workers.addresses import Channel, channel_of, identity, mask, normalise


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("pat@example.com", "pat@example.com"),
        (" Pat.O'Neil+x@Mail.Example.COM ", "pat.o'neil+x@mail.example.com"),
        ("pat@münchen.example", "pat@münchen.example"),
        ("pat", None),
        ("pat@localhost", None),
        ("pat@@example.com", None),
        ("pat smith@example.com", None),
        ("<pat@example.com>", None),
        ("", None),
        ("x" * 65 + "@example.com", None),
        ("x@" + "y." * 130 + "com", None),
    ],
)
def test_a_mail_address_is_stored_in_one_spelling_or_is_none(
    written: str, stored: str | None
) -> None:
    assert normalise(Channel.EMAIL, written) == stored


def test_a_number_is_stored_in_e164_and_compared_by_its_phone() -> None:
    assert normalise(Channel.SMS, "+1 (206) 555-0100") == "+12065550100"
    assert normalise(Channel.VOICE, "ACME") is None
    assert identity(Channel.SMS, "+5491123456789") == identity(Channel.SMS, "+541123456789")


def test_a_channel_is_guessed_from_what_an_address_looks_like() -> None:
    assert channel_of("Pat@example.com") is Channel.EMAIL
    assert channel_of("+12065550100") is Channel.SMS
    assert channel_of("pat") is None


def test_people_see_addresses_masked() -> None:
    assert mask(Channel.EMAIL, "pat@example.com") == "p•••@example.com"
    assert mask(Channel.EMAIL, "nonsense") == "•••"
    assert mask(Channel.SMS, "+12065550100") == "+1206•••0100"
