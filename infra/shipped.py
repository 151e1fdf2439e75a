"""The JSON that ships beside this module: contact flows, and profile object types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FLOWS = Path(__file__).parent / "connect"
"""Contact flows, `<name>.flow.json`, with placeholders such as `${QueueArn}`."""
OBJECT_TYPES = Path(__file__).parent / "profiles"
"""Requests of PutProfileObjectType without the domain, `<object type>.json`."""


def flow_text(name: str, folder: Path = FLOWS) -> str:
    """A contact flow as it stands in its file.

    Raises:
        OSError: the folder has none of that name.
    """
    return (folder / f"{name}.flow.json").read_text("utf-8")


def object_types(folder: Path = OBJECT_TYPES) -> dict[str, dict[str, Any]]:
    """Every object type of a folder, by its name.

    Raises:
        ValueError: a file is no JSON object with an ObjectTypeName.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*.json")):
        document = json.loads(file.read_text("utf-8"))
        if not isinstance(document, dict) or "ObjectTypeName" not in document:
            raise ValueError(f"{file}: no JSON object with an ObjectTypeName")
        found[str(document["ObjectTypeName"])] = document
    return found
