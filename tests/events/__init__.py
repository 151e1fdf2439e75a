"""Events of every source, one a file, with invented values.

The first key, `_source`, says whose description the shape follows. A document that is no object
stands under `_document`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every event there is, as `source/name`."""
    return sorted(str(path.relative_to(HERE).with_suffix("")) for path in HERE.rglob("*.json"))


def load(name: str) -> Any:
    """One event as its source would have sent it."""
    document = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    del document["_source"]
    return document.get("_document", document)
