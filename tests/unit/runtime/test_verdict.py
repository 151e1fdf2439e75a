"""The outcome table, row by row."""

from __future__ import annotations

from datetime import timedelta

import pytest

from workers.clock import TimeBend
from workers.errors import (
    AccountProblem,
    Blocked,
    Fenced,
    InDoubt,
    OptedOut,
    PermanentError,
    QuotaFull,
    SettingsError,
    Throttled,
    TransientError,
)
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Outcome, Retry, Wait
from workers.runtime.verdict import Fate, Then, Verdict, judge, label_of
from workers.testing import START


async def _bury() -> None: ...


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(Done(), Verdict(Fate.DONE, Then.DELETE), id="done_is_deleted"),
        pytest.param(
            Discard("new_type"),
            Verdict(Fate.DISCARDED, Then.DELETE, "new_type"),
            id="discarded_is_deleted",
        ),
        pytest.param(
            Retry("later"),
            Verdict(Fate.RETRIED, Then.HIDE, "later", is_attempt=True),
            id="retry_backs_off_and_counts",
        ),
        pytest.param(
            Retry("later", after_s=7),
            Verdict(Fate.RETRIED, Then.HIDE, "later", is_attempt=True, after_s=7),
            id="retry_honours_its_own_time",
        ),
        pytest.param(
            Wait("taken", 3),
            Verdict(Fate.WAITED, Then.HIDE, "taken", after_s=3),
            id="wait_is_no_attempt",
        ),
        pytest.param(
            Defer(START + timedelta(hours=2), "quiet_hours"),
            Verdict(
                Fate.DEFERRED,
                Then.DEFER,
                "quiet_hours",
                after_s=7200,
                until=START + timedelta(hours=2),
            ),
            id="defer_waits_until_its_time",
        ),
        pytest.param(
            Defer(START - timedelta(hours=2), "quiet_hours"),
            Verdict(
                Fate.DEFERRED,
                Then.DEFER,
                "quiet_hours",
                after_s=0,
                until=START - timedelta(hours=2),
            ),
            id="defer_to_the_past_comes_at_once",
        ),
        pytest.param(
            DeadLetter("undecodable", "ValidationError", "body.x", "e1", _bury),
            Verdict(
                Fate.DEAD_LETTERED,
                Then.BURY,
                "undecodable",
                error_type="ValidationError",
                path="body.x",
                event_id="e1",
                before_delete=_bury,
            ),
            id="dead_letter_keeps_its_facts",
        ),
        pytest.param(
            Throttled("slow_down", after_s=4),
            Verdict(Fate.WAITED, Then.HIDE, "throttled", after_s=4),
            id="throttled_waits_and_is_no_attempt",
        ),
        pytest.param(
            QuotaFull("monthly_spend"),
            Verdict(Fate.WAITED, Then.HIDE, "quota_full"),
            id="quota_full_waits_and_is_no_attempt",
        ),
        pytest.param(
            InDoubt("SendTextMessage", "timeout"),
            Verdict(Fate.WAITED, Then.HIDE, "in_doubt"),
            id="in_doubt_waits_and_is_no_attempt",
        ),
        pytest.param(
            TransientError("connection_reset", after_s=9),
            Verdict(
                Fate.RETRIED,
                Then.HIDE,
                "connection_reset",
                is_attempt=True,
                after_s=9,
                error_type="TransientError",
            ),
            id="transient_is_retried_and_honours_retry_after",
        ),
        pytest.param(
            PermanentError("bad_input"),
            Verdict(Fate.DEAD_LETTERED, Then.BURY, "bad_input", error_type="PermanentError"),
            id="permanent_is_buried",
        ),
        pytest.param(
            OptedOut("opted_out"),
            Verdict(Fate.DEAD_LETTERED, Then.BURY, "opted_out", error_type="OptedOut"),
            id="each_kind_of_permanent_is_buried",
        ),
        pytest.param(
            AccountProblem("AccessDenied"),
            Verdict(Fate.WAITED, Then.HIDE, "AccessDenied", after_s=30),
            id="account_problem_waits_for_a_person_and_is_no_attempt",
        ),
        pytest.param(
            Blocked("sealed_with_another_key"),
            Verdict(Fate.WAITED, Then.HIDE, "sealed_with_another_key", after_s=30),
            id="blocked_waits_for_a_person_and_is_no_attempt",
        ),
        pytest.param(
            Fenced("gone"),
            Verdict(Fate.ABANDONED, Then.ABANDON, "fenced"),
            id="fenced_is_abandoned",
        ),
        pytest.param(
            KeyError("+14255550100"),
            Verdict(Fate.RETRIED, Then.HIDE, "bug", is_attempt=True, error_type="KeyError"),
            id="anything_else_is_a_bug",
        ),
        pytest.param(
            SettingsError("x"),
            Verdict(Fate.RETRIED, Then.HIDE, "bug", is_attempt=True, error_type="SettingsError"),
            id="an_error_of_ours_that_should_not_get_here_is_a_bug",
        ),
    ],
)
def test_each_result_has_its_row(result: Outcome | Exception, expected: Verdict) -> None:
    assert judge(result, now=START) == expected


@pytest.mark.parametrize(
    ("result", "after_s"),
    [(Wait("taken", 3), 0.05), (Defer(START + timedelta(hours=2), "quiet_hours"), 120.0)],
    ids=str,
)
def test_at_another_pace_waits_are_as_many_seconds_of_the_machine(
    result: Outcome, after_s: float
) -> None:
    assert judge(result, now=START, bend=TimeBend(START, rate=60)).after_s == after_s


@pytest.mark.parametrize("result", [Retry("busy", 3), Throttled("throttled", after_s=3)], ids=str)
def test_what_failed_waits_by_the_machine_at_any_pace(result: Outcome | Exception) -> None:
    assert judge(result, now=START, bend=TimeBend(START, rate=60)).after_s == 3


def test_a_bug_tells_its_place_and_not_its_text() -> None:
    def look_up() -> None:
        raise KeyError("+14255550100")

    with pytest.raises(KeyError) as caught:
        look_up()
    verdict = judge(caught.value, now=START)
    assert verdict.place.startswith(f"{__name__}:look_up:")
    assert "4255550100" not in repr(verdict)


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("lane_full", "lane_full"),
        ("http_503", "http_503"),
        ("", ""),
        ("contact 0a1b", "other"),
        ("number_14255550100", "other"),
        ("AccessDenied", "other"),
        ("x" * 60, "other"),
    ],
)
def test_only_stable_words_become_labels(reason: str, label: str) -> None:
    assert label_of(reason) == label
