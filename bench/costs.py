"""What a month costs at three sizes, beside the polling relay that Switchboard replaces.

`python -m bench.costs` writes the table of docs/operate.md anew; a test fails when it is old.
Prices are list prices of us-east-1 as published by 2026, without free tiers, discounts and taxes;
what both designs pay alike (texts, Connect, S3, the network) is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.local.toolroom import ROOT

PAGE: Final = ROOT / "docs" / "operate.md"
BEGIN, END = "<!-- begin: python -m bench.costs -->", "<!-- end -->"
SIZES: Final = {"10,000": 1e4, "1,000,000": 1e6, "20,000,000": 2e7}

MILLION: Final = 1e6
HOURS: Final = 730
SECONDS: Final = HOURS * 3600

SQS_REQUEST: Final = 0.40 / MILLION
SNS_REQUEST: Final = 0.50 / MILLION
WRITE_UNIT, READ_UNIT = 0.625 / MILLION, 0.125 / MILLION  # DynamoDB on demand since November 2024
VCPU_HOUR, GB_HOUR = 0.04048, 0.004445  # Fargate, Linux on x86
LOG_GB: Final = 0.50
METRIC, ALARM_METRIC, DASHBOARD, KEY = 0.30, 0.10, 3.00, 1.00
KMS_REQUEST: Final = 0.03 / 1e4
LAMBDA_REQUEST, LAMBDA_GB_S = 0.20 / MILLION, 0.0000166667

# What a message comes to, on an average of texts in and agents' messages.
CHAT_MESSAGES, CHAT_MINUTES = 12, 15
DELIVERIES: Final = (
    3  # A text and its echo in the chat; a reply and its receipts; events of the chat.
)
REQUESTS: Final = 3  # Of each: sent, received, deleted, each in a call of its own.
WRITES, WRITE_KB = (
    5,
    3,
)  # 2 or 3 (tests/e2e/test_cost.py), receipts, what is settled; `make storm` has 8.
LOG_KB: Final = 4

# What there is without any message.
SERVICES, TASKS_EACH, VCPU, GB = 3, 2, 0.25, 0.5
QUEUES, POLL_S, BEAT_S = 8, 20, 2
METRICS = 125
ALARM_METRICS = 80  # 35 of ours, the rest of the two alarms that each scaling policy makes
PEAK, PER_TASK = 4, 25  # times the average; messages a second, docs/scaling.md

# The polling relay: a function for each open chat every two seconds, woken by a delayed message.
POLL_EVERY_S, POLL_S_LONG, POLL_GB, POLL_LOG_KB = 2, 0.15, 0.125, 0.35
TRANSCRIPTS_A_SECOND: Final = 8  # GetTranscript's quota, for the whole account


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars by what they are paid for."""

    lines: Mapping[str, float]

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.lines.values())


def switchboard(messages: float) -> Bill:
    """A month of so many texts and agents' messages."""
    deliveries = messages * DELIVERIES
    needed = -(-deliveries / SECONDS * PEAK // PER_TASK)
    tasks = TASKS_EACH * (SERVICES - 1) + max(TASKS_EACH, needed)
    idle_polls = QUEUES * TASKS_EACH * SECONDS / POLL_S
    beats = tasks * SECONDS / BEAT_S
    return Bill(
        {
            "Fargate": tasks * (VCPU * VCPU_HOUR + GB * GB_HOUR) * HOURS,
            "SQS": (deliveries * REQUESTS + idle_polls) * SQS_REQUEST,
            "SNS": deliveries * SNS_REQUEST,
            "DynamoDB": (messages * WRITES * WRITE_KB + beats) * WRITE_UNIT
            + (messages * WRITES + beats) * READ_UNIT,
            # Data keys are asked for every few minutes, or for a hundred messages or so.
            "KMS": KEY + deliveries / 100 * KMS_REQUEST,
            "CloudWatch": METRICS * METRIC
            + ALARM_METRICS * ALARM_METRIC
            + DASHBOARD
            + messages * LOG_KB / MILLION * LOG_GB,
        }
    )


def polling(messages: float) -> Bill:
    """The same month by a relay that asks each open chat for news."""
    polls = messages / CHAT_MESSAGES * CHAT_MINUTES * 60 / POLL_EVERY_S
    return Bill(
        {
            "Lambda": polls * (LAMBDA_REQUEST + POLL_S_LONG * POLL_GB * LAMBDA_GB_S),
            "SQS": polls * REQUESTS * SQS_REQUEST,
            "SNS": messages * SNS_REQUEST,
            "DynamoDB": (polls * READ_UNIT) / 2 + messages * 2 * WRITE_UNIT,
            "CloudWatch": polls * POLL_LOG_KB / MILLION * LOG_GB,
        }
    )


def chats_at_once(messages: float) -> float:
    """Open chats on an average, with all of a month's messages in its working hours (a quarter)."""
    return messages / CHAT_MESSAGES * CHAT_MINUTES * 60 / (SECONDS / 4)


def table() -> str:
    """The comparison as it stands on the page."""
    names = list(dict.fromkeys([*switchboard(1).lines, *polling(1).lines]))
    heads = [f"{name}: {who}" for name in SIZES for who in ("ours", "polling")]
    rows = [f"| USD a month, messages | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    bills = [bill(size) for size in SIZES.values() for bill in (switchboard, polling)]
    for name in names:
        cells = [f"{b.lines[name]:,.2f}" if name in b.lines else "" for b in bills]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    rows.append(f"| **all** | {' | '.join(f'**{b.total:,.0f}**' for b in bills)} |")
    per_thousand = [
        f"{1000 * bill(size).total / size:,.2f}"
        for size in SIZES.values()
        for bill in (switchboard, polling)
    ]
    rows.append(f"| for 1,000 messages | {' | '.join(per_thousand)} |")
    open_chats = [f"{chats_at_once(size):,.1f}" for size in SIZES.values() for _ in range(2)]
    rows.append(f"| chats open at once | {' | '.join(open_chats)} |")
    most = TRANSCRIPTS_A_SECOND * POLL_EVERY_S
    limits = ["" if place % 2 == 0 else str(most) for place in range(len(heads))]
    rows.append(f"| of which can be polled | {' | '.join(limits)} |")
    return "\n".join(rows)


def page(text: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
