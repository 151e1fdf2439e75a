"""Pinpoint's custom-channel calls, read as reminders: whom it dials, and why it leaves others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.pinpoint_legacy import CustomChannelCall
from tests.unit.handlers.relay import brand_with
from tests.unit.handlers.reminders.office import BEGIN, SEATTLE
from workers.brands import BrandCalls
from workers.config import Configuration, ReminderRules
from workers.config.reminders import PinpointMapping
from workers.handlers.reminders.pinpoint import brand_of, read_call

CALLS = BrandCalls(contact_flow_id="f", queue_id="q")
ONE = Configuration(brands=(brand_with(calls=CALLS),))
AT = "2026-03-07T09:00:00-08:00"
PAT: dict[str, Any] = {
    "address": SEATTLE,
    "endpoint_status": "ACTIVE",
    "opt_out": "NONE",
    "demographic": {"Timezone": "America/Los_Angeles"},
    "attributes": {"AppointmentAt": [AT]},
    "user": {"user_id": "u-4", "user_attributes": {"FirstName": ["Pat"]}},
}


def call(*endpoints: dict[str, Any], **keys: Any) -> CustomChannelCall:
    """A campaign's call of these endpoints."""
    document = {
        "application_id": "app",
        "campaign_id": "camp",
        "activity_id": "act",
        "scheduled_time": BEGIN,
        "endpoints": {f"ep-{number}": one for number, one in enumerate(endpoints)},
        **keys,
    }
    return CustomChannelCall.model_validate(document)


def test_an_endpoint_becomes_a_reminder() -> None:
    [asked] = read_call(call(PAT), ONE, BEGIN).reminders
    assert (asked.number, asked.brand, asked.name) == (SEATTLE, "Clinic", "Pat")
    assert (asked.zone, asked.customer_id) == ("America/Los_Angeles", "u-4")
    assert asked.appointment_at is not None
    assert asked.appointment_at.isoformat() == AT
    assert asked.pinpoint is not None
    assert (asked.pinpoint.campaign_id, asked.pinpoint.endpoint_id) == ("camp", "ep-0")


def test_the_same_activity_and_endpoint_are_the_same_reminder() -> None:
    def id_of(**keys: Any) -> str:
        return read_call(call(PAT, **keys), ONE, BEGIN).reminders[0].id

    assert id_of() == id_of()
    assert id_of(activity_id="other") != id_of()
    assert id_of(scheduled_time=BEGIN + timedelta(days=1)) != id_of()  # a campaign that recurs
    journey = {"campaign_id": None, "journey_id": "j", "scheduled_time": None}
    assert id_of(**journey) == id_of(**journey)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"opt_out": "ALL"}, "endpoint_opted_out"),
        ({"endpoint_status": "INACTIVE"}, "endpoint_inactive"),
        ({"address": "pat@example.com"}, "endpoint_without_number"),
        ({"address": None}, "endpoint_without_number"),
    ],
)
def test_who_cannot_be_called_is_left_out_and_the_others_go_on(
    change: dict[str, Any], reason: str
) -> None:
    read = read_call(call({**PAT, **change}, PAT), ONE, BEGIN)
    assert read.skipped == (reason,)
    assert [asked.number for asked in read.reminders] == [SEATTLE]


@pytest.mark.parametrize("written", ["", "tomorrow", "2026-03-07T09:00:00"])
def test_without_an_appointment_it_is_of_use_for_a_day(written: str) -> None:
    [asked] = read_call(
        call({**PAT, "attributes": {"AppointmentAt": [written]}}), ONE, BEGIN
    ).reminders
    assert asked.appointment_at is None
    assert asked.useful_until == BEGIN + timedelta(days=1)


@pytest.mark.parametrize(
    ("config", "data", "brand"),
    [
        (ONE, None, "Clinic"),
        (ONE, '{"brand": "Clinic"}', "Clinic"),
        (ONE, '{"brand": "Nobody"}', None),
        (ONE, "[", "Clinic"),
        (Configuration(brands=(brand_with(),)), None, None),
        (
            Configuration(
                brands=(
                    brand_with(calls=CALLS),
                    brand_with(calls=CALLS, name="Other", numbers=("+12065550191",)),
                ),
                reminders=ReminderRules(pinpoint=PinpointMapping(brand="Other")),
            ),
            None,
            "Other",
        ),
    ],
)
def test_which_brand_calls(config: Configuration, data: str | None, brand: str | None) -> None:
    assert brand_of(call(PAT, data=data), config) == brand


def test_an_appointment_may_stand_in_the_data_of_all() -> None:
    data = f'{{"appointment_at": "{AT}"}}'
    [asked] = read_call(call({**PAT, "attributes": {}}, data=data), ONE, BEGIN).reminders
    assert asked.appointment_at is not None
