"""What is earned on a line whose pieces are cheaper because there are many."""

from __future__ import annotations

from decimal import Decimal

from system.crm.entrypoints.costs import costs_of


def test_what_many_pieces_take_off_is_taken_off_what_is_earned() -> None:
    breakdown = {
        "currency": "RUB",
        "quantity": 10,
        "unit_price": "111.00",
        "per_piece": {"metal": "70.00", "margin": "30.00", "discount": "-7.50", "tax": "18.50"},
    }
    costs = costs_of(breakdown)
    assert costs.margin == {"amount": "225.00", "currency": "RUB"}
    assert costs.share == Decimal("22.50") / Decimal("92.50")
    assert dict(costs.items)["discount"] == {"amount": "-7.50", "currency": "RUB"}
