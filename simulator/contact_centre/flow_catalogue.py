"""An instance's contact flows as its API keeps them: names, states, the JSON as it was given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.contact_centre.flow import Flow, read_flow


@dataclass(slots=True)
class FlowEntry:
    """One contact flow. `content` is its JSON, `flow` what is walked; None while it cannot be."""

    id: str
    name: str
    content: str
    flow: Flow | None
    type: str = "CONTACT_FLOW"
    state: str = "ACTIVE"
    status: str = "PUBLISHED"
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    modified_at: datetime | None = None

    @property
    def sha256(self) -> str:
        """The checksum that the service shows. UNVERIFIED: of the text as it was given."""
        return hashlib.sha256(self.content.encode()).hexdigest()


class FlowCatalogue:
    """All flows of an instance, by id."""

    def __init__(self) -> None:
        self._entries: dict[str, FlowEntry] = {}

    def __iter__(self) -> Iterator[FlowEntry]:
        return iter(tuple(self._entries.values()))

    def put(self, entry: FlowEntry) -> None:
        """Keep an entry, in place of one of the same id."""
        self._entries[entry.id] = entry

    def entry(self, id_or_arn: str) -> FlowEntry | None:
        """The flow of that id or ARN."""
        return self._entries.get(id_or_arn.rpartition("/")[2])

    def named(self, name: str, flow_type: str) -> FlowEntry | None:
        """The flow of that name and type, which is one at most."""
        return next((one for one in self if (one.name, one.type) == (name, flow_type)), None)

    def published(self, id_or_arn: str) -> Flow | None:
        """What is walked for that id or ARN; None when it is not there or was only saved."""
        found = self.entry(id_or_arn)
        return found.flow if found is not None and found.status == "PUBLISHED" else None


def read_content(content: str) -> Flow:
    """Read a flow's JSON text.

    Raises:
        ValueError: it is no JSON object, or no flow (`FlowError`).
    """
    document: Any = json.loads(content)
    return read_flow(document if isinstance(document, dict) else {})
