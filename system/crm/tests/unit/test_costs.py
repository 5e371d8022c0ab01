"""What a seller reads of a price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from system.crm.entrypoints.costs import costs_of, margin_of


def breakdown(*, quantity: int = 1, **per_piece: str) -> dict[str, Any]:
    unit = sum((Decimal(amount) for amount in per_piece.values()), Decimal(0))
    return {"currency": "RUB", "per_piece": per_piece, "unit_price": f"{unit:.2f}", "quantity": quantity}


def test_the_margin_is_of_all_pieces_and_its_share_is_before_tax() -> None:
    costs = costs_of(breakdown(quantity=3, metal="600.00", labour="100.00", margin="300.00", tax="200.00"))
    assert costs.margin == {"amount": "900.00", "currency": "RUB"}
    assert costs.share == Decimal("0.3")
    assert [name for name, _ in costs.items] == ["metal", "labour", "margin", "tax"]


def test_what_costs_nothing_is_left_out() -> None:
    costs = costs_of(breakdown(metal="600.00", stones="0.00", margin="300.00", tax="180.00"))
    assert [name for name, _ in costs.items] == ["metal", "margin", "tax"]


def test_of_a_ready_made_good_no_margin_is_known() -> None:
    costs = costs_of(breakdown(catalogue_price="25000.00"))
    assert (costs.margin, costs.share) == (None, None)
    assert costs.items == (("catalogue_price", {"amount": "25000.00", "currency": "RUB"}),)


def test_the_orders_margin_is_known_only_when_that_of_every_line_is() -> None:
    one = costs_of(breakdown(quantity=2, metal="1.00", margin="10.50"))
    other = costs_of(breakdown(metal="1.00", margin="4.00"))
    assert margin_of([one, other]) == {"amount": "25.00", "currency": "RUB"}
    assert margin_of([one, None]) is None
    assert margin_of([one, costs_of(breakdown(catalogue_price="5.00"))]) is None
    assert margin_of([]) is None
