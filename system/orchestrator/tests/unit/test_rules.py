"""Each rule, and the case that breaks it."""

from __future__ import annotations

import pytest

from system.orchestrator.domain.rules import all_parcels_delivered, consent_reasons
from system.orchestrator.tests.saga_play import rub


@pytest.mark.parametrize(
    ("total", "remade", "asked"),
    [
        ("100.00", (), ()),
        ("105.00", (), ()),  # Exactly 5 % is within the estimate.
        ("105.01", (), ("above_estimate",)),
        ("90.00", ("expired",), ()),  # Never asked about a price that is not higher.
        ("100.00", ("metal_moved",), ()),
        ("100.01", ("expired",), ("expired",)),
        ("100.01", ("metal_moved", "expired", "expired"), ("expired", "metal_moved")),
        ("120.00", ("metal_moved",), ("above_estimate", "metal_moved")),
    ],
)
def test_when_the_customer_is_asked_again(total: str, remade: tuple[str, ...], asked: tuple[str, ...]) -> None:
    assert consent_reasons(agreed=rub("100.00"), total=rub(total), remade_because=remade) == asked


def test_all_parcels_have_to_arrive() -> None:
    parcels = [("CDEK", "A 1"), ("CDEK", "B2")]
    assert not all_parcels_delivered(parcels, [("CDEK", "A 1")])
    assert all_parcels_delivered(parcels, [("CDEK", "B2"), ("cdek", "a1")])


def test_one_parcel_may_hold_two_lines() -> None:
    assert all_parcels_delivered([("CDEK", "A1"), ("CDEK", "A1")], [("CDEK", "A1")])


def test_another_carrier_s_parcel_is_another_parcel() -> None:
    assert not all_parcels_delivered([("CDEK", "A1")], [("DHL", "A1")])


def test_an_order_without_parcels_has_not_arrived() -> None:
    assert not all_parcels_delivered([], [])
