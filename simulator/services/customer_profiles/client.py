"""What stands in the profiles, from Python: for tests, demos and recounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from simulator.control_channel import ControlChannel


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One object of a profile."""

    type: str
    unique_key: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SeenProfile:
    """A profile as it is, with its keys (a value is a list of its parts) and objects."""

    id: str
    fields: Mapping[str, Any]
    keys: Mapping[str, list[list[str]]]
    objects: tuple[SeenObject, ...]


class ProfilesView:
    """The truth about one simulator's profiles: `async with ProfilesView(url)`.

    Every method raises ControlError 404 for a domain that does not exist.
    """

    def __init__(self, url: str) -> None:
        self._channel = ControlChannel(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def profiles(
        self, domain: str, *, key: str | None = None, value: str | None = None
    ) -> list[SeenProfile]:
        """Every profile, oldest first; with a key and its value, those found by it right now."""
        path = f"profiles/{quote(domain, safe='')}"
        found = await self._channel.call("GET", path, key=key, value=value)
        return [_seen(one) for one in found["profiles"]]

    async def unassigned(self, domain: str) -> list[Mapping[str, Any]]:
        """Objects that were accepted and then dropped, each with why."""
        path = f"profiles/{quote(domain, safe='')}/unassigned"
        objects: list[Mapping[str, Any]] = (await self._channel.call("GET", path))["objects"]
        return objects


def _seen(document: Mapping[str, Any]) -> SeenProfile:
    fields = dict(document["profile"])
    return SeenProfile(
        id=fields.pop("ProfileId"),
        fields=fields,
        keys=document["keys"],
        objects=tuple(
            SeenObject(one["type"], one["unique_key"], json.loads(one["object"]))
            for one in document["objects"]
        ),
    )
