"""Which events an event destination gets."""

from __future__ import annotations

import pytest

from simulator.services.sms_voice.models import EventDestination


@pytest.mark.parametrize(
    ("types", "is_enabled", "event", "is_wanted"),
    [
        pytest.param(("ALL",), True, "TEXT_DELIVERED", True, id="all"),
        pytest.param(("TEXT_ALL",), True, "TEXT_DELIVERED", True, id="family"),
        pytest.param(("TEXT_DELIVERED",), True, "TEXT_DELIVERED", True, id="itself"),
        pytest.param(("MEDIA_ALL", "TEXT_SENT"), True, "TEXT_DELIVERED", False, id="others"),
        pytest.param(("ALL",), False, "TEXT_DELIVERED", False, id="switched_off"),
    ],
)
def test_a_destination_gets_its_types_while_it_is_enabled(
    types: tuple[str, ...], is_enabled: bool, event: str, is_wanted: bool
) -> None:
    destination = EventDestination("sns", types, "arn", is_enabled=is_enabled)
    assert destination.wants(event) is is_wanted
