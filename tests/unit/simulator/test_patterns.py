"""Every pattern of the operations served accepts a valid example, as it stands or repaired."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from simulator.patterns import REPAIRS, accepts
from simulator.services.registry import build_services
from simulator.settings import SimulatorSettings
from simulator.wire import service_model
from simulator.world import build_world

ARN = "arn:aws:sns:us-east-1:000000000000:topic-name"
EXAMPLES = {
    r"[!-~]+": "3f2c-token",
    r"[A-Za-z0-9_-]+": "a-name_1",
    r"[A-Za-z0-9_:/-]+": "arn:aws:sms-voice:us-east-1:000000000000:pool/pool-1",
    r"[A-Za-z0-9_:/-]*": "pool-1",
    r"[A-Za-z0-9_:/\+-]+": "+12065550199",
    r"\S+": "key",
    r"(?!\s)^[\s\S]+(?<!\s)": "a value\nof two lines",
    r"arn:\S+": ARN,
    r"[/\.:A-Za-z0-9+_-]+": "TRANSACTIONAL",
    r"[A-Z]{2}": "US",
    r"[ \S]+": "STOP ALL",
    r"(?!\s*$)[\s\S]+": "Hello,\n\nAda 😀",
    r"[0-9]{0,2}\.[0-9]{1,5}": "0.05",
    r"s3://([a-z0-9\.-]{3,63})/(.+)": "s3://a-bucket/dir/photo.jpg",
    r".+": "anything",
    r".*": "",
    r"\+?[0-9]{1,15}": "+1206",
    r"\+?[1-9][0-9]{1,18}": "+12065550100",
    r"\\+[1-9]\\d{1,14}$": "+12065550100",
    r"[ -~]*": "<https://example.org/u>",
    r"^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9]))$": "a-selector",
    r"^[!-9;-@A-~]+$": "List-Unsubscribe",
    r"^[a-zA-Z0-9+\/]+={0,2}$": "bm9uZQ==",
    (
        "arn:(aws|aws-[a-z-]+):ses:[a-z]{2,4}-[a-z-]+-[0-9]:[0-9]{1,20}:mailmanager-archive/"
        "a-[a-z0-9]{24,62}"
    ): f"arn:aws:ses:us-east-1:000000000000:mailmanager-archive/a-{'0' * 24}",
    r"^[-:/A-Za-z0-9]+": "arn:aws:connect:us-east-1:000000000000:instance/i",
    r"[a-f0-9]{32}": "0123456789abcdef0123456789abcdef",
    r"^(?!aws:)[a-zA-Z+-=._:/]+$": "team:reminders",
    r"^([0-9]|0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]$": "23:45",
    r"^[a-z0-9.-]+$": "a-bucket",
    r"^[a-zA-Z0-9_-]+$": "_phone",
    r"^[a-zA-Z0-9_.-]+$": "address.city",
    r"^[a-zA-Z_][a-zA-Z_0-9-]*$": "switchboard-Engagement_1",
    r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}": "11111111-2222-3333-4444-555555555555",
    r"[a-zA-Z][a-zA-Z0-9-]{1,63}": "connect",
    r"[a-zA-Z][a-zA-Z0-9-]{1,128}": "L-AA48CD49",
    r"^[a-zA-Z0-9/+]*={0,2}$": "b2Zmc2V0OjE=",
    r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$": "team:reminders é",
}
"""A valid value for each pattern; a new operation's new pattern needs one."""
BROKEN_EXAMPLES = {
    r"\\+[1-9]\\d{1,14}$": "+12065550100",
    r"s3://\S+/.+|https://\\S+\\.s3\\.\\S+\\.amazonaws\\.com/\\S+": (
        "https://bucket.s3.us-east-1.amazonaws.com/key"
    ),
    r".*\\S.*": "visible text",
}


def patterns_of(shape: Shape, seen: set[str]) -> Iterator[str]:
    if shape.name in seen:
        return
    seen.add(shape.name)
    if "pattern" in shape.metadata:
        yield shape.metadata["pattern"]
    match shape:
        case StructureShape():
            for member in shape.members.values():
                yield from patterns_of(member, seen)
        case ListShape():
            yield from patterns_of(shape.member, seen)
        case MapShape():
            yield from patterns_of(shape.key, seen)
            yield from patterns_of(shape.value, seen)
        case _:
            return


def served_patterns() -> list[str]:
    found: set[str] = set()
    for service in build_services(build_world(SimulatorSettings())):
        model = service_model(service.name)
        for name in service.operations:
            shape = model.operation_model(name).input_shape
            if shape is not None:
                found.update(patterns_of(shape, set()))
    return sorted(found)


@pytest.mark.parametrize("pattern", served_patterns())
def test_each_served_pattern_accepts_a_valid_value(pattern: str) -> None:
    assert accepts(pattern, EXAMPLES[pattern])


@pytest.mark.parametrize("pattern", sorted(REPAIRS))
def test_each_repair_is_of_a_pattern_that_refuses_a_valid_value(pattern: str) -> None:
    import regex

    example = BROKEN_EXAMPLES[pattern]
    assert regex.fullmatch(pattern, example) is None
    assert accepts(pattern, example)


def test_each_repaired_pattern_still_stands_in_the_installed_models() -> None:
    """A repair that no model needs any more is to be deleted."""
    model = service_model("connect")
    standing = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names}
    assert standing >= REPAIRS.keys()


def test_a_pattern_must_fit_the_whole_value() -> None:
    assert not accepts(r"[A-Z]{2}", "USA")
