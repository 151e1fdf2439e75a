"""What reminders count is on the metrics list, and every such metric is counted."""

from __future__ import annotations

from typing import Any

from tests.unit.handlers.reminders.office import Office
from workers.meter import Meter
from workers.metrics import CALLS_ENDED, CALLS_HELD_BACK, REMINDERS_CLOSED, Metrics


async def test_every_metric_of_reminders_is_kept_by_a_scripted_day() -> None:
    """A call, its end, and a second call of that day that the person is spared."""
    office, metrics = Office(), Metrics()
    meter: Any = Meter(metrics)
    office.meter = meter
    for reminder in ("r-1", "r-2", "r-3", "r-4", "r-5"):
        office.remind(id=reminder)
    await office.run()
    for metric in (CALLS_ENDED, REMINDERS_CLOSED, CALLS_HELD_BACK):
        assert metrics.total(metric), metric.name
