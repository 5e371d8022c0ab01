"""An order on its own: what it allows, and how it looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from system.kernel.ids import new_id
from system.shop.application.publishing import file_uploaded, order_submitted
from system.shop.application.views import etag_of, order_view
from system.shop.domain import rules
from system.shop.domain.catalogue import Title
from system.shop.domain.errors import OrderHasEnded, OrderIsFull, QuantityRefused
from system.shop.domain.order import Channel, ConsentAnswer, Line, LineKind, Order
from system.shop.domain.progress import Moment, Parcel, PriceQuestion, Progress
from system.shop.domain.quote import Quote, QuoteProblem
from system.shop.domain.status import Status
from system.shop.tests.bench import rub, terms

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "id": new_id(),
        "number": "A-26000001",
        "channel": Channel.SHOP,
        "customer_id": new_id(),
        "created_at": NOON,
    }
    return Order(**(values | changes))


def line(**changes: Any) -> Line:
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": LineKind.CUSTOM,
        "title": Title.same("ring.stl"),
        "material": "gold_585",
        "quantity": 1,
        "quote_id": new_id(),
        "file_id": new_id(),
    }
    return Line(**(values | changes))


def told(status: Status, **changes: Any) -> Progress:
    values: dict[str, Any] = {
        "version": 7,
        "status": status,
        "status_since": NOON + timedelta(hours=1),
        "promise_at": NOON + timedelta(days=21),
        "history": (Moment(Status.INITIATED, NOON), Moment(status, NOON + timedelta(hours=1))),
    }
    return Progress(**(values | changes))


def submitted(**changes: Any) -> Order:
    agreed = rub("10.00")
    values: dict[str, Any] = {
        "lines": (line(agreed_total=agreed),),
        "terms": terms(agreed),
        "model_attached_at": NOON + timedelta(minutes=1),
        "submitted_at": NOON + timedelta(minutes=2),
    }
    return order(**(values | changes))


def test_an_order_holds_twenty_lines_and_no_more() -> None:
    cart = order()
    for _ in range(rules.LINES_MAX):
        cart = cart.with_line(line(), now=NOON)
    with pytest.raises(OrderIsFull):
        cart.with_line(line(), now=NOON)


def test_a_line_holds_a_sensible_number_of_pieces() -> None:
    with pytest.raises(QuantityRefused):
        order().with_line(line(quantity=101), now=NOON)


def test_every_change_counts_as_a_revision() -> None:
    cart = order()
    filled = cart.with_line(line(), now=NOON)
    assert (cart.revision, filled.revision, filled.without_line(filled.lines[0].id).revision) == (1, 2, 3)


def test_only_a_model_makes_it_file_uploaded() -> None:
    goods = line(kind=LineKind.READY_MADE, file_id=None, sku="pendant-drop-925")
    cart = order().with_line(goods, now=NOON)
    assert cart.status is Status.INITIATED
    assert cart.with_line(line(), now=NOON).status is Status.FILE_UPLOADED


def test_the_first_model_dates_it_and_a_second_does_not() -> None:
    cart = order().with_line(line(), now=NOON).with_line(line(), now=NOON + timedelta(hours=1))
    assert cart.model_attached_at == NOON


def test_what_the_orchestrator_ended_takes_no_more_lines() -> None:
    with pytest.raises(OrderHasEnded):
        order(progress=told(Status.CANCELLED)).with_line(line(), now=NOON)


@pytest.mark.parametrize(
    ("it", "actions"),
    [
        (order(), ("add_line", "cancel")),
        (order(lines=(line(),)), ("add_line", "remove_line", "submit", "cancel")),
        (submitted(), ("cancel",)),
        (submitted(progress=told(Status.MANUFACTURING_APPROVED)), ("cancel",)),
        (submitted(progress=told(Status.MANUFACTURING_APPROVED, cancellation_requested=True)), ()),
        (submitted(progress=told(Status.MANUFACTURING_STARTED)), ()),
        (submitted(progress=told(Status.CLOSED)), ()),
        (order(cancelled_at=NOON), ()),
    ],
)
def test_allowed_actions(it: Order, actions: tuple[str, ...]) -> None:
    assert it.allowed_actions == actions


def test_an_answer_belongs_to_the_question_that_was_asked_then() -> None:
    question = PriceQuestion(("expired",), rub("10.00"), rub("12.00"))
    waiting = submitted(progress=told(Status.AWAITING_CUSTOMER, question=question))
    answered = waiting.answered(accepted=True, total=rub("12.00"), now=NOON)
    assert answered.answer == ConsentAnswer(NOON + timedelta(hours=1), True, rub("12.00"), NOON)
    again = replace(
        answered, progress=told(Status.AWAITING_CUSTOMER, question=question, status_since=NOON + timedelta(hours=2))
    )
    assert again.answer is None
    assert "consent" in again.allowed_actions


def test_a_question_of_the_past_is_not_shown() -> None:
    question = PriceQuestion(("expired",), rub("10.00"), rub("12.00"))
    assert order_view(submitted(progress=told(Status.PRICE_CALCULATED, question=question))).consent is None


def test_the_view_of_a_waiting_order_shows_the_question_and_the_answer() -> None:
    question = PriceQuestion(("above_estimate",), rub("10.00"), rub("12.00"))
    waiting = submitted(progress=told(Status.AWAITING_CUSTOMER, question=question))
    view = order_view(waiting.answered(accepted=False, total=rub("12.00"), now=NOON))
    assert view.consent is not None
    assert (view.consent.reasons, view.consent.total.amount, view.consent.answer) == (
        ["above_estimate"],
        "12.00",
        "declined",
    )


def test_a_cart_shows_the_present_prices_and_their_sum() -> None:
    one, two = line(), line()
    cart = order(lines=(one, two))
    quotes = {
        one.id: Quote(
            one.quote_id, cart.customer_id, "custom", "gold_585", 1, estimate=rub("10.00"), total=rub("12.00")
        ),
        two.id: Quote(two.quote_id, cart.customer_id, "custom", "gold_585", 1, estimate=rub("5.00")),
    }
    view = order_view(cart, quotes)
    assert view.total is not None
    assert view.total.amount == "17.00"
    assert [(shown.estimate and shown.estimate.amount, shown.total and shown.total.amount) for shown in view.lines] == [
        ("10.00", "12.00"),
        ("5.00", None),
    ]


def test_a_cart_with_an_unknown_price_shows_no_sum() -> None:
    assert order_view(order(lines=(line(),))).total is None


def test_a_line_that_cannot_be_priced_says_why() -> None:
    bad = line()
    failed = Quote(bad.quote_id, new_id(), "custom", "gold_585", 1, problem=QuoteProblem("mesh-empty", "No triangles."))
    [shown] = order_view(order(lines=(bad,)), {bad.id: failed}).lines
    assert shown.problem is not None
    assert shown.problem.code == "mesh-empty"


def test_a_priced_order_shows_what_the_orchestrator_said() -> None:
    bought = submitted()
    totals = {bought.lines[0].id: rub("12.00")}
    progress = told(
        Status.SHIPPED, total=rub("12.00"), line_totals=totals, parcels=(Parcel("CDEK", "42"),), reason="late"
    )
    view = order_view(replace(bought, progress=progress))
    assert (view.status, view.version, view.reason) == (Status.SHIPPED, 7, "late")
    assert view.status_since == NOON + timedelta(hours=1)
    assert view.promise_at == NOON + timedelta(days=21)
    assert view.total is not None
    assert view.lines[0].total is not None
    assert (view.total.amount, view.lines[0].total.amount) == ("12.00", "12.00")
    assert [parcel.tracking_number for parcel in view.shipments] == ["42"]
    assert [moment.status for moment in view.history] == [Status.INITIATED, Status.SHIPPED]


def test_the_shops_own_facts_follow_what_the_orchestrator_has_told() -> None:
    late = submitted(progress=told(Status.INITIATED, history=(Moment(Status.INITIATED, NOON),)))
    view = order_view(late)
    assert [moment.status for moment in view.history] == [Status.INITIATED, Status.FILE_UPLOADED, Status.SUBMITTED]
    assert (view.status, view.status_since) == (Status.SUBMITTED, NOON + timedelta(minutes=2))


def test_a_confirmed_cancellation_is_dated() -> None:
    view = order_view(submitted(cancelled_at=NOON + timedelta(minutes=9)))
    assert (view.status, view.status_since) == (Status.CANCELLED, NOON + timedelta(minutes=9))


def test_a_cart_promises_nothing() -> None:
    assert order_view(order(progress=told(Status.INITIATED))).promise_at is None


def test_the_etag_follows_content_and_progress() -> None:
    cart = order()
    tags = {
        etag_of(cart),
        etag_of(cart.with_line(line(), now=NOON)),
        etag_of(replace(cart, progress=told(Status.INITIATED))),
    }
    assert len(tags) == 3


def test_titles_are_told_in_the_customers_language() -> None:
    goods = line(
        kind=LineKind.READY_MADE,
        file_id=None,
        sku="pendant-drop-925",
        title=Title(ru="Подвеска", en="Pendant"),
        agreed_total=rub("10.00"),
    )
    assert order_submitted(submitted(lines=(goods,))).lines[0].title == "Подвеска"


def test_a_cart_cannot_be_told_as_submitted() -> None:
    with pytest.raises(ValueError, match="not submitted"):
        order_submitted(order())
    with pytest.raises(ValueError, match="no model"):
        file_uploaded(order(), line(file_id=None))
