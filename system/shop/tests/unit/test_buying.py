"""What stands behind the pages of buying: troubles of a cart's lines, the form of an order, the road, the private link."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from system.kernel.ids import new_id
from system.kernel.money import Money
from system.plumbing.tokens import Principal
from system.shop.application.road import Place, road_of
from system.shop.domain.catalogue import Product, Title
from system.shop.domain.order import Channel, Line, LineKind, Order, Terms
from system.shop.domain.progress import Moment, Progress
from system.shop.domain.quote import Quote, QuoteProblem
from system.shop.domain.status import Status
from system.shop.entrypoints.cart_lines import CartLine, Trouble, lines_of
from system.shop.entrypoints.checkout import Typed
from system.shop.entrypoints.private_links import PrivateLinks
from system.shop.entrypoints.sentences import why_of
from system.shop.tests.bench import rub, terms

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SKU = "ring-classic-585"
RING = Product(SKU, Title("Кольцо", "Ring"), "gold_585", ("17", "18"), 5)
FILLED = Typed("Anna", "anna@example.org", "", "en", "", "Lenina 1", "Perm", "614000", "Russia")


def line(quantity: int = 1, **changes: Any) -> Line:
    made = Line(new_id(), LineKind.READY_MADE, RING.title, "gold_585", quantity, new_id(), ring_size="17", sku=SKU)
    return replace(made, **changes)


def order(*lines: Line, **changes: Any) -> Order:
    made = Order(new_id(), "A-26000001", Channel.SHOP, new_id(), NOON, lines=lines or (line(),))
    return replace(made, **changes)


def quote(of: Line, total: str | None = "1000.00", **changes: Any) -> Quote:
    made = Quote(
        of.quote_id, new_id(), "ready_made", of.material, of.quantity, sku=of.sku, total=rub(total) if total else None
    )
    return replace(made, **changes)


def shown(
    *lines: Line, quotes: dict[UUID, Quote] | None = None, goods: tuple[Product, ...] = (RING,), price: str = "1000.00"
) -> list[CartLine]:
    known = {each.id: quote(each, f"{1000 * each.quantity}.00") for each in lines} if quotes is None else quotes
    return lines_of(order(*lines), known, goods, {SKU: rub(price)})


# -- a cart's lines --------------------------------------------------------------------------------------------------------


def test_a_line_that_is_as_it_was_has_its_price_and_no_trouble() -> None:
    [each] = shown(line(2))
    assert each.trouble is Trouble.NONE and not each.trouble.stops
    assert each.price == {"amount": "2000.00", "currency": "RUB"} and each.each == {
        "amount": "1000.00",
        "currency": "RUB",
    }


@pytest.mark.parametrize(
    ("goods", "trouble"),
    [
        ((), Trouble.GONE),
        ((replace(RING, in_stock=0),), Trouble.SOLD_OUT),
        ((replace(RING, in_stock=1),), Trouble.TOO_FEW),
    ],
)
def test_what_cannot_be_had_any_more_stops_the_order(goods: tuple[Product, ...], trouble: Trouble) -> None:
    [each] = shown(line(2), goods=goods)
    assert each.trouble is trouble and trouble.stops


def test_sizes_of_one_good_are_taken_from_the_same_shelf() -> None:
    both = shown(line(3), line(3, ring_size="18"))
    assert [each.trouble for each in both] == [Trouble.TOO_FEW] * 2 and both[0].left == 5
    assert [each.trouble for each in shown(line(3), line(2, ring_size="18"))] == [Trouble.NONE] * 2


def test_a_price_that_is_missing_stops_the_order_and_one_that_moved_does_not() -> None:
    one = line()
    assert shown(one, quotes={})[0].trouble is Trouble.PRICE_MISSING and Trouble.PRICE_MISSING.stops
    coming = shown(one, quotes={one.id: quote(one, None)})[0]
    assert coming.trouble is Trouble.PRICE_COMING and coming.trouble.stops and coming.quote_to_follow == one.quote_id
    [moved] = shown(one, price="1100.00")
    assert moved.trouble is Trouble.PRICE_MOVED and not moved.trouble.stops
    assert moved.now == {"amount": "1100.00", "currency": "RUB"} and moved.price == {
        "amount": "1000.00",
        "currency": "RUB",
    }


def test_a_model_that_cannot_be_made_stops_the_order() -> None:
    custom = line(kind=LineKind.CUSTOM, sku=None, file_id=new_id())
    failed = quote(custom, kind="custom", total=None, problem=QuoteProblem("mesh-not-closed", "Open."))
    [each] = shown(custom, quotes={custom.id: failed}, goods=())
    assert each.trouble is Trouble.NOT_MAKEABLE and each.trouble.stops and each.price is None
    [fine] = shown(custom, quotes={custom.id: quote(custom)}, goods=())
    assert fine.trouble is Trouble.NONE


# -- the order's form ------------------------------------------------------------------------------------------------------


def test_a_filled_form_makes_terms_and_without_a_recipient_the_customer_is_it() -> None:
    made = FILLED.terms(rub("10.00"))
    assert isinstance(made, Terms)
    assert made.customer.name == made.delivery.recipient == "Anna" and made.customer.phone is None
    assert made.agreed_total == rub("10.00") and made.customer.language == "en"
    other = replace(FILLED, recipient=" Boris ").terms(rub("10.00"))
    assert isinstance(other, Terms) and other.delivery.recipient == "Boris"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"name": " "}, {"name": "field-missing"}),
        ({"email": "anna"}, {"email": "email-unreadable"}),
        ({"email": ""}, {"email": "field-missing"}),
        ({"phone": "1"}, {"phone": "field-too-short"}),
        ({"postcode": "1" * 21}, {"postcode": "field-too-long"}),
        ({"country": "R"}, {"country": "field-too-short"}),
        (
            {"name": "", "email": "x", "city": ""},
            {"name": "field-missing", "email": "email-unreadable", "city": "field-missing"},
        ),
        ({"recipient": "x" * 201}, {"recipient": "field-too-long"}),
    ],
)
def test_everything_that_does_not_fit_is_said_at_once(changes: dict[str, str], faults: dict[str, str]) -> None:
    said = replace(FILLED, **changes).terms(rub("10.00"))
    assert not isinstance(said, Terms)
    assert {field: refusal.code for field, refusal in said.items()} == faults


def test_the_form_knows_who_is_signed_in_and_where_the_last_order_went() -> None:
    anna = Principal(new_id(), frozenset({"customer"}), "Anna", "anna@example.org")
    assert (Typed.first(anna, None, "en").name, Typed.first(anna, None, "en").country) == ("Anna", "Russia")
    last = terms(rub("1.00"))
    known = Typed.first(replace(anna, name="Anna B."), last, "ru")
    assert (known.name, known.city, known.language) == ("Anna B.", last.delivery.city, "ru")
    guest = replace(anna, name="", email="guest-1@guest.invalid")
    assert (Typed.first(guest, None, "ru").email, Typed.first(guest, None, "ru").country) == ("", "Россия")
    assert Typed.first(guest, last, "ru").email == last.customer.email


# -- the road --------------------------------------------------------------------------------------------------------------


def progress(status: Status, *history: Status) -> Progress:
    moments = tuple(Moment(each, NOON + timedelta(hours=number)) for number, each in enumerate(history))
    return Progress(9, status, moments[-1].at, NOON + timedelta(days=21), history=moments)


def places(made: Order) -> dict[str, Place]:
    return {step.status.value: step.place for step in road_of(made)}


def test_goods_from_the_shelf_have_no_model_to_upload() -> None:
    road = road_of(order(submitted_at=NOON))
    assert len(road) == 9 and Status.FILE_UPLOADED not in [step.status for step in road]
    assert [step.place for step in road[:3]] == [Place.DONE, Place.NOW, Place.LATER]
    custom = road_of(order(line(kind=LineKind.CUSTOM, sku=None, file_id=new_id())))
    assert len(custom) == 10


def test_a_step_that_began_again_is_where_the_order_is() -> None:
    S = Status
    again = order(
        submitted_at=NOON,
        progress=progress(
            S.MANUFACTURING_STARTED,
            S.INITIATED,
            S.SUBMITTED,
            S.PRICE_CALCULATED,
            S.MANUFACTURING_APPROVED,
            S.MANUFACTURING_STARTED,
            S.MANUFACTURING_COMPLETED,
            S.MANUFACTURING_STARTED,
        ),
    )
    road = {step.status: step for step in road_of(again)}
    assert road[S.MANUFACTURING_STARTED].place is Place.NOW
    assert road[S.MANUFACTURING_STARTED].at == NOON + timedelta(hours=6)
    assert (road[S.MANUFACTURING_COMPLETED].place, road[S.MANUFACTURING_COMPLETED].at) == (Place.LATER, None)


def test_an_order_that_ended_early_goes_no_further_and_one_that_waits_will() -> None:
    S = Status
    rejected = order(
        submitted_at=NOON, progress=progress(S.REJECTED, S.INITIATED, S.SUBMITTED, S.PRICE_CALCULATED, S.REJECTED)
    )
    assert (
        places(rejected)["PRICE_CALCULATED"] is Place.DONE and places(rejected)["MANUFACTURING_APPROVED"] is Place.NEVER
    )
    waiting = order(
        submitted_at=NOON, progress=progress(S.AWAITING_CUSTOMER, S.INITIATED, S.SUBMITTED, S.AWAITING_CUSTOMER)
    )
    assert places(waiting)["SUBMITTED"] is Place.DONE and places(waiting)["PRICE_CALCULATED"] is Place.LATER


def test_the_orchestrators_own_reasons_have_names() -> None:
    assert why_of("Sold out: 2 of x were ordered, 1 are left.") == "sold-out"
    assert why_of("The customer did not agree to the new price.") == "declined"
    assert why_of("The stone is not made any more.") == why_of(None) == ""


# -- the private link ------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_its_order_and_cannot_be_made_up() -> None:
    links, order_id = PrivateLinks(SecretStr("a key")), new_id()
    token = links.token_of(order_id)
    assert links.order_in(token) == order_id and token == links.token_of(order_id) and len(token) == 43
    other = links.token_of(new_id())
    assert PrivateLinks(SecretStr("another key")).order_in(token) is None
    for forged in ("", "x", "ы", token[:-4], token + "AAAA", token[:20] + other[20:], "A" * 43):
        assert links.order_in(forged) is None, forged


def test_a_process_without_a_key_seals_what_no_other_accepts() -> None:
    order_id = new_id()
    token = PrivateLinks(SecretStr("")).token_of(order_id)
    assert PrivateLinks(SecretStr("")).order_in(token) is None


def test_money_of_each_piece_is_the_total_by_pieces() -> None:
    three = line(3)
    [each] = shown(three, quotes={three.id: quote(three, "100.00")})
    assert each.each == {"amount": str(Money.of("33.33", "RUB").amount), "currency": "RUB"}
