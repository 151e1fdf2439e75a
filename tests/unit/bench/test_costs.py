"""The arithmetic of docs/operate.md, and that the page has it as it is."""

from __future__ import annotations

import pytest

from bench.costs import PAGE, Bill, page, polling, switchboard


def test_the_page_has_the_table_as_it_is() -> None:
    text = PAGE.read_text("utf-8")
    assert page(text) == text, "run: python -m bench.costs"


def test_a_bill_of_ours_by_hand() -> None:
    """A million messages: six tasks of a quarter of a vCPU, 9 million requests and idle polls."""
    bill = switchboard(1e6)
    assert bill.lines["Fargate"] == pytest.approx(6 * 730 * (0.25 * 0.04048 + 0.5 * 0.004445))
    assert bill.lines["SQS"] == pytest.approx((9e6 + 16 * 131_400) * 0.4e-6)
    assert bill.lines["DynamoDB"] == pytest.approx(
        (15e6 + 7_884_000) * 0.625e-6 + (5e6 + 7_884_000) * 0.125e-6
    )


def test_a_bill_of_polling_by_hand() -> None:
    """A million messages are 83,333 chats of 450 polls."""
    polls = 1e6 / 12 * 450
    bill = polling(1e6)
    assert bill.lines["SQS"] == pytest.approx(polls * 3 * 0.4e-6)
    assert bill.lines["Lambda"] == pytest.approx(polls * (0.2e-6 + 0.01875 * 0.0000166667))


def test_a_total_is_of_all_lines() -> None:
    assert Bill({"a": 1.5, "b": 2}).total == 3.5
