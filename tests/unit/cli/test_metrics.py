"""The list of metrics, as people and programs read it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from workers.cli import main
from workers.metrics import Metrics, all_metrics

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_in_docs_is_fresh() -> None:
    shown = CliRunner().invoke(main, ["metrics"])
    assert shown.exit_code == 0
    assert PAGE.read_text("utf-8") == shown.output, "run switchboard metrics > docs/metrics.md"


def test_each_metric_has_one_row_with_the_name_that_a_scrape_shows() -> None:
    scraped = Metrics().render().decode()
    rows = [row for row in PAGE.read_text("utf-8").splitlines() if row.startswith("| `switchboard")]
    assert len(rows) == len(list(all_metrics()))
    for row in rows:
        name = row.split("`")[1]
        assert f"# TYPE {name} " in scraped
        assert not row.endswith("|  |")


def test_programs_get_one_object_a_line() -> None:
    shown = CliRunner().invoke(main, ["metrics", "--json"])
    read = [json.loads(line) for line in shown.output.splitlines()]
    assert [metric["name"] for metric in read] == [m.exposed_name for m in all_metrics()]
    assert {metric["kind"] for metric in read} == {"counter", "gauge", "histogram"}
