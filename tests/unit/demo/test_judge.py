"""The judge must be harder to please than any reader of the transcript."""

from __future__ import annotations

import pytest

from demo.judge import Heard, Judgement, Line, Said, Way, judge

LINE = Line("+12065550190", "+12065550101")
OTHER = Line("+12065550190", "+12065550102")


def said(*bodies: str, way: Way = Way.TO_AGENT, line: Line = LINE) -> list[Said]:
    return [Said(line, way, body, at=f"{place:04}") for place, body in enumerate(bodies)]


def heard(*bodies: str, way: Way = Way.TO_AGENT, line: Line = LINE) -> list[Heard]:
    return [Heard(line, way, body, at="") for body in bodies]


def counts(judgement: Judgement) -> tuple[int, int, int, int, int]:
    j = judgement
    return j.delivered_once, j.lost, j.twice, j.out_of_order, j.unexpected


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        pytest.param(said("a", "b"), heard("a", "b"), (2, 0, 0, 0, 0), id="all_well"),
        pytest.param(said("a", "b"), heard("b"), (1, 1, 0, 0, 0), id="lost"),
        pytest.param(said("a"), heard("a", "a"), (1, 0, 1, 0, 0), id="twice"),
        pytest.param(said("a", "b"), heard("b", "a"), (2, 0, 0, 1, 0), id="out_of_order"),
        pytest.param(said("a"), heard("a", "z"), (1, 0, 0, 0, 1), id="nobody_said_that"),
        pytest.param(said("ok", "ok"), heard("ok", "ok"), (2, 0, 0, 0, 0), id="said_twice_is_fine"),
        pytest.param(said("one two"), heard("one", "two"), (1, 0, 0, 0, 0), id="cut_in_parts"),
        pytest.param(said("one two"), heard("one"), (0, 1, 0, 0, 0), id="a_part_is_missing"),
        pytest.param(said("one two"), heard("one", "one", "two"), (1, 0, 1, 0, 0), id="part_twice"),
        pytest.param(said("“so” – ok…"), heard('"so" - ok...'), (1, 0, 0, 0, 0), id="spelling"),
        pytest.param(
            said("a"), heard("a", line=OTHER), (0, 1, 0, 0, 1), id="to_the_wrong_customer"
        ),
        pytest.param(
            said("a"), heard("a", way=Way.TO_CUSTOMER), (0, 1, 0, 0, 1), id="the_wrong_way"
        ),
    ],
)
def test_counts(
    inputs: list[Said], outputs: list[Heard], expected: tuple[int, int, int, int, int]
) -> None:
    judgement = judge(inputs, outputs)
    assert counts(judgement) == expected
    assert judgement.is_clean == (expected[1:] == (0, 0, 0, 0))


def test_a_text_that_was_said_to_be_uncertain_is_not_lost() -> None:
    note = heard("[Delivery of your last message could not be confirmed]")
    judgement = judge(said("a", way=Way.TO_CUSTOMER), [], note)
    assert (judgement.lost, judgement.uncertain) == (0, 1)


def test_inputs_are_ordered_by_their_time() -> None:
    late, early = (Said(LINE, Way.TO_AGENT, body, at=at) for body, at in (("b", "2"), ("a", "1")))
    assert judge([late, early], heard("a", "b")).is_clean
