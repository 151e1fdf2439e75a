"""Reads `infra/topology.json`, the file that ships beside this module."""

from __future__ import annotations

from pathlib import Path

from schemas.topology import Topology

TOPOLOGY_PATH = Path(__file__).parent / "topology.json"


def load_topology(path: Path = TOPOLOGY_PATH) -> Topology:
    """Parse and check a topology file.

    Raises:
        pydantic.ValidationError: the file contradicts itself, or holds what no one reads.
    """
    return Topology.model_validate_json(path.read_bytes())
