"""Every rule, and the case that breaks it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.shop.domain import rules, stock
from system.shop.domain.order import Channel, channel_for, number_of
from system.shop.domain.quote import Quote
from system.shop.domain.status import CUSTOMER_MAY_CANCEL, ENDED, Status
from system.shop.tests.bench import rub


def quote(**changes: Any) -> Quote:
    values: dict[str, Any] = {
        "id": new_id(),
        "owner_id": new_id(),
        "kind": "custom",
        "material": "gold_585",
        "quantity": 1,
    }
    return Quote(**(values | changes))


def test_the_shop_knows_exactly_the_published_statuses() -> None:
    assert [status.value for status in Status] == [status.value for status in OrderStatus]


@pytest.mark.parametrize(("quantity", "allowed"), [(0, False), (-1, False), (1, True), (100, True), (101, False)])
def test_quantity_is_allowed(quantity: int, allowed: bool) -> None:
    assert rules.quantity_is_allowed(quantity) is allowed


@pytest.mark.parametrize(
    ("sizes", "size", "fits"),
    [
        (("17", "17.5"), "17.5", True),
        (("17", "17.5"), "18", False),
        (("17", "17.5"), None, False),
        ((), None, True),
        ((), "17", False),
    ],
)
def test_ring_size_fits(sizes: tuple[str, ...], size: str | None, fits: bool) -> None:
    assert rules.ring_size_fits(sizes, size) is fits


@pytest.mark.parametrize(
    ("own", "told", "cancelled", "shown"),
    [
        (Status.INITIATED, None, False, Status.INITIATED),
        (Status.SUBMITTED, None, False, Status.SUBMITTED),
        # The orchestrator has yet to hear of the submission.
        (Status.SUBMITTED, Status.INITIATED, False, Status.SUBMITTED),
        (Status.SUBMITTED, Status.FILE_UPLOADED, False, Status.SUBMITTED),
        (Status.FILE_UPLOADED, Status.SUBMITTED, False, Status.SUBMITTED),
        # From there on its word stands.
        (Status.SUBMITTED, Status.PRICE_CALCULATED, False, Status.PRICE_CALCULATED),
        (Status.SUBMITTED, Status.AWAITING_CUSTOMER, False, Status.AWAITING_CUSTOMER),
        (Status.INITIATED, Status.CANCELLED, False, Status.CANCELLED),
        # A cancellation that it confirmed is shown before its message comes, but never over another end.
        (Status.SUBMITTED, Status.SUBMITTED, True, Status.CANCELLED),
        (Status.INITIATED, None, True, Status.CANCELLED),
        (Status.SUBMITTED, Status.REJECTED, True, Status.REJECTED),
    ],
)
def test_shown_status(own: Status, told: Status | None, cancelled: bool, shown: Status) -> None:
    assert rules.shown_status(own=own, told=told, cancelled=cancelled) is shown


def test_a_customer_may_cancel_until_an_operator_starts() -> None:
    offered = {status for status in Status if rules.customer_may_cancel(status, cancellation_requested=False)}
    assert offered == {
        Status.INITIATED,
        Status.FILE_UPLOADED,
        Status.SUBMITTED,
        Status.AWAITING_CUSTOMER,
        Status.PRICE_CALCULATED,
        Status.MANUFACTURING_APPROVED,
    }
    assert not CUSTOMER_MAY_CANCEL & ENDED


def test_a_cancellation_that_is_being_decided_is_not_offered_again() -> None:
    assert not rules.customer_may_cancel(Status.MANUFACTURING_APPROVED, cancellation_requested=True)


@pytest.mark.parametrize(("version", "known", "news"), [(1, None, True), (3, 2, True), (2, 2, False), (1, 2, False)])
def test_only_a_higher_version_is_news(version: int, known: int | None, news: bool) -> None:
    assert rules.is_news(version, known) is news


def test_the_price_shown_now_is_the_firm_one_and_the_first_is_the_estimate() -> None:
    both = quote(estimate=rub("10.00"), total=rub("12.00"))
    assert (both.shown_now, both.shown_first) == (rub("12.00"), rub("10.00"))
    assert (quote(total=rub("12.00")).shown_first, quote(estimate=rub("10.00")).shown_now) == (
        rub("12.00"),
        rub("10.00"),
    )
    assert quote().shown_now is None


def test_agreed_prices_are_all_present_or_all_first_and_never_a_mixture() -> None:
    one, two = new_id(), new_id()
    quotes = {
        one: quote(estimate=rub("10.00"), total=rub("12.00")),
        two: quote(estimate=rub("100.00"), total=rub("150.00")),
    }
    assert rules.agreed_prices(quotes, rub("162.00")) == {one: rub("12.00"), two: rub("150.00")}
    assert rules.agreed_prices(quotes, rub("110.00")) == {one: rub("10.00"), two: rub("100.00")}
    assert rules.agreed_prices(quotes, rub("112.00")) is None
    assert rules.agreed_prices(quotes, rub("161.99")) is None


def test_another_currency_is_another_price() -> None:
    line: UUID = new_id()
    dollars = type(rub("1.00")).of("10.00", "USD")
    assert rules.agreed_prices({line: quote(total=rub("10.00"))}, dollars) is None


def test_a_total_needs_a_price() -> None:
    with pytest.raises(ValueError, match="at least one price"):
        rules.total_of({})


def test_quote_differences_names_each_one() -> None:
    file_id = new_id()
    promised = quote(file_id=file_id, ring_size="17.5")
    same: dict[str, Any] = {
        "kind": "custom",
        "material": "gold_585",
        "quantity": 1,
        "ring_size": "17.5",
        "file_id": file_id,
        "sku": None,
    }
    assert rules.quote_differences(promised, **same) == {}
    for name, other in {
        "kind": "ready_made",
        "material": "gold_750",
        "quantity": 2,
        "ring_size": "18",
        "file_id": new_id(),
        "sku": "ring-classic-585",
    }.items():
        found = rules.quote_differences(promised, **(same | {name: other}))
        assert found.keys() == {name}


def test_a_quote_without_a_ring_size_leaves_it_open() -> None:
    found = rules.quote_differences(
        quote(), kind="custom", material="gold_585", quantity=1, ring_size="18", file_id=None, sku=None
    )
    assert found == {}


def test_pieces_are_counted_per_good_in_one_fixed_order() -> None:
    pieces = stock.pieces_of([("b", 1), ("a", 2), ("b", 3)])
    assert list(pieces.items()) == [("a", 2), ("b", 4)]


def test_a_shortage_is_the_first_good_by_sku() -> None:
    assert stock.shortage_of({"a": 1, "b": 2}, {"a": 1, "b": 2}) is None
    assert stock.shortage_of({"b": 3, "a": 2}, {"a": 1, "b": 2}) == stock.Shortage("a", 2, 1)
    assert stock.shortage_of({"unknown": 1}, {}) == stock.Shortage("unknown", 1, 0)


def test_numbers_carry_the_year() -> None:
    assert number_of(123, now=datetime(2026, 1, 1, tzinfo=UTC)) == "A-26000123"
    assert number_of(1_000_000, now=datetime(2027, 1, 1, tzinfo=UTC)) == "A-271000000"


@pytest.mark.parametrize(
    ("roles", "channel"),
    [({"customer"}, Channel.SHOP), ({"partner"}, Channel.PARTNER), ({"partner", "customer"}, Channel.SHOP)],
)
def test_channel_for(roles: set[str], channel: Channel) -> None:
    assert channel_for(frozenset(roles)) is channel
