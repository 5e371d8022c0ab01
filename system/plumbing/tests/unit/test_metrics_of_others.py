"""What processes without an address count is added to what this one counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from system.plumbing.metrics_of_others import Others, told


def process(*, done: int, failed: int = 0, seconds: float) -> CollectorRegistry:
    """What one process counted."""
    registry = CollectorRegistry()
    ended = Counter("alexandrite_ended_total", "Ended.", ["how"], registry=registry)
    ended.labels("done").inc(done)
    if failed:
        ended.labels("failed").inc(failed)
    Histogram("alexandrite_took_seconds", "Took.", buckets=(1, 5), registry=registry).observe(seconds)
    Gauge("alexandrite_here", "Here.", registry=registry).set(1)
    Counter("somebody_elses_total", "Theirs.", registry=registry).inc(5)
    return registry


def test_counters_and_histograms_are_added_and_gauges_are_not() -> None:
    others = Others()
    others.hear(7, told(process(done=2, failed=1, seconds=3.0)))
    both = others.added_to(process(done=5, seconds=0.5))
    assert both.get_sample_value("alexandrite_ended_total", {"how": "done"}) == 7
    assert both.get_sample_value("alexandrite_ended_total", {"how": "failed"}) == 1
    assert both.get_sample_value("alexandrite_took_seconds_bucket", {"le": "1.0"}) == 1
    assert both.get_sample_value("alexandrite_took_seconds_bucket", {"le": "+Inf"}) == 2
    assert both.get_sample_value("alexandrite_took_seconds_sum") == 3.5
    assert both.get_sample_value("alexandrite_here") == 1
    assert both.get_sample_value("somebody_elses_total") == 5


def test_the_same_one_again_replaces_what_it_told_before() -> None:
    others = Others()
    for done in (2, 3):
        others.hear(7, told(process(done=done, seconds=1.0)))
    others.hear(8, told(process(done=10, seconds=1.0)))
    assert others.added_to(CollectorRegistry()).get_sample_value("alexandrite_ended_total", {"how": "done"}) == 13


def test_what_somebody_counted_stays_when_they_are_gone() -> None:
    others = Others()
    for who in (1, 2, 3):
        others.hear(who, told(process(done=who, seconds=1.0)))
        others.retire(who)
    both = others.added_to(CollectorRegistry())
    assert both.get_sample_value("alexandrite_ended_total", {"how": "done"}) == 6
    assert both.get_sample_value("alexandrite_took_seconds_count") == 3


def test_alone_a_process_tells_its_own() -> None:
    registry = process(done=1, seconds=1.0)
    assert Others().added_to(registry) is registry
