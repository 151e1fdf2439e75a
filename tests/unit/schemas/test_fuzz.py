"""A little of `make fuzz`, and that it would notice."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas import decode
from tests.fuzz.inputs import make
from tests.fuzz.judging import judge

SEED = 20261126
INPUTS = 4_000


def test_hostile_input_gives_results_of_ours() -> None:
    kinds: Counter[str] = Counter()
    recognised = 0
    for number in range(INPUTS):
        fuzz = make(SEED, number)
        judged = judge(fuzz)
        assert not judged.crash, f"make fuzz SEED={SEED} AT={number}\n{judged.crash}"
        kinds[fuzz.kind] += 1
        recognised += bool(judged.recognised)
    assert len(kinds) == 10
    # Else the inputs would be noise that the first look refuses.
    assert recognised > INPUTS / 5


def test_an_input_is_the_same_every_time() -> None:
    assert [repr(make(3, n)) for n in range(200)] == [repr(make(3, n)) for n in range(200)]
    assert repr(make(3, 5)) != repr(make(4, 5))


def test_an_exception_out_of_the_decoder_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(decode, "unwrap", fails)
    crashes = [judge(make(SEED, number)).crash for number in range(20)]
    assert any("RecursionError" in crash for crash in crashes)
