"""What handlers count, where an alarm reads it under another name."""

from __future__ import annotations

import pytest

from workers.clients.call import Api, Caller
from workers.errors import QuotaFull
from workers.limits import Limits
from workers.meter import Meter
from workers.metrics import OPT_OUTS, SPEND_LIMIT_REFUSALS, THROTTLES, Metrics
from workers.testing import LoopClock


@pytest.mark.parametrize(
    ("kind", "result", "reason"),
    [
        pytest.param("opt_out", "done", "text", id="the_word_by_text"),
        pytest.param("call_opt_out", "done", "call", id="a_key_in_a_call"),
        pytest.param("opt_out_sync", "added", "list", id="a_list_of_eums"),
    ],
)
def test_opt_outs_are_counted_by_the_way_they_came(kind: str, result: str, reason: str) -> None:
    metrics = Metrics()
    Meter(metrics).effect(kind, result)
    assert metrics.total(OPT_OUTS, reason=reason) == metrics.total(OPT_OUTS) == 1


def test_who_says_it_again_or_comes_back_is_no_opt_out() -> None:
    metrics = Metrics()
    meter = Meter(metrics)
    for kind, result in (("opt_out", "again"), ("opt_out_sync", "removed"), ("sms", "done")):
        meter.effect(kind, result)
    assert metrics.total(OPT_OUTS) == 0


@pytest.mark.parametrize(("reason", "expected"), [("monthly_spend_limit", 1), ("service_quota", 0)])
async def test_a_spent_month_is_counted_apart_from_other_quotas(reason: str, expected: int) -> None:
    metrics, clock = Metrics(), LoopClock()

    async def refuse() -> None:
        raise QuotaFull(reason)

    caller = Caller(Meter(metrics), Limits(clock))
    with pytest.raises(QuotaFull):
        await caller.call(Api("pinpoint-sms-voice-v2", "SendTextMessage"), refuse)
    assert metrics.total(SPEND_LIMIT_REFUSALS) == expected
    assert metrics.total(THROTTLES) == 0
