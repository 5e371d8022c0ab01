"""Three ways to say how thick a finger is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.kernel.errors import Invalid
from system.pricing.domain.ring_size import RingSize


@pytest.mark.parametrize(
    ("written", "diameter_mm"),
    [
        ("17.5", "17.5"),
        ("17,5", "17.5"),
        ("RU 18", "18"),
        ("US 7", "17.3196"),
        ("us7", "17.3196"),
        ("US 6.5", "16.9132"),
        ("ISO 54", "17.1887"),
    ],
)
def test_size_is_its_inner_diameter(written: str, diameter_mm: str) -> None:
    assert round(RingSize.parse(written).diameter_mm, 4) == Decimal(diameter_mm)


@pytest.mark.parametrize("written", ["", "medium", "17.3", "7", "US 40", "ISO 20", "RU 17.25", "-17", "17.5mm", "US"])
def test_what_is_no_ring_size_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="ring-size-unknown"):
        RingSize.parse(written)


def test_us_7_is_the_golden_ring_in_every_system() -> None:
    size = RingSize.parse("US 7")
    assert (size.us, size.iso, size.russian) == (Decimal(7), Decimal("54.4"), Decimal("17.5"))


@given(st.integers(24, 52))
def test_a_russian_size_survives_every_system(half_millimetres: int) -> None:
    size = RingSize.parse(str(Decimal(half_millimetres) / 2))
    assert size.russian == Decimal(half_millimetres) / 2
    assert round(RingSize.from_iso(size.iso).diameter_mm, 1) == round(size.diameter_mm, 1)
