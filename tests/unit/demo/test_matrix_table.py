"""The matrix's tables, and when a run of it has passed."""

from __future__ import annotations

from demo.judge import Judgement
from demo.matrix.__main__ import Matrix, choose, is_passed, report_of
from demo.matrix.cell import Verdict
from demo.matrix.points import Case, Moment, Point
from demo.matrix.table import operations, steps

SAY = Point("chat", 2, "Participant SendMessage", 1)
WRITE = Point("chat", 3, "DynamoDB UpdateItem sessions", 2)


def exact(point: Point, moment: Moment) -> Verdict:
    return Verdict(Case(point, moment), is_reached=True)


def test_a_row_tells_what_became_of_all_cases_of_an_operation() -> None:
    verdicts = [
        exact(SAY, Moment.BEFORE),
        exact(WRITE, Moment.BEFORE),
        Verdict(Case(WRITE, Moment.AFTER)),
        Verdict(Case(WRITE, Moment.LOST), Judgement(twice=1), is_reached=True),
    ]
    table = operations(verdicts)
    assert "| DynamoDB UpdateItem sessions | 1 exact | 1 not reached | **1 failed** |" in table
    assert "| Participant SendMessage | 1 exact |  |  |" in table
    assert "| chat: text | 1 exact |  |  |" in steps(verdicts)


def test_what_is_uncertain_or_in_trouble_is_not_exact() -> None:
    case = Case(SAY, Moment.LOST)
    assert not Verdict(case, Judgement(uncertain=1), is_reached=True).is_exact
    assert not Verdict(case, is_reached=True, trouble="NeverHappenedError").is_exact
    assert not Verdict(case).is_exact
    assert Verdict(case, is_reached=True).is_exact


def test_a_run_passes_when_nothing_failed_and_next_to_nothing_was_left_out() -> None:
    points = [Point("chat", 1, "SQS ReceiveMessage inbound-sms", n) for n in range(1, 51)]
    verdicts = [exact(point, Moment.AFTER) for point in points]
    assert is_passed(report_of(verdicts, 1.0))
    one_unreached = [*verdicts[1:], Verdict(verdicts[0].case)]
    assert is_passed(report_of(one_unreached, 1.0))
    assert not is_passed(report_of([*one_unreached[1:], Verdict(one_unreached[0].case)], 1.0))
    failed = Verdict(verdicts[0].case, Judgement(lost=1), is_reached=True)
    assert not is_passed(report_of([failed, *verdicts[1:]], 1.0))
    assert not is_passed(report_of([], 1.0))


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    points = [SAY, WRITE, SAY]
    assert len(choose(points, Matrix())) == 6
    sample = choose(points, Matrix(sample=2, seed=3))
    assert len(sample) == 2
    assert sample == choose(points, Matrix(sample=2, seed=3))
    only = choose(points, Matrix(only="SendMessage.*answer lost"))
    assert only == [Case(SAY, Moment.LOST)]
    both = choose(points, Matrix(only="SendMessage.*answer lost", sample=2))
    assert len(both) == len(set(both)) == 3
    assert both[0] == Case(SAY, Moment.LOST)
