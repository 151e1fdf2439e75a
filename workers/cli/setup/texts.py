"""Opt-out lists, configuration sets and their SNS event destination, numbers and pools two-way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workers.brands import Brand
from workers.cli.one_shot import OneShotAws
from workers.cli.setup.plan import Act, Step, differences
from workers.phone import mask, same_number

SERVICE: Final = "pinpoint-sms-voice-v2"
DESTINATION: Final = "switchboard"
EVENT_TYPES: Final = ("TEXT_ALL", "MEDIA_ALL")
_ALL_OF: Final = {"TEXT_ALL": {"TEXT_ALL", "ALL"}, "MEDIA_ALL": {"MEDIA_ALL", "ALL"}}


@dataclass(frozen=True, slots=True)
class TextsWiring:
    """Where texts and receipts go; the role is for accounts that cannot open the topic's policy."""

    inbound_topic_arn: str
    receipts_topic_arn: str
    two_way_role_arn: str | None = None


class ReceiptsPlanner:
    """A configuration set for each brand, whose receipts come to our topic."""

    def __init__(self, aws: OneShotAws, wiring: TextsWiring, brands: Iterable[Brand]) -> None:
        self._aws = aws
        self._topic = wiring.receipts_topic_arn
        self._names = sorted({brand.configuration_set for brand in brands})

    def steps(self) -> Iterator[Step]:
        """Missing sets, then their event destinations."""
        listed = self._aws.pages(SERVICE, "describe_configuration_sets", "ConfigurationSets")
        found = {str(one["ConfigurationSetName"]): one for one in listed}
        for wanted in self._names:
            name = _bare(wanted)
            if name not in found:
                yield self._make_set(name)
            yield self._destination(name, found.get(name, {}))

    def _make_set(self, name: str) -> Step:
        def do() -> str:
            self._aws.client(SERVICE).create_configuration_set(ConfigurationSetName=name)
            return ""

        return Step("configuration set", name, Act.CREATE, do=do)

    def _destination(self, name: str, now: Mapping[str, Any]) -> Step:
        destinations: list[dict[str, Any]] = list(now.get("EventDestinations", ()))
        if any(self._brings_receipts(one) for one in destinations):
            return Step("event destination", name, Act.SAME)
        ours = next((d for d in destinations if d["EventDestinationName"] == DESTINATION), None)
        call = "update_event_destination" if ours else "create_event_destination"
        request: dict[str, Any] = {
            "ConfigurationSetName": name,
            "EventDestinationName": DESTINATION,
            "MatchingEventTypes": list(EVENT_TYPES),
            "SnsDestination": {"TopicArn": self._topic},
            **({"Enabled": True} if ours else {}),
        }

        def do() -> str:
            getattr(self._aws.client(SERVICE), call)(**request)
            return ""

        says = f"{', '.join(EVENT_TYPES)} to {self._topic}"
        act = Act.UPDATE if ours else Act.CREATE
        return Step("event destination", f"{name}/{DESTINATION}", act, says, do)

    def _brings_receipts(self, destination: Mapping[str, Any]) -> bool:
        types = set(destination.get("MatchingEventTypes", ()))
        return (
            bool(destination.get("Enabled"))
            and destination.get("SnsDestination", {}).get("TopicArn") == self._topic
            and all(types & _ALL_OF[wanted] for wanted in EVENT_TYPES)
        )


class NumbersPlanner:
    """Each brand's numbers: two-way to our topic, opt-outs as the brand has them."""

    def __init__(self, aws: OneShotAws, wiring: TextsWiring, brands: Iterable[Brand]) -> None:
        self._aws = aws
        self._wiring = wiring
        self._brands = tuple(brands)

    def steps(self) -> Iterator[Step]:
        """Missing opt-out lists, then numbers, or their pools, whose settings count."""
        yield from self._opt_out_lists()
        numbers = list(self._aws.pages(SERVICE, "describe_phone_numbers", "PhoneNumbers"))
        pools = {
            str(one["PoolId"]): one for one in self._aws.pages(SERVICE, "describe_pools", "Pools")
        }
        settled: dict[str, dict[str, object]] = {}
        for brand in self._brands:
            for number in brand.numbers:
                found = next((n for n in numbers if same_number(n["PhoneNumber"], number)), None)
                if found is None:
                    yield _no_such_number(number, brand)
                    continue
                pool_id = found.get("PoolId")
                yield from self._owner(brand, pools[pool_id] if pool_id else found, settled)
            for pool in brand.pools:
                if _bare(pool) in pools:
                    yield from self._owner(brand, pools[_bare(pool)], settled)
                else:
                    says = f"brand {brand.name}: the account has no such pool in this Region"
                    yield Step("pool", pool, Act.BLOCKED, says)

    def _opt_out_lists(self) -> Iterator[Step]:
        listed = self._aws.pages(SERVICE, "describe_opt_out_lists", "OptOutLists")
        known = {str(one["OptOutListName"]) for one in listed}
        wanted = {_bare(b.opt_out_list) for b in self._brands if ":" not in b.opt_out_list}
        for name in sorted(wanted):
            if name in known:
                yield Step("opt-out list", name, Act.SAME)
            else:
                yield self._make_list(name)

    def _make_list(self, name: str) -> Step:
        def do() -> str:
            self._aws.client(SERVICE).create_opt_out_list(OptOutListName=name)
            return ""

        return Step("opt-out list", name, Act.CREATE, do=do)

    def _owner(
        self, brand: Brand, now: dict[str, Any], settled: dict[str, dict[str, object]]
    ) -> Iterator[Step]:
        """The step of one number or pool; one that several brands share is settled once."""
        wanted = self._wanted(brand)
        is_pool = "PhoneNumber" not in now
        owner_id = str(now["PoolId"] if is_pool else now["PhoneNumberId"])
        kind, subject = ("pool", owner_id) if is_pool else ("number", mask(now["PhoneNumber"]))
        if owner_id in settled:
            if settled[owner_id] != wanted:
                says = f"brand {brand.name} wants other opt-out settings than the brand before it"
                yield Step(kind, subject, Act.BLOCKED, says)
            return
        settled[owner_id] = wanted
        changed = differences(now, wanted)
        if not changed:
            yield Step(kind, subject, Act.SAME)
            return

        def do() -> str:
            client = self._aws.client(SERVICE)
            if is_pool:
                client.update_pool(PoolId=owner_id, **wanted)
            else:
                client.update_phone_number(PhoneNumberId=owner_id, **wanted)
            return ""

        yield Step(kind, subject, Act.UPDATE, _told(now, changed), do)

    def _wanted(self, brand: Brand) -> dict[str, object]:
        role = self._wiring.two_way_role_arn
        return {
            "TwoWayEnabled": True,
            "TwoWayChannelArn": self._wiring.inbound_topic_arn,
            **({"TwoWayChannelRole": role} if role else {}),
            "SelfManagedOptOutsEnabled": brand.opt_out_mode == "self_managed",
            "OptOutListName": _bare(brand.opt_out_list),
        }


def _no_such_number(number: str, brand: Brand) -> Step:
    says = (
        f"brand {brand.name}: the account has no such number in this Region; request it in End"
        " User Messaging, or correct `numbers`"
    )
    return Step("number", mask(number), Act.BLOCKED, says)


def _told(now: Mapping[str, Any], changed: Mapping[str, object]) -> str:
    return "; ".join(f"{name}: {now.get(name, 'none')} -> {to}" for name, to in changed.items())


def _bare(name_or_arn: str) -> str:
    """What stands after the resource type of an ARN; a name as it is."""
    return name_or_arn.rpartition("/")[2]
