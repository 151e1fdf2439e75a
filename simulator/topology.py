"""The event bus's rules, as `infra/topology.json` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.topology import Topology


@dataclass(frozen=True, slots=True)
class BusRule:
    """Events that fit `pattern` go to `queue`, by its deployed name."""

    pattern: Mapping[str, Any]
    queue: str


class BusRules:
    """The rules of a topology file; none without a file."""

    def __init__(self, path: Path | None, queue_prefix: str) -> None:
        topology = Topology.model_validate_json(path.read_bytes()) if path else None
        self.rules: tuple[BusRule, ...] = tuple(
            BusRule(rule.pattern, queue_prefix + rule.queue)
            for rule in (topology.rules if topology else ())
        )
