"""The replaced board asks its two questions, shows what it found, and ends when its time is over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.errors import QueryCanceled

from perf.baselines.replaced_board import PAGE_ROWS, first_page

START = datetime(2026, 5, 3, 12, tzinfo=UTC)


def order(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "number": f"A-{number}",
        "customer": "Customer 7",
        "model": "Ring <1>",
        "material": "gold_585",
        "weight_g": Decimal("2.5"),
        "quantity": 2,
        "operator": None,
        "created_at": START + timedelta(hours=number),
        "promise_at": START + timedelta(days=21),
    }


class Database:
    """Answers the board's two questions, or takes too long."""

    def __init__(self, orders: list[dict[str, Any]], *, is_slow: bool = False) -> None:
        self.orders, self.is_slow = orders, is_slow
        self.asked: list[str] = []
        self.limits_ms: list[int] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    @contextlib.contextmanager
    def cursor(self, *_: object, **__: object) -> Iterator[Database]:
        yield self

    def execute(self, statement: str, values: Any = None) -> Database:
        if "statement_timeout" in statement:
            self.limits_ms.append(int(values[0]))
            return self
        self.asked.append(statement)
        if self.is_slow:
            raise QueryCanceled("canceling statement due to statement timeout")
        return self

    def fetchall(self) -> list[dict[str, Any]]:
        return [{"orders": 777}] if "count(*)" in self.asked[-1] else self.orders


def test_what_was_found_is_shown_with_a_pager() -> None:
    database: Any = Database([order(2), order(1)])
    page = first_page(database, seconds_max=60)
    assert page.finished
    assert page.text.index("A-2<") < page.text.index("A-1<")
    assert "Ring &lt;1&gt;" in page.text and "1 to 2 of 777" in page.text
    shown, counted = database.asked
    assert f"LIMIT {PAGE_ROWS} OFFSET" in shown and "ORDER BY o.created_at DESC" in shown
    # Both follow the same joins and look for each order's latest status by itself.
    for question in (shown, counted):
        assert "JOIN replaced.customers" in question and "JOIN replaced.models" in question
        assert "ORDER BY s.changed_at DESC LIMIT 1) = %(status)s" in question
    assert 0 < database.limits_ms[1] <= database.limits_ms[0] <= 60_000


def test_a_page_that_takes_too_long_is_cut_off() -> None:
    database: Any = Database([], is_slow=True)
    page = first_page(database, seconds_max=-1)
    assert not page.finished and page.text == ""
    assert database.limits_ms == [1], "no time left must not mean no limit"
