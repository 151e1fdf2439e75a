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


@pytest.mark.timeout(280)
@pytest.mark.parametrize(
    "matrix",
    [
        pytest.param(Matrix(cells=6, only=AIMED), id="aimed"),
        pytest.param(Matrix(cells=6, sample=6, seed=11), id="drawn"),
    ],
)
async def test_a_worker_killed_at_any_call_leaves_an_exact_ledger(
    matrix: Matrix, backend_aws: LocalAws, tmp_path: Path
) -> None:
    verdicts = await play(matrix, tmp_path, backend_aws)
    assert len(verdicts) == 6
    reached = [verdict for verdict in verdicts if verdict.is_reached]
    assert len(reached) >= 5, [str(v.case) for v in verdicts if not v.is_reached]
    for verdict in reached:
        assert verdict.is_exact, (str(verdict.case), verdict.judgement, verdict.trouble)
