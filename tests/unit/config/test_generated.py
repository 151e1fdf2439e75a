"""The schema and the page in docs/ are what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from workers.cli.reference import (
    PAGE_FILE,
    SCHEMA_FILE,
    page_with_tables,
    schema,
    schema_text,
    write,
)
from workers.runtime.config import ConsumerConfig

ROOT = Path(__file__).parents[3]


def test_the_schema_in_docs_is_fresh() -> None:
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text(), (
        "run python -m workers.cli.reference"
    )


def test_the_page_in_docs_is_fresh() -> None:
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    assert page_with_tables(page) == page, "run python -m workers.cli.reference"


def test_both_are_written_anew(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    stale = page.replace("| `hold_ms_in` |", "| `hold_in_ms` |")
    assert stale != page
    (tmp_path / PAGE_FILE).write_text(stale, encoding="utf-8")
    write(tmp_path)
    assert (tmp_path / PAGE_FILE).read_text(encoding="utf-8") == page
    assert (tmp_path / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_every_key_is_described() -> None:
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\w+` \|.*\|$", page, re.MULTILINE)
    assert len(rows) > 50
    assert not [row for row in rows if row.endswith("|  |")]


def test_the_schema_and_the_page_know_how_a_queue_is_consumed() -> None:
    table = schema()["properties"]["runtime"]["additionalProperties"]
    keys = schema()["$defs"][table["$ref"].rpartition("/")[2]]["properties"]
    assert set(keys) == set(ConsumerConfig.model_fields)
    assert {"slots", "lease_step_s", "attempts", "max_age_s", "backoff_cap_s"} < set(keys)
    page = (ROOT / PAGE_FILE).read_text(encoding="utf-8")
    assert not [key for key in keys if f"| `{key}` |" not in page]
