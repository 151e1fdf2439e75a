from __future__ import annotations

from simulator.coverage import PAGE, page


def test_the_coverage_page_is_fresh() -> None:
    """`python -m simulator.coverage` writes it."""
    assert PAGE.read_text("utf-8") == page()
