from __future__ import annotations

import pytest
from pydantic import ValidationError

from simulator.knobs import Knobs, KnobSection


class Weather(KnobSection):
    rain: bool = False
    wind: int = 0


@pytest.fixture
def knobs() -> Knobs:
    knobs = Knobs()
    knobs.register("weather", Weather())
    return knobs


def test_what_a_put_does_not_name_stays(knobs: Knobs) -> None:
    knobs.put({"weather": {"rain": True}})
    knobs.put({"rates": True})
    assert knobs.of(Weather).rain
    assert knobs.frame.rates


def test_a_put_with_any_fault_changes_nothing(knobs: Knobs) -> None:
    before = knobs.as_json()
    with pytest.raises(ValidationError):
        knobs.put({"weather": {"rain": True}, "rates": "perhaps"})
    with pytest.raises(KeyError):
        knobs.put({"rates": True, "wether": {}})
    assert knobs.as_json() == before


def test_what_is_shown_can_be_put_back(knobs: Knobs) -> None:
    knobs.put({"weather": {"wind": 3}, "api": {"*": {"throttle": 0.5}}})
    shown = knobs.as_json()
    knobs.reset()
    assert knobs.as_json() != shown
    knobs.put(shown)
    assert knobs.as_json() == shown


def test_the_most_exact_api_knobs_count(knobs: Knobs) -> None:
    knobs.put(
        {
            "api": {
                "*": {"throttle": 0.1},
                "connect.*": {"throttle": 0.2},
                "connect.StopContact": {"throttle": 0.3},
            }
        }
    )
    assert knobs.api("connect", "StopContact").throttle == 0.3
    assert knobs.api("connect", "StartChatContact").throttle == 0.2
    assert knobs.api("other", "Any").throttle == 0.1


def test_a_section_name_is_given_once(knobs: Knobs) -> None:
    with pytest.raises(ValueError, match="weather"):
        knobs.register("weather", Weather())
    with pytest.raises(ValueError, match="rates"):
        knobs.register("rates", Weather())
