"""A few cases of the crash matrix, drawn anew with each seed; the whole is `make crash-matrix`."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.matrix.__main__ import Matrix, play
from infra.local.endpoints import LocalAws

# Those moments at which what was done, and what is known of it, are furthest apart; and a few more.
AIMED = (
    r"chat\.1 Connect StartChatContact #1, answer lost"
    r"|chat\.2 DynamoDB UpdateItem sessions #1, answer lost"
    r"|chat\.2 Participant SendMessage #1, answer lost"
    r"|chat\.3 EUM SendTextMessage #1, (before|answer lost)"
    r"|chat\.3 DynamoDB UpdateItem sessions #3, before"
)


DRAWN = 6
CELLS = 6


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_a_worker_killed_at_any_call_leaves_an_exact_ledger(
    backend_aws: LocalAws, tmp_path: Path
) -> None:
    matrix = Matrix(cells=CELLS, only=AIMED, sample=DRAWN, seed=11)
    verdicts = await play(matrix, tmp_path, backend_aws)
    assert len(verdicts) == 6 + DRAWN
    reached = [verdict for verdict in verdicts if verdict.is_reached]
    assert len(reached) >= len(verdicts) - 2, [str(v.case) for v in verdicts if not v.is_reached]
    for verdict in reached:
        assert verdict.is_exact, (str(verdict.case), verdict.judgement, verdict.trouble)
