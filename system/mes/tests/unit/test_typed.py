"""What people type into forms."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from system.kernel.errors import Invalid
from system.mes.entrypoints import typed

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", "12"),
        ("12.5", "12.50"),
        ("12,5", "12.50"),
        (" 1 250,50 ", "1250.50"),
        ("1\u00a0250.5", "1250.50"),
        (",5", "0.50"),
        ("3.", "3"),
        ("2.500", "2.50"),
    ],
)
def test_a_number_is_read_as_it_is_meant(text: str, value: str) -> None:
    assert typed.number(text, least=typed.NOTHING, most=Decimal(10_000)) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number-unreadable"),
        ("three", "number-unreadable"),
        ("-1", "number-unreadable"),
        ("1e3", "number-unreadable"),
        ("NaN", "number-unreadable"),
        ("1.250,50", "number-unreadable"),
        ("٣", "number-unreadable"),
        ("2.505", "number-too-exact"),
        ("0", "number-out-of-range"),
        ("10000.01", "number-out-of-range"),
    ],
)
def test_what_is_no_such_number_says_so(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        typed.number(text, least=typed.A_TRIFLE, most=Decimal(10_000))
    assert refusal.value.code == code


def test_a_moment_is_the_workshops_unless_it_says_otherwise() -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert typed.moment("2026-03-02T12:00", MOSCOW) == at
    assert typed.moment("2026-03-02 12:00:00", MOSCOW) == at
    assert typed.moment("2026-03-02T09:00:00+00:00", MOSCOW) == at
    assert typed.moment("  ", MOSCOW) is None
    with pytest.raises(typed.MomentUnreadable):
        typed.moment("tomorrow", MOSCOW)


def test_a_reason_is_given_and_not_a_novel() -> None:
    assert typed.reason(" dearer work ") == "dearer work"
    for said in ("  ", "x" * 501):
        with pytest.raises(typed.ReasonMissing):
            typed.reason(said)


def test_a_material_is_one_or_any() -> None:
    assert [typed.material(code) for code in ("*", "gold_585")] == ["*", "gold_585"]
    for code in ("", "**", "Gold 585"):
        with pytest.raises(typed.MaterialUnchosen):
            typed.material(code)
