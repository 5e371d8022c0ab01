"""Earnings as people read them and as spreadsheets do."""

from __future__ import annotations

import csv
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from system.kernel.money import Money
from system.mes.entrypoints.pages import as_text, by_month, pay_table


def rubles(amount: str) -> Money:
    return Money.of(amount, "RUB")


def test_days_become_months_whose_sums_may_be_negative() -> None:
    found = by_month(
        [
            (date(2026, 3, 2), rubles("-450.00"), 0),
            (date(2026, 2, 28), rubles("450.00"), 1),
            (date(2026, 2, 1), rubles("50.50"), 2),
        ]
    )
    assert [(one.begins, one.total["amount"], len(one.days)) for one in found] == [
        (date(2026, 3, 1), "-450.00", 1),
        (date(2026, 2, 1), "500.50", 2),
    ]
    assert by_month([]) == []


@pytest.mark.parametrize("cell", ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_computes_nothing_that_a_customer_wrote(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"


def test_a_table_keeps_commas_quotes_and_lines() -> None:
    title = 'A ring, "thin"\nand long'
    entry = {
        "at": "2026-03-02T09:00:00+00:00",
        "order_number": "A-26000123",
        "title": title,
        "kind": "reverse",
        "amount": {"amount": "-450.00", "currency": "RUB"},
    }
    text = pay_table([entry], ZoneInfo("Europe/Moscow")).decode("utf-8-sig")
    [_, row] = list(csv.reader(text.splitlines(keepends=True)))
    assert row == ["2026-03-02T12:00:00+03:00", "A-26000123", title, "reverse", "-450.00", "RUB"]
