"""A storm small enough for every run: what it reports must add up, and nothing may be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.storm import Storm, run
from infra.local.endpoints import LocalAws

REPORTED = {
    *("texts", "agent_messages", "delivered_once", "lost", "twice", "uncertain", "out_of_order"),
    *("chats_opened", "chats_expected", "kills", "kills_mid_effect", "writes_per_message"),
    *("hold_ms", "hop_ms_p50", "hop_ms_p99"),
}


@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_a_small_storm_delivers_everything_once_and_in_order(
    backend_aws: LocalAws, tmp_path: Path
) -> None:
    storm = Storm(conversations=3, messages=4, kills_mid_effect=2, seconds=120, rates=True)
    outcome = await run(storm, tmp_path, backend_aws)
    report = dict(outcome.report)
    assert set(report) == REPORTED
    assert report["texts"] >= 12
    assert report["agent_messages"] >= 12
    assert report["chats_opened"] == report["chats_expected"] == 3
    assert report["kills"] >= report["kills_mid_effect"] >= 2
    said = report["texts"] + report["agent_messages"]
    assert report["delivered_once"] + report["uncertain"] == said
    assert (report["lost"], report["twice"], report["out_of_order"]) == (0, 0, 0)
    assert 0 < report["hop_ms_p50"] <= report["hop_ms_p99"]
    assert report["writes_per_message"] >= 2
    assert outcome.is_clean, outcome.judgement.faults
