"""Who writes, and when: one row for each case."""

from __future__ import annotations

import pytest

from workers.handlers.profile_updates.errands import (
    OVERDUE_MS,
    Duty,
    LeaveIt,
    Nothing,
    Promise,
    Stay,
    Write,
    duty,
)
from workers.stores.person_records import Errand

NOW = 1_000_000
OURS, THEIRS = Errand("m-2", NOW + 500), Errand("x", NOW + 500)


@pytest.mark.parametrize(
    ("errand", "differs", "window_ms", "expected"),
    [
        pytest.param(None, False, 100, Nothing(), id="nothing_to_say"),
        pytest.param(None, True, 100, Promise(Errand("m-1", NOW + 100)), id="the_first_promises"),
        pytest.param(None, True, 0, Write("m-1"), id="no_window_no_promise"),
        pytest.param(OURS, False, 100, Stay("m-2", 500), id="our_promise_is_kept_later"),
        pytest.param(Errand("m-2", NOW), True, 100, Write("m-2"), id="our_promise_is_due"),
        pytest.param(THEIRS, True, 0, LeaveIt(), id="another_will_write"),
        pytest.param(Errand("x", NOW), True, 0, LeaveIt(), id="another_is_due"),
        pytest.param(
            Errand("x", NOW - OVERDUE_MS), False, 100, Write("m-1"), id="another_is_overdue"
        ),
        pytest.param(
            Errand("x", NOW - OVERDUE_MS + 1), True, 100, LeaveIt(), id="another_is_late_yet"
        ),
    ],
)
def test_who_writes(errand: Errand | None, differs: bool, window_ms: int, expected: Duty) -> None:
    todo = duty(errand, ["m-1", "m-2"], makes_difference=differs, now_ms=NOW, window_ms=window_ms)
    assert todo == expected
