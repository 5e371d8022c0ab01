"""Metal lost: by operator and alloy, what stands out, and the table of it."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from system.kernel.ids import new_id
from system.mes.domain.losses import Made, by_operator_and_alloy, norms_of, stands_out, total
from system.mes.domain.weights import Weights
from system.mes.domain.work_order import Operator
from system.mes.entrypoints.losses_pages import losses_table
from system.mes.entrypoints.periods import Kind, period_of
from system.mes.tests.harness import OLEG, OLGA, START

MOSCOW = ZoneInfo("Europe/Moscow")


def made(
    percent: str | None = "5", *, operator: Operator = OLEG, material: str = "gold_585", quantity: int = 1
) -> Made:
    """A work order of 10 g cast that lost so much; not weighed without a percentage."""
    finished = None if percent is None else Decimal(10) - Decimal(percent) / 10
    return Made(
        work_order_id=new_id(),
        order_number="A-26000123",
        title="Ring",
        material=material,
        quantity=quantity,
        operator=operator,
        made_at=START,
        weights=Weights(Decimal("9.80"), Decimal(10), finished),
    )


def test_losses_are_those_of_pieces_with_both_weights() -> None:
    found = [made("4"), made("6", quantity=3), made(None, quantity=2), made("1", operator=OLGA)]
    oleg, olga = by_operator_and_alloy(found, norms_of(found))
    assert (oleg.operator, oleg.weighed, oleg.unweighed) == (OLEG, 4, 2)
    assert (oleg.weights.quoted_g, oleg.weights.cast_g, oleg.weights.lost_g) == (
        Decimal("19.60"),
        Decimal(20),
        Decimal(1),
    )
    assert oleg.weights.lost_percent == 5
    assert (olga.operator, olga.weights.lost_percent) == (OLGA, Decimal(1))


def test_of_nothing_weighed_nothing_is_known() -> None:
    [line] = by_operator_and_alloy([made(None)], norms_of([made(None)]))
    assert (line.weights, line.is_outlier) == (Weights(), False)
    assert total([]).lost_percent is None


def test_each_alloy_has_a_line_and_a_norm_of_its_own() -> None:
    found = [made("4"), made("6"), made("10", material="platinum_950")]
    assert [line.material for line in by_operator_and_alloy(found, norms_of(found))] == ["gold_585", "platinum_950"]
    norms = norms_of(found)
    assert norms["gold_585"].mean_percent == pytest.approx(5)
    assert norms["gold_585"].deviation == pytest.approx(2**0.5)
    assert norms["platinum_950"].mean_percent == pytest.approx(10)
    assert norms["platinum_950"].deviation == 0


def test_what_lies_beyond_two_deviations_stands_out() -> None:
    usual = [made(percent) for percent in ("4.8", "5.0", "5.2", "5.0", "4.9", "5.1", "5.0", "4.9", "5.1", "5.0")]
    much = made("9", operator=OLGA)
    norms = norms_of([*usual, much])
    assert stands_out(much, norms) and not any(stands_out(each, norms) for each in usual)
    lines = by_operator_and_alloy([*usual, much], norms)
    assert [(line.operator, line.is_outlier) for line in lines] == [(OLEG, False), (OLGA, True)]


def test_a_mean_of_many_stands_out_sooner_than_one() -> None:
    spread = [made(percent) for percent in ("3", "7", "4", "6") * 10]
    above = [made("6.5", operator=OLGA) for _ in range(9)]
    found = [*spread, *above]
    norms = norms_of(found)
    assert not stands_out(above[0], norms)
    assert [line.is_outlier for line in by_operator_and_alloy(found, norms) if line.operator == OLGA] == [True]


def test_among_few_nothing_stands_out() -> None:
    found = [*(made("5") for _ in range(6)), made("50")]
    assert not stands_out(found[-1], norms_of(found))


@pytest.mark.parametrize(
    ("kind", "first", "last", "earlier", "later"),
    [
        ("day", date(2026, 3, 4), date(2026, 3, 4), date(2026, 3, 3), date(2026, 3, 5)),
        ("week", date(2026, 3, 2), date(2026, 3, 8), date(2026, 3, 1), date(2026, 3, 9)),
        ("month", date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 28), date(2026, 4, 1)),
        ("30days", date(2026, 2, 3), date(2026, 3, 4), date(2026, 2, 2), date(2026, 4, 3)),
    ],
)
def test_a_period_follows_the_one_before_it(kind: Kind, first: date, last: date, earlier: date, later: date) -> None:
    period = period_of(kind, date(2026, 3, 4))
    assert (period.first, period.last, period.earlier, period.later) == (first, last, earlier, later)
    assert period_of(kind, period.earlier).last == first - timedelta(days=1)
    assert period_of(kind, period.later).first == last + timedelta(days=1)


def test_a_period_begins_and_ends_at_the_workshops_midnight() -> None:
    begins, ends = period_of("month", date(2026, 12, 31)).moments(MOSCOW)
    assert begins == datetime(2026, 12, 1, tzinfo=MOSCOW) and ends == datetime(2027, 1, 1, tzinfo=MOSCOW)


def test_the_table_leaves_empty_what_is_not_known() -> None:
    one = {
        "made_at": START.isoformat(),
        "operator_name": "=Oleg",
        "material": "gold_585",
        "order_number": "A-1",
        "title": "Ring, thin",
        "quantity": 2,
        "quoted_g": "4.00",
        "cast_g": None,
        "finished_g": None,
        "lost_g": None,
        "lost_percent": None,
        "is_outlier": False,
    }
    [head, row] = csv.reader(losses_table([one], MOSCOW).decode("utf-8-sig").splitlines())
    assert dict(zip(head, row, strict=True)) == {
        "made_at": "2026-03-02T12:00:00+03:00",
        "operator": "'=Oleg",
        "material": "gold_585",
        "order": "A-1",
        "piece": "Ring, thin",
        "quantity": "2",
        "quoted_g": "4.00",
        "cast_g": "",
        "finished_g": "",
        "lost_g": "",
        "lost_percent": "",
        "stands_out": "no",
    }


def test_a_piece_that_gained_lost_less_than_nothing() -> None:
    gained = replace(made().weights, finished_g=Decimal("10.50"))
    assert (gained.lost_g, gained.lost_percent) == (Decimal("-0.50"), Decimal(-5))
