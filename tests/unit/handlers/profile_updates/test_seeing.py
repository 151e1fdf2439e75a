"""What profile updates count is on the metrics list, and every such metric is counted."""

from __future__ import annotations

from tests.unit.handlers.profile_updates.updating import MAIL, Updating, ses
from workers.meter import Meter
from workers.metrics import PROFILE_EVENTS, PROFILE_MERGED, PROFILE_WRITES, Metrics


async def test_every_metric_of_profiles_is_kept_by_one_opened_mail() -> None:
    metrics = Metrics()
    worker = Updating(counting=Meter(metrics))
    worker.service.add(email=MAIL)
    await worker.take(worker.item(ses("Open", at=worker.ago(hours=1))))
    for metric in (PROFILE_EVENTS, PROFILE_WRITES, PROFILE_MERGED):
        assert metrics.total(metric), metric.name
