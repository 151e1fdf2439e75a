from __future__ import annotations

import pytest

from workers.metrics import (
    AGE_SECONDS,
    EFFECTS,
    IN_FLIGHT,
    TEXTS_UNCERTAIN,
    Kind,
    Metrics,
    all_metrics,
)


def test_counts_add_up_over_the_labels_that_are_not_named() -> None:
    metrics = Metrics()
    metrics.add(EFFECTS, kind="send_text", result="sent")
    metrics.add(EFFECTS, 2, result="failed", kind="send_text")
    metrics.add(EFFECTS, kind="start_chat", result="sent")
    metrics.add(TEXTS_UNCERTAIN)
    assert metrics.total(EFFECTS, kind="send_text") == 3
    assert metrics.total(EFFECTS) == 4
    assert metrics.total(TEXTS_UNCERTAIN) == 1


def test_two_sets_of_metrics_know_nothing_of_each_other() -> None:
    one, other = Metrics(), Metrics()
    one.add(TEXTS_UNCERTAIN)
    assert other.total(TEXTS_UNCERTAIN) == 0


def test_a_gauge_may_be_read_when_it_is_asked_for() -> None:
    metrics = Metrics()
    here = [1, 2]
    metrics.read_from(IN_FLIGHT, lambda: len(here), queue="work")
    here.append(3)
    assert metrics.total(IN_FLIGHT) == 3
    assert b'switchboard_in_flight{queue="work"} 3.0' in metrics.render()


def test_what_is_asked_of_the_wrong_kind_is_refused() -> None:
    metrics = Metrics()
    with pytest.raises(TypeError):
        metrics.add(IN_FLIGHT, queue="work")
    with pytest.raises(TypeError):
        metrics.set(TEXTS_UNCERTAIN, 1)
    with pytest.raises(TypeError):
        metrics.observe(TEXTS_UNCERTAIN, 1)


def test_a_label_that_the_list_does_not_name_is_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        Metrics().add(EFFECTS, kind="send_text", outcome="sent")


def test_observations_are_counted_and_summed() -> None:
    metrics = Metrics()
    metrics.observe(AGE_SECONDS, 0.2, queue="work")
    metrics.observe(AGE_SECONDS, 7, queue="work")
    assert metrics.total(AGE_SECONDS, queue="work") == 2
    assert b"switchboard_age_seconds_sum{" in metrics.render()


def test_the_list_is_sound() -> None:
    metrics = list(all_metrics())
    names = [metric.name for metric in metrics]
    assert len(set(names)) == len(names)
    for metric in metrics:
        assert metric.meaning.endswith("."), metric.name
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(metric.buckets), metric.name
