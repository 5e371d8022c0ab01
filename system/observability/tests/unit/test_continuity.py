"""A trace that holds together is told from one that is broken, and where."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from system.observability.domain.continuity import gaps_of
from system.observability.domain.telemetry import Link, Span
from system.observability.tests.telling import NOON, a_span, linked

ORDER, ELSEWHERE = uuid4(), uuid4()


def an_order() -> list[Span]:
    """Made by a click, sent by a relay, received by another service; later clicked on by a seller from a trace of their own."""
    click = a_span(ORDER, "POST /orders")
    sent = a_span(ORDER, "publish", parent=click.span_id, kind="producer", at=NOON + timedelta(seconds=1))
    received = a_span(
        ORDER,
        "receive",
        parent=click.span_id,
        kind="consumer",
        service="orchestrator",
        at=NOON + timedelta(seconds=2),
        links=(linked(sent),),
    )
    seller = a_span(ELSEWHERE, "POST /approve", service="crm", at=NOON + timedelta(hours=1))
    approved = a_span(ORDER, "POST /approve", service="crm", at=NOON + timedelta(hours=1), links=(linked(seller),))
    return [click, sent, received, approved]


def broken(spans: list[Span]) -> list[tuple[str, str]]:
    return [(gap.what, gap.name) for gap in gaps_of(ORDER, spans)]


def test_a_trace_that_holds_together_has_no_gap() -> None:
    assert broken(an_order()) == []
    assert broken(an_order()[::-1]) == [], "in whatever order it is told"


def test_a_parent_that_is_not_there_is_a_gap() -> None:
    click, *rest = an_order()
    found = gaps_of(ORDER, rest)
    assert [(gap.what, gap.name) for gap in found] == [("parent-missing", "publish"), ("parent-missing", "receive")]
    assert {gap.missing_span_id for gap in found} == {click.span_id}
    assert "shop publish" in found[0].text


def test_entering_without_saying_from_where_is_a_gap() -> None:
    later = NOON + timedelta(days=1)
    for told in (
        {"kind": "server"},
        {"kind": "consumer"},
        {"kind": "internal", "attributes": {"http.request.method": "POST"}},
    ):
        alone = a_span(ORDER, "lost", at=later, **told)
        assert broken([*an_order(), alone]) == [("root-unlinked", "lost")], told


def test_of_two_clicks_at_once_the_later_one_may_have_made_the_order() -> None:
    tab = a_span(ELSEWHERE, "POST /lines", at=NOON, lasts=timedelta(milliseconds=400))
    made = a_span(ORDER, "POST /lines", at=NOON + timedelta(milliseconds=100), lasts=timedelta(milliseconds=200))
    found = a_span(ORDER, "POST /lines in the order", at=NOON, lasts=timedelta(milliseconds=400), links=(linked(tab),))
    assert broken([made, found]) == []
    before = a_span(ORDER, "asked before", at=NOON, lasts=timedelta(milliseconds=50), links=(linked(tab),))
    assert broken([made, before]) == [("root-unlinked", "POST /lines")], "what was over already was about an order"


def test_a_timer_begins_by_itself() -> None:
    assert broken([*an_order(), a_span(ORDER, "ask again", kind="internal", at=NOON + timedelta(days=1))]) == []


def test_following_something_that_is_not_there_is_a_gap_but_only_in_this_trace() -> None:
    lost = a_span(ORDER, "receive", parent=None, at=NOON + timedelta(hours=2), links=(Link(ORDER, "00000000000000ee"),))
    assert broken([*an_order(), lost]) == [("link-missing", "receive")]
    elsewhere = a_span(ORDER, "receive", at=NOON + timedelta(hours=2), links=(Link(ELSEWHERE, "00000000000000ee"),))
    assert broken([*an_order(), elsewhere]) == []


def test_nothing_and_half_of_it_are_not_unbroken() -> None:
    assert broken([]) == [("no-spans", "")]
    assert broken([a_span(ELSEWHERE)]) == [("no-spans", "")]
    assert [gap.what for gap in gaps_of(ORDER, an_order(), is_whole=False)] == ["too-long"]
