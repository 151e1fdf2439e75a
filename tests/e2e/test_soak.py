"""A soak small enough for every run: what it reports must add up, and nothing may be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.soak.__main__ import Soak, run
from infra.local.endpoints import LocalAws

REPORTED = {
    *("events", "once", "lost", "twice", "out_of_order", "dead_lettered", "kills"),
    *("redeliveries", "seconds"),
}


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_a_small_soak_brings_each_event_to_its_end_once(
    backend_aws: LocalAws, tmp_path: Path
) -> None:
    report, findings = await run(
        Soak(events=400, at_once=20, seed=7, rates=True), tmp_path, backend_aws
    )
    assert set(report) == REPORTED
    assert findings.is_clean, findings.faults
    assert (report["lost"], report["twice"], report["out_of_order"]) == (0, 0, 0)
    assert report["once"] == report["events"] >= 400
    assert report["dead_lettered"] >= 3
    assert report["kills"] >= 1
    assert report["redeliveries"] >= 1
